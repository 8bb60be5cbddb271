"""What the screen calls frozen is frozen: every way to toggle layers, on real training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from engine.config.settings import BatchNorm
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
from tests.support.freezing.asked import Moment
from tests.support.freezing.proof import ProveFreezing
from tests.support.freezing.witness import Sighting, Witness
from tests.support.small_net import (
    BACKBONE,
    BRANCHES,
    HEAD,
    NESTED,
    RESIDUAL,
    STEM,
    small_spec,
)
from tests.support.training import Train, Trained

pytestmark = pytest.mark.usefixtures("small_net")

Script = dict[Moment, list[Command]]
Weights = dict[str, np.ndarray]
ALL = (*BACKBONE, *HEAD)

PATHS: tuple[tuple[str, bool, tuple[str, ...]], ...] = (
    ("unfreeze a layer of one branch", True, BRANCHES[:1]),
    ("unfreeze layers inside a layer", True, NESTED),
    ("unfreeze a residual block", True, RESIDUAL),
    ("unfreeze all", True, BACKBONE),
    ("freeze the first layers and one between others", False, (*STEM, RESIDUAL[0], BRANCHES[2])),
    ("freeze all but the head again", False, BACKBONE),
)


def test_a_block_unfreezes_and_freezes_now(prove_freezing: ProveFreezing) -> None:
    script: Script = {
        (1, 1): [SetTrainable(layers=NESTED, value=True, when="now")],
        (2, 2): [SetTrainable(layers=NESTED, value=False, when="now")],
    }
    prove_freezing(small_spec(2), lambda tree: script, every_variable=True)


@pytest.mark.slow("each kind of toggle, now and at the epoch's end, with and without features")
@pytest.mark.parametrize(
    ("when", "cache", "batchnorm"),
    [
        ("now", True, "keras"),
        ("now", False, "locked"),
        ("epoch", True, "locked"),
        ("epoch", False, "keras"),
    ],
)
def test_every_toggle_path(
    prove_freezing: ProveFreezing, when: When, cache: bool, batchnorm: BatchNorm
) -> None:
    # Any two of the three choices meet; all three do in the property test.
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


@pytest.mark.slow("the lock of BatchNormalization taken off and put on again, by the weights")
@pytest.mark.parametrize("cache", [True, False], ids=["features", "images"])
def test_the_lock_is_taken_off_and_put_on(prove_freezing: ProveFreezing, cache: bool) -> None:
    # With only the last layers asked to train, the lock also decides how far features reach.
    script: Script = {
        (1, 1): [SetBatchNormLock(value=False, when="now")],
        (2, 2): [SetBatchNormLock(value=True, when="epoch")],
        (3, 1): [SetTrainable(layers=NESTED, value=True), SetBatchNormLock(value=False)],
        (4, 0): [SetBatchNormLock(value=True, when="now")],
    }
    spec = small_spec(4, last=12, feature_cache=cache)
    prove_freezing(spec, lambda tree: script, every_variable=True)


@pytest.mark.slow("several changes at one moment are one, by the weights and the optimizer")
def test_all_layers_train_from_the_start_and_freeze_one_by_one(
    prove_freezing: ProveFreezing,
) -> None:
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


@pytest.mark.slow("the head frozen while the backbone trains, by the weights and the optimizer")
def test_the_head_alone_can_freeze(prove_freezing: ProveFreezing) -> None:
    script: Script = {
        (1, 1): [
            SetTrainable(layers=RESIDUAL, value=True, when="now"),
            SetTrainable(layers=HEAD, value=False, when="now"),
        ],
    }
    prove_freezing(small_spec(2), lambda tree: script, every_variable=True)


@dataclass(frozen=True)
class Watched:
    """A run, and its weights at the begin and the end of each epoch."""

    run: Trained
    begins: list[Sighting]
    ends: list[Sighting]
    copies: list[tuple[Weights, Weights]]


@pytest.fixture(scope="module")
def unchanged(train_once: Train, small_net: None) -> Watched:
    """A run that is told to freeze all that trains, and later what is frozen already."""
    copies: list[Weights] = []
    with pytest.MonkeyPatch.context() as patch:
        witness = Witness(patch)

        def on_event(event: Event) -> list[Command]:
            witness.see(event)
            if isinstance(event, (EpochStarted, EpochEnded)):
                copies.append({name: flat(layer) for name, layer in witness.layers.items()})
            return []

        run = train_once(
            small_spec(3, last=12, batchnorm="keras"),
            on_event,
            EpochStarted_1=[SetTrainable(layers=ALL, value=False)],
            EpochStarted_2=[SetTrainable(layers=STEM, value=False)],
            EpochEnded_3=[Stop(when="now")],
        )
    begins = [s for s in witness.sightings if isinstance(s.event, EpochStarted)]
    ends = [s for s in witness.sightings if isinstance(s.event, EpochEnded)]
    return Watched(run, begins, ends, list(zip(copies[::2], copies[1::2], strict=True)))


def test_what_would_leave_nothing_to_train_is_rejected_and_the_rest_goes_on(
    unchanged: Watched,
) -> None:
    (rejected,) = unchanged.run.all(CommandRejected)
    assert rejected.command.layers == ALL
    assert "nothing would train" in rejected.reason
    (trainable,) = {event.trainable for event in unchanged.run.all(FreezeApplied)}
    moved = [a.moved(b) for a, b in zip(unchanged.begins, unchanged.ends, strict=True)]
    assert moved == [{*trainable}] * 3


def test_freezing_what_is_frozen_traces_nothing_again(unchanged: Watched) -> None:
    carried = [len(event.command_ids) for event in unchanged.run.all(FreezeApplied)]
    assert carried == [0, 1]
    assert unchanged.run.phases.count("tracing") == 1


def test_the_movement_told_is_the_relative_change_of_the_weights(unchanged: Watched) -> None:
    told = unchanged.run.all(LayersMoved)
    assert [event.epoch for event in told] == [1, 2, 3]
    for event, (before, after) in zip(told, unchanged.copies, strict=True):
        norm = np.linalg.norm
        expected = {x: norm(after[x] - before[x]) / norm(before[x]) for x in before}
        assert event.moved == pytest.approx({x: v for x, v in expected.items() if v}, rel=1e-3)


def flat(layer: Any) -> np.ndarray:
    """All weights of a layer in one float64 vector."""
    return np.concatenate([np.asarray(weight, "float64").ravel() for weight in layer.weights])
