"""The word for what holds a training back, from figures made by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from engine.config.recipe import NOTEBOOK
from engine.config.spec import RunSpec
from engine.protocol.events import EpochEnded, FeaturesReady, HardwareSampled
from engine.protocol.facts import GpuReading
from engine.state.bottleneck import find_bottleneck
from engine.state.snapshot import HardwareHistory, RunSnapshot

IDLE = GpuReading("H100", 20.0, 2**30, 80 * 2**30, 61.0, 412.0, 700.0, cuda_index=0)


def epoch(train: float, validation: float, waited: float | None = None) -> EpochEnded:
    return EpochEnded(
        epoch=1,
        stage=1,
        loss=1.0,
        accuracy=0.5,
        val_loss=1.0,
        val_accuracy=0.5,
        learning_rate=1e-3,
        train_seconds=train,
        validation_seconds=validation,
        images_per_second=100.0,
        input_wait_seconds=waited,
    )


@pytest.fixture
def run() -> RunSnapshot:
    """A run on a processor that trains, an epoch of 9 s and 1 s of validation behind it."""
    return RunSnapshot(
        "run",
        RunSpec(model="CustomCNN", dataset="cifar10", stages=NOTEBOOK.stages, image_size=32),
        status="running",
        phase="training",
        phase_since=100.0,
        last_event_at=130.0,
        device="cpu:0",
        phase_seconds={"training": 9.0, "validating": 1.0},
        ended_epochs=(epoch(9.0, 1.0),),
        stage=1,
    )


def on_gpu(run: RunSnapshot, gpu: GpuReading, *percents: float) -> RunSnapshot:
    sample = HardwareSampled(
        cpu_percent=(50.0,),
        memory_used_bytes=1,
        memory_total_bytes=10,
        process_memory_bytes=1,
        gpus=(gpu,),
    )
    history = HardwareHistory(gpu_percent=(percents,))
    return replace(run, device="gpu:0", hardware=sample, hardware_history=history)


def line(run: RunSnapshot) -> str:
    found = find_bottleneck(run)
    return found.forms[0] if found else ""


def test_a_processor_that_trains_most_of_an_epoch_is_compute_bound(run: RunSnapshot) -> None:
    assert line(run) == "compute-bound: step 640 ms (training takes 90 % of an epoch)"
    measured = replace(run, ended_epochs=(epoch(9.0, 1.0, waited=0.025),))
    assert line(measured) == (
        "compute-bound: step 640 ms, input wait 1.8 ms (training takes 90 % of an epoch)"
    )
    traced = replace(epoch(9.0, 1.0), images_per_second=math.nan)
    assert line(replace(run, ended_epochs=(traced,))) == (
        "compute-bound: training takes 90 % of an epoch"
    )


def test_the_steps_of_the_epoch_at_work_tell_once_there_are_some(run: RunSnapshot) -> None:
    working = replace(run, step=7, step_seconds=0.096, input_wait_seconds=0.002)
    assert line(working).startswith("compute-bound: step 640 ms (")
    begun = replace(working, step=8)
    assert line(begun).startswith("compute-bound: step 96 ms, input wait 2.0 ms (")
    assert line(replace(begun, ended_epochs=())) == "compute-bound: step 96 ms, input wait 2.0 ms"


def test_a_step_that_waits_for_its_batch_is_input_bound(run: RunSnapshot) -> None:
    waits = replace(run, ended_epochs=(epoch(9.0, 1.0, waited=4.5),))
    assert line(waits) == "input-bound: step 640 ms, input wait 320 ms (50 % of it)"
    seen = replace(waits, spec=replace(run.spec, views=4))
    assert line(seen).endswith("; fewer `views`")
    features = FeaturesReady(
        epoch=1, source="cache", images=1, views=1, bytes=1, held="disk", seconds=0.0
    )
    assert line(replace(waits, features=features)).endswith("; more `feature_memory_gb`")


def test_a_long_validation_is_told_with_its_share(run: RunSnapshot) -> None:
    assert line(replace(run, ended_epochs=(epoch(6.0, 4.0),))) == (
        "validation-heavy: validation takes 40 % of an epoch (4.0 s of 10 s); hold fewer images out"
    )


def test_of_epochs_of_a_second_nothing_is_said(run: RunSnapshot) -> None:
    assert line(replace(run, ended_epochs=(epoch(0.0, 1.1),))) == ""
    assert line(replace(run, ended_epochs=(epoch(2.0, 1.1),))).startswith("validation-heavy")


def test_the_epochs_of_another_stage_do_not_count(run: RunSnapshot) -> None:
    fine_tuning = replace(run, stage=2, ended_epochs=(epoch(4.0, 6.0),))
    assert line(fine_tuning) == ""
    measured = replace(fine_tuning, step=8, step_seconds=0.096, input_wait_seconds=0.002)
    assert line(measured).startswith("compute-bound: step 96 ms, input wait 2.0 ms")


def test_an_extraction_that_takes_most_of_the_training_is_told(run: RunSnapshot) -> None:
    found = line(replace(run, phase_seconds={"extracting": 60.0, "training": 20.0}))
    assert found.startswith("extraction: 1:00 of 1:20 went into")


def test_full_memory_is_told_once_it_lasts(run: RunSnapshot) -> None:
    full = replace(run, hardware_history=HardwareHistory(memory_percent=(95.0, 96.0, 97.0)))
    assert line(full).startswith("memory-bound: 97 % of the memory is taken")
    brief = replace(run, hardware_history=HardwareHistory(memory_percent=(50.0, 96.0, 97.0)))
    assert line(brief).startswith("compute-bound")


def test_an_idle_gpu_waits_for_its_input_and_a_busy_one_computes(run: RunSnapshot) -> None:
    assert line(on_gpu(run, IDLE, *[20.0] * 6)).startswith("input-bound: the GPU computes 20 %")
    assert line(on_gpu(run, IDLE, *[90.0] * 6)).startswith(
        "compute-bound: step 640 ms, the GPU is 90 % busy"
    )


def test_readings_from_before_the_training_do_not_count(run: RunSnapshot) -> None:
    assert line(on_gpu(run, IDLE, *[0.0] * 20, *[90.0] * 6)).startswith("compute-bound")


def test_a_throttled_gpu_comes_first_and_another_gpus_throttling_does_not_count(
    run: RunSnapshot,
) -> None:
    hot = replace(IDLE, throttled="thermal")
    assert line(on_gpu(run, hot, *[20.0] * 6)) == (
        "throttled GPU: thermal limit holds its clocks down at 61 °C; "
        "see to its cooling and its power supply"
    )
    assert "throttled" not in line(on_gpu(run, replace(IDLE, throttled="power"), *[90.0] * 6))
    other = on_gpu(run, replace(hot, cuda_index=1), *[90.0] * 6)
    assert "throttled" not in line(other)


def test_nothing_is_said_while_nothing_is_measured(run: RunSnapshot) -> None:
    assert find_bottleneck(replace(run, ended_epochs=(), phase_seconds={})) is None
    assert find_bottleneck(on_gpu(run, IDLE)) is None
