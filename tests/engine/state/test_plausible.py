"""What a run can have said."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from engine.config.spec import RunSpec
from engine.protocol.events import BatchEnded, QueueChanged, RunStarted, StageStarted
from engine.protocol.facts import DataFacts, LayerNode, ModelFacts
from engine.state.plausible import is_plausible

BATCH = BatchEnded(
    time=1.7e9, epoch=1, step=3, loss=1.0, accuracy=0.5, batches=1, images_per_second=9.0
)
STAGE = StageStarted(time=1.7e9, stage=1, name="x", epochs=1, learning_rate=1e-3, trains="all")


@pytest.fixture
def started(spec: RunSpec) -> RunStarted:
    """What is said of a model that stands."""
    leaf = LayerNode("a", "Dense", (3,), 5, True)
    return RunStarted(
        time=1.7e9,
        spec=spec,
        model=ModelFacts(5, 1, 10, 32, 0),
        data=DataFacts(10, 2, 3, ("a", "b")),
        layers=LayerNode("model", "model", (3,), 5, True, (leaf,)),
        steps_per_epoch=4,
        epochs=1,
    )


def test_what_a_trainer_says_is_plausible(started: RunStarted) -> None:
    for event in (BATCH, replace(BATCH, loss=math.nan), STAGE, started):
        assert is_plausible(event)
    assert is_plausible(QueueChanged(time=1.7e9, waiting=(started.spec,), place=1))


@pytest.mark.parametrize(
    "changes",
    [
        {"time": -1.0},
        {"time": 1e12},
        {"time": math.nan},
        {"loss": math.inf},
        {"loss": 1e300},
        {"step": -1},
    ],
)
def test_figures_that_no_run_has_are_not(changes: Any) -> None:
    assert not is_plausible(replace(BATCH, **changes))


def test_nor_stages_layers_and_specs_that_none_has(started: RunStarted) -> None:
    assert not is_plausible(replace(STAGE, stage=10**15))
    leaf = replace(started.layers.children[0], flops=-1)
    assert not is_plausible(replace(started, layers=replace(started.layers, children=(leaf,))))
    for spec in (replace(started.spec, stages=()), replace(started.spec, batch_size=0)):
        assert not is_plausible(replace(started, spec=spec))
        assert not is_plausible(QueueChanged(time=1.7e9, waiting=(spec,), place=1))
