"""Seconds of a step and of waiting in it, from batches and from whole epochs."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from engine.protocol.events import BatchEnded, EpochEnded
from engine.state.step_times import StepTimes, times_of

BATCH = BatchEnded(
    epoch=1,
    step=4,
    loss=1.0,
    accuracy=0.5,
    batches=4,
    images_per_second=640.0,
    input_wait_seconds=0.1,
)
EPOCH = EpochEnded(
    epoch=1,
    stage=1,
    loss=1.0,
    accuracy=0.5,
    val_loss=1.0,
    val_accuracy=0.5,
    learning_rate=1e-3,
    train_seconds=10.0,
    validation_seconds=1.0,
    images_per_second=640.0,
    input_wait_seconds=2.0,
)


def test_means_are_over_all_steps() -> None:
    slower = replace(BATCH, images_per_second=640 / 3, input_wait_seconds=0.3)
    times = StepTimes().after(BATCH, 64).after(slower, 64)
    assert times.step_seconds == pytest.approx(0.2)
    assert times.input_wait_seconds == pytest.approx(0.05)


def test_one_wait_that_is_not_known_leaves_none_known() -> None:
    times = StepTimes().after(replace(BATCH, input_wait_seconds=None), 64).after(BATCH, 64)
    assert times.step_seconds == pytest.approx(0.1)
    assert times.input_wait_seconds is None
    assert StepTimes().step_seconds is None
    assert StepTimes().input_wait_seconds is None


@pytest.mark.parametrize("speed", [math.nan, math.inf, 0.0])
def test_batches_that_were_all_traced_count_for_nothing(speed: float) -> None:
    times = StepTimes().after(BATCH, 64)
    assert times.after(replace(BATCH, images_per_second=speed), 64) is times


def test_epochs_give_means_and_one_that_was_all_tracing_none() -> None:
    traced = replace(EPOCH, train_seconds=0.0, images_per_second=math.nan)
    times = times_of([traced, EPOCH], batch_size=64)
    assert times.step_seconds == pytest.approx(0.1)
    assert times.input_wait_seconds == pytest.approx(0.02)
    assert times_of([traced], 64).step_seconds is None
