"""What a recorded event stream and a notebook's report amount to."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from notebook_comparison.measurement import EngineRun, Measurement, measure_notebook, median, ratios

from engine.config.recipe import NOTEBOOK
from engine.config.spec import RunSpec
from engine.protocol.events import (
    EpochEnded,
    Event,
    FeaturesReady,
    HardwareSampled,
    Phase,
    PhaseChanged,
    RunEnded,
    StageStarted,
    TestEnded,
)
from engine.protocol.facts import GpuReading

SPEC = RunSpec(model="MobileNetV2", dataset="digits", stages=NOTEBOOK.stages, image_size=32)


def phase(time: float, name: Phase) -> PhaseChanged:
    return PhaseChanged(time=time, phase=name)


def stage(time: float, number: int) -> StageStarted:
    return StageStarted(
        time=time, stage=number, name="head", epochs=1, learning_rate=1e-3, trains="head"
    )


def epoch(time: float, number: int) -> EpochEnded:
    return EpochEnded(
        time=time,
        epoch=number,
        stage=number,
        loss=2.0,
        accuracy=0.5,
        val_loss=1.5,
        val_accuracy=0.6,
        learning_rate=1e-3,
        train_seconds=4.0,
        validation_seconds=1.0,
        images_per_second=100.0,
    )


RECORD: Sequence[Event] = (
    phase(0, "loading"),
    HardwareSampled(
        time=1,
        cpu_percent=(5.0,),
        memory_used_bytes=1,
        memory_total_bytes=2,
        process_memory_bytes=1,
        gpus=(GpuReading("H200", 1.0, 1, 2),),
    ),
    stage(10, 1),
    phase(11, "extracting"),
    FeaturesReady(
        time=31,
        epoch=1,
        source="extracted",
        images=300,
        views=1,
        bytes=4_096,
        held="memory",
        seconds=20.0,
    ),
    phase(31, "tracing"),
    phase(32, "training"),
    phase(36, "validating"),
    epoch(37, 1),
    phase(37, "saving"),
    phase(40, "extracting"),  # features further on, while the next stage begins
    stage(42, 2),
    phase(45, "training"),
    phase(53, "validating"),
    epoch(55, 2),
    phase(55, "testing"),
    TestEnded(time=60, loss=1.0, accuracy=0.75, images=100),
    RunEnded(time=61, status="completed"),
)


def measured(events: Sequence[Event]) -> tuple[EngineRun, Measurement]:
    run = EngineRun(SPEC)
    for event in events:
        run.apply(event)
    return run, run.measurement(3_000)


def test_a_record_gives_seconds_by_phase_and_stage() -> None:
    run, found = measured(RECORD)
    assert found.phase_seconds == {
        "extracting": 25.0,
        "tracing": 1.0,
        "training": 12.0,
        "validating": 3.0,
    }
    assert found.total_seconds == 41.0
    assert found.loading_seconds == 11.0
    assert (found.test_accuracy, found.peak_memory_bytes) == (0.75, 3_000)
    assert [one["source"] for one in found.features] == ["extracted"]
    assert run.gpus == ("H200",)


def test_stages_share_the_total_where_the_next_one_said_that_it_began() -> None:
    _, found = measured(RECORD)
    assert found.stage_seconds == (28.0, 13.0)  # saving, from 37 to 40, belongs to neither


def test_epochs_have_their_metrics_and_seconds() -> None:
    _, found = measured(RECORD)
    assert found.epochs[1] == {
        "seconds": 5.0,
        "loss": 2.0,
        "accuracy": 0.5,
        "val_loss": 1.5,
        "val_accuracy": 0.6,
    }


def test_the_notebook_counts_its_fit_calls() -> None:
    report = {
        "import_seconds": 3.0,
        "build_seconds": 2.0,
        "stage_seconds": [100.0, 90.0],
        "epochs": [{"seconds": 100.0, "loss": 1.0}],
        "test_accuracy": 0.8,
    }
    found = measure_notebook(report, 5)
    assert (found.loading_seconds, found.total_seconds) == (5.0, 190.0)
    assert found.stage_seconds == (100.0, 90.0)
    assert (found.test_accuracy, found.peak_memory_bytes) == (0.8, 5)


def taking(head: float, fine_tune: float, memory: int = 1) -> Measurement:
    total = head + fine_tune
    return Measurement(0.0, {"training": total}, total, (head, fine_tune), 0.5, memory)


def test_medians_are_of_each_figure_and_memory_is_the_highest() -> None:
    found = median([taking(1, 9, 7), taking(3, 2, 9), taking(2, 4, 8)])
    assert found.stage_seconds == (2, 4)
    assert found.total_seconds == 6
    assert found.phase_seconds == {"training": 6}
    assert found.peak_memory_bytes == 9


def test_ratios_are_notebook_over_engine() -> None:
    found = ratios({"notebook": taking(60, 40), "cold": taking(10, 10), "warm": taking(2, 8)})
    assert found == {"cold": pytest.approx(5), "warm": pytest.approx(10), "head_warm": 30}
