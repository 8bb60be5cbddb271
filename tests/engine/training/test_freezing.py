"""What the screen calls frozen is frozen: every way to toggle layers, on real training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.config.spec import BatchNorm
from engine.protocol.commands import Command, SetBatchNormLock, SetTrainable, Stop, When
from engine.protocol.events import (
    CommandRejected,
    EpochEnded,
    EpochStarted,
    Event,
    FeaturesReady,
    FreezeApplied,
    LayersMoved,
)
from tests.engine.training.freeze_cases.asked import Moment
from tests.engine.training.freeze_cases.small_net import (
    BACKBONE,
    BRANCHES,
    HEAD,
    NESTED,
    RESIDUAL,
    STEM,
    small_spec,
)
from tests.engine.training.freeze_cases.witness import Witness

pytestmark = pytest.mark.usefixtures("small_net")

Prove = Callable[..., Any]
Script = dict[Moment, list[Command]]

PATHS: tuple[tuple[str, bool, tuple[str, ...]], ...] = (
    ("unfreeze a layer of one branch", True, BRANCHES[:1]),
    ("unfreeze layers inside a layer", True, NESTED),
    ("unfreeze a residual block", True, RESIDUAL),
    ("unfreeze all", True, BACKBONE),
    ("freeze the first layers and one between others", False, (*STEM, RESIDUAL[0], BRANCHES[2])),
    ("freeze all but the head again", False, BACKBONE),
)


@pytest.mark.parametrize("batchnorm", ["locked", "keras"])
@pytest.mark.parametrize("cache", [True, False], ids=["features", "images"])
@pytest.mark.parametrize("when", ["now", "epoch"])
def test_every_toggle_path(
    prove_freezing: Prove, when: When, cache: bool, batchnorm: BatchNorm
) -> None:
    # One path an epoch, each from where the last one led.
    script: Script = {
        (epoch, 1): [SetTrainable(layers=layers, value=value, when=when)]
        for epoch, (_, value, layers) in enumerate(PATHS, start=1)
    }
    spec = small_spec(len(PATHS) + 1, batchnorm=batchnorm, feature_cache=cache)
    run = prove_freezing(spec, lambda tree: script, every_variable=True)
    assert bool(run.all(FeaturesReady)) == cache
    # With features the cut was elsewhere for the head, for a branch, for the nested and for none.
    assert len({event.frontier for event in run.all(FreezeApplied)}) >= (4 if cache else 1)


@pytest.mark.parametrize("cache", [True, False], ids=["features", "images"])
def test_the_lock_is_taken_off_and_put_on(prove_freezing: Prove, cache: bool) -> None:
    # With only the last layers asked to train, the lock also decides how far features reach.
    script: Script = {
        (1, 1): [SetBatchNormLock(value=False, when="now")],
        (2, 2): [SetBatchNormLock(value=True, when="epoch")],
        (3, 1): [SetTrainable(layers=NESTED, value=True), SetBatchNormLock(value=False)],
        (4, 0): [SetBatchNormLock(value=True, when="now")],
    }
    spec = small_spec(4, last=12, feature_cache=cache)
    prove_freezing(spec, lambda tree: script, every_variable=True)


def test_all_layers_train_from_the_start_and_freeze_one_by_one(prove_freezing: Prove) -> None:
    # Several changes at one moment are one change of the step.
    script: Script = {
        (1, 2): [SetTrainable(layers=(name,), value=False, when="now") for name in STEM],
        (2, 0): [
            SetTrainable(layers=RESIDUAL, value=False, when="now"),
            SetTrainable(layers=RESIDUAL[:1], value=True, when="now"),
        ],
    }
    run = prove_freezing(small_spec(2, last=None), lambda tree: script, every_variable=True)
    carried = [event.command_ids for event in run.all(FreezeApplied) if event.command_ids]
    assert [len(ids) for ids in carried] == [2, 2]


def test_the_head_alone_can_freeze(prove_freezing: Prove) -> None:
    script: Script = {
        (1, 1): [
            SetTrainable(layers=RESIDUAL, value=True, when="now"),
            SetTrainable(layers=HEAD, value=False, when="now"),
        ],
    }
    prove_freezing(small_spec(2), lambda tree: script, every_variable=True)


def test_what_would_leave_nothing_to_train_is_refused_and_the_head_goes_on(
    train: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = Witness(monkeypatch)

    def on_event(event: Event) -> list[Command]:
        witness.see(event)
        if isinstance(event, EpochStarted) and event.epoch == 1:
            return [SetTrainable(layers=HEAD, value=False)]
        return [Stop(when="now")] if isinstance(event, EpochEnded) and event.epoch == 2 else []

    run = train(small_spec(2), on_event)
    assert len(run.all(CommandRejected)) == 1
    assert [event.trainable for event in run.all(FreezeApplied)] == [HEAD]
    begins = [s for s in witness.sightings if isinstance(s.event, EpochStarted)]
    ends = [s for s in witness.sightings if isinstance(s.event, EpochEnded)]
    moved = [begin.moved(end) for begin, end in zip(begins, ends, strict=True)]
    assert moved == [{*HEAD}, {*HEAD}]


def test_the_movement_told_is_the_relative_change_of_the_weights(
    train: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = Witness(monkeypatch)
    copies: list[dict[str, Any]] = []

    def on_event(event: Event) -> list[Command]:
        witness.see(event)
        if isinstance(event, (EpochStarted, EpochEnded)):
            copies.append({name: flat(layer) for name, layer in witness.layers.items()})
        return []

    run = train(small_spec(2, last=12, batchnorm="keras"), on_event)
    told = run.all(LayersMoved)
    assert [event.epoch for event in told] == [1, 2]
    for event, before, after in zip(told, copies[::2], copies[1::2], strict=True):
        norm = np.linalg.norm
        expected = {x: norm(after[x] - before[x]) / norm(before[x]) for x in before}
        assert event.moved == pytest.approx({x: v for x, v in expected.items() if v}, rel=1e-3)


def flat(layer: Any) -> Any:
    """All weights of a layer in one float64 vector."""
    return np.concatenate([np.asarray(weight, "float64").ravel() for weight in layer.weights])
