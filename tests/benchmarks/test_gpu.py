"""The benchmark for a GPU: what it measures, when it ends, what it prints."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import gpu
import pytest
from command_line import read_arguments
from gpu import Figures, OutOfTimeError, build_parser, main, markdown, plan, time_limit
from ladder import Row, Training
from notebook_comparison.child import run_child
from notebook_comparison.measurement import EngineRun

from engine.protocol.events import HardwareSampled, LogLine, PhaseChanged, RunStarted
from engine.protocol.facts import GpuReading
from tests.support.run_events import epoch_ended, whole_run

SMALL = ["--dataset=digits", "--train-limit=128", "--device=cpu"]
TINY = [*SMALL, "--networks=MobileNetV2", "--step-batch=1"]
STEP = {"network": "MobileNetV2", "image_size": 96, "precision": "float32"}


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide GPUs, as `--device cpu` does for the rest of the process."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")


def planned(*arguments: str) -> list[Training]:
    return plan(read_arguments(build_parser(), arguments))


def test_all_parts_are_measured_or_those_that_are_named() -> None:
    assert [each.recipe for each in planned(*SMALL)] == ["notebook", "thorough"]
    assert [each.recipe for each in planned("thorough", "steps", *SMALL)] == ["thorough"]
    assert planned("steps", *SMALL) == []
    assert all(each.spec.train_limit == 128 for each in planned(*SMALL))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["none"], "expected a part: notebook, thorough, steps, found 'none'"),
        (["--networks", "MobilNetV2"], "did you mean MobileNetV2?"),
        (["--minutes", "0"], "--minutes: expected 0 to 1000, found 0"),
        (["--device", "tpu"], "--device: expected gpu or cpu, found 'tpu'"),
        (["--minute", "1"], "found '--minute'; did you mean --minutes?"),
        (["--step-batch", "0"], "--step-batch: expected 1 to 4096, found 0"),
    ],
)
def test_bad_input_is_rejected_in_one_line(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SMALL, *given]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert said in printed.err


def test_what_runs_when_the_time_is_over_is_ended(tmp_path: Path) -> None:
    began = time.monotonic()
    endless = [sys.executable, "-c", "input() if 0 else __import__('time').sleep(60)"]
    with pytest.raises(OutOfTimeError), time_limit(0.2):
        run_child("a child", endless, {}, print, tmp_path / "log")
    assert time.monotonic() - began < 30


def test_what_there_is_is_printed() -> None:
    trainings = planned(*SMALL)
    figures = Figures("gpu:0", "NVIDIA H200", notes=["Cut off after 8 minutes."])
    caption, note = markdown(figures, trainings).split("\n\n")
    assert caption.startswith("gpu:0: NVIDIA H200; ")
    assert caption.endswith("; the first 128 training images")
    assert note == "Cut off after 8 minutes."
    figures.unit = 83.0
    figures.rows.append(
        Row("2026-12-01T10:00", "NVIDIA H200", "abc", "digits", gpu.MODEL, "notebook", 128, 0,
            41.5, 83.0, 0.9, 0.8, None)
    )  # fmt: skip
    figures.runs["thorough"] = cut_off(trainings[1])
    figures.steps += [
        {**STEP, "xla": False, "images_per_second": 12_345.6, "peak_bytes": 2**31},
        {**STEP, "xla": True, "failed": "no kernel"},
    ]
    _, unit, recipes, runs, steps, _ = markdown(figures, trainings).split("\n\n")
    assert unit.startswith("The notebook as plain Keras takes 1:23, ")
    assert recipes.splitlines()[2] == (
        "| NVIDIA H200 | EfficientNetLite0, digits, 128 images | notebook | 0 | 0:42 | 0.50 "
        "| 0.9000 | 0.8000 | – |"
    )
    epochs = trainings[1].spec.epochs
    assert runs.splitlines()[2] == (
        f"| thorough | 1 of {epochs} | 0.7500 | 3.00 GB | 60 % | 2.00 ms a step without XLA |"
    )
    assert steps.splitlines()[2:] == [
        "| MobileNetV2 | 96 px | float32 | off | 12,346 | 2.00 GB |",
        "| MobileNetV2 | 96 px | float32 | on | fails: no kernel | – |",
    ]


def cut_off(training: Training) -> EngineRun:
    """A run on the second of two GPUs that was ended after an epoch."""
    run = EngineRun(training.spec)
    (started,) = (event for event in whole_run(training.spec) if isinstance(event, RunStarted))
    run.apply(replace(started, device="gpu:1"))
    run.apply(LogLine(level="info", text="XLA: 2.00 ms a step without XLA"))
    for phase, percent, used in (("extracting", 99, 3), ("training", 50, 1), ("training", 70, 2)):
        run.apply(PhaseChanged(phase=phase))  # type: ignore[arg-type]
        gpus = tuple(
            GpuReading("NVIDIA H200", rate, memory * 2**30, 140 * 2**30, cuda_index=number)
            for number, rate, memory in ((0, 1.0, 100), (1, float(percent), used))
        )
        run.apply(
            HardwareSampled(
                cpu_percent=(1.0,), memory_used_bytes=1, memory_total_bytes=2,
                process_memory_bytes=1, gpus=gpus,
            )
        )  # fmt: skip
    run.apply(epoch_ended(1, 1, 0.75, 200.0))
    return run


@pytest.mark.slow("that a machine without a GPU is told what is missing")
def test_without_a_gpu_it_says_so_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--dataset=digits", "--train-limit=128"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "--device: expected a GPU, found no GPU; install GPU support" in printed.err
    assert "--device cpu" in printed.err


@pytest.mark.slow("that the notebook, the recipes and the steps give their figures on a processor")
@pytest.mark.timeout(900)
def test_all_parts_give_their_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TINY, "--minutes=14"]) == 0
    caption, unit, recipes, runs, steps = capsys.readouterr().out.split("\n\n")
    assert caption.startswith("cpu:0: ")
    assert unit.startswith("The notebook as plain Keras takes ")
    assert [line.split(" | ")[2] for line in recipes.splitlines()[2:]] == ["notebook", "thorough"]
    assert len(runs.splitlines()) == 4
    cells = [line.split(" | ")[2:4] for line in steps.splitlines()[2:]]
    assert cells == [["float32", "off"], ["float32", "on"], ["mixed_bfloat16", "off"],
                     ["mixed_bfloat16", "on"]]  # fmt: skip


@pytest.mark.slow("that what was measured before the time was over is printed")
def test_a_time_that_is_over_ends_in_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TINY, "--minutes=0.05"]) == 0
    assert capsys.readouterr().out.endswith("\n\nCut off after 0.05 minutes.\n")
