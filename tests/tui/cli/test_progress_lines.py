"""What `--plain` says of a run's events."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.protocol.commands import SetLearningRate, SetTrainable
from engine.protocol.events import (
    BatchEnded,
    CommandAccepted,
    CommandRejected,
    EpochEnded,
    EpochStarted,
    Event,
    FeaturesReady,
    FreezeApplied,
    HardwareSampled,
    LogLine,
    PhaseChanged,
    PhaseProgressed,
    QueueChanged,
    RunEnded,
    RunStarted,
    StageStarted,
    TestEnded,
)
from engine.protocol.facts import DataFacts, LayerNode, ModelFacts
from tui.cli.progress_lines import ProgressLines

SPEC = RunSpec(
    model="EfficientNetLite0",
    dataset="cifar10",
    stages=(Stage("head", 2, 1e-3, 0), Stage("fine-tune", 1, 1e-5, 30)),
    image_size=96,
)


def leaf(name: str, parameters: int, trainable: bool = False) -> LayerNode:
    return LayerNode(name, "Conv2D", (8,), parameters, trainable)


BLOCK = LayerNode("block 1", "block", (8,), 30, False, (leaf("a", 10), leaf("b", 20)))
BACKBONE = LayerNode(
    "backbone",
    "backbone",
    (8,),
    30,
    False,
    (LayerNode("stage 1", "stage", (8,), 30, False, (BLOCK,)),),
)
HEAD = LayerNode("head", "head", (10,), 90, True, (leaf("predictions", 90, True),))
MODEL = LayerNode("model", "model", (10,), 120, True, (BACKBONE, HEAD))
STARTED = RunStarted(
    time=1,
    spec=SPEC,
    model=ModelFacts(120, 50, 240_000_000, 96, 3),
    data=DataFacts(3_600, 400, 10_000, ("cat", "dog")),
    layers=MODEL,
    steps_per_epoch=57,
    epochs=3,
)
STAGE = StageStarted(time=2, stage=1, name="head", epochs=2, learning_rate=1e-3, trains="head")


def batch(time: float, step: int) -> BatchEnded:
    return BatchEnded(
        time=time, epoch=1, step=step, loss=0.614, accuracy=0.8, batches=10, images_per_second=612
    )


def said(*events: Event, specs: tuple[RunSpec, ...] = (SPEC,)) -> list[str]:
    lines = ProgressLines(specs)
    return [line for event in events for line in lines.lines(0, "run-1", event)]


def test_the_model_is_inspected_before_it_trains() -> None:
    lines = said(STARTED)
    assert lines[0] == "EfficientNetLite0  run 1 of 1: run-1"
    assert "3,600 training, 400 validation, 10,000 test images" in lines[1]
    assert "depth 50, 120 parameters, 240 M FLOPs per image at 96 px" in lines[2]
    assert [line.split()[0] for line in lines[4:]] == ["backbone", "stage", "block", "head"]
    assert lines[-1].split() == ["head", "90", "trains"]
    assert lines[4].split() == ["backbone", "(2", "layers)", "30", "frozen"]


def test_a_stage_says_what_trains_and_what_is_frozen() -> None:
    freeze = FreezeApplied(
        time=3, epoch=1, trainable=("predictions",), trainable_parameters=90, frozen_parameters=30
    )
    assert said(STARTED, STAGE, freeze)[-1] == (
        "EfficientNetLite0  stage 1/2 head  trains head at 1.0e-03: 90 parameters train, 30 frozen"
    )


def test_a_change_in_mid_stage_says_what_it_was() -> None:
    toggle = SetTrainable(layers=("a", "b"), value=True)
    freeze = FreezeApplied(
        epoch=2,
        trainable=("a", "b", "predictions"),
        trainable_parameters=120,
        frozen_parameters=0,
        command_ids=(toggle.id,),
    )
    refused = CommandRejected(command=SetLearningRate(value=1.0), reason="follows its cosine")
    lines = said(STARTED, STAGE, CommandAccepted(command=toggle), freeze, refused)
    assert lines[-2].endswith("unfroze backbone, 1e-03: 120 parameters train, 0 frozen")
    assert lines[-1].endswith("not done, SetLearningRate: follows its cosine")


def test_patience_is_counted_beside_the_epoch() -> None:
    spec = dataclasses.replace(SPEC, patience=5)
    epochs = [
        EpochEnded(
            time=10.0 + epoch, epoch=epoch, stage=1, loss=0.5, accuracy=0.8, val_loss=0.6,
            val_accuracy=0.7, learning_rate=1e-3, train_seconds=6.0, validation_seconds=1.0,
            images_per_second=600.0,
        ) for epoch in (1, 2)
    ]  # fmt: skip
    assert said(STARTED, STAGE, *epochs, specs=(spec,))[-1].endswith("patience 1/5")


def test_a_progress_line_has_place_figures_and_time_left() -> None:
    lines = said(STARTED, STAGE, EpochStarted(time=3, epoch=1, stage=1, steps=57), batch(9, 30))
    assert lines[-1].startswith(
        "EfficientNetLite0  stage 1/2 head  epoch 1/3  batch 30/57  loss 0.61  acc 0.80  612 img/s"
    )
    assert lines[-1].split("ETA ")[1] != "–"


def test_progress_is_said_at_most_every_two_seconds() -> None:
    start = (STARTED, STAGE, EpochStarted(time=3, epoch=1, stage=1, steps=57))
    steps = [batch(10 + step / 4, step) for step in range(40)]
    lines = [line for line in said(*start, *steps) if "batch" in line]
    assert [line.split("batch ")[1].split("/")[0] for line in lines] == ["0", "8", "16", "24", "32"]


def test_an_epoch_is_always_said_with_both_metrics() -> None:
    epoch = EpochEnded(
        time=10.1, epoch=1, stage=1, loss=0.5, accuracy=0.81, val_loss=0.6, val_accuracy=0.79,
        learning_rate=1e-3, train_seconds=6.0, validation_seconds=1.0, images_per_second=600.0,
    )  # fmt: skip
    line = said(STARTED, STAGE, batch(10, 57), epoch)[-1]
    assert "acc 0.8100  val loss 0.6000  val acc 0.7900  0:07" in line


def test_phases_and_downloads_are_named() -> None:
    lines = said(
        PhaseChanged(time=1, phase="loading", detail="TensorFlow"),
        PhaseChanged(time=2, phase="downloading", detail="weights"),
        PhaseProgressed(time=9, done=2**20, total=2**21, unit="bytes"),
    )
    assert lines[1:] == [
        "EfficientNetLite0  loading TensorFlow",
        "EfficientNetLite0  downloading weights",
        "EfficientNetLite0  downloading  1.00 MB of 2.00 MB",
    ]


def test_the_end_says_how_and_why() -> None:
    test = TestEnded(time=20, loss=0.4, accuracy=0.9183, images=10_000)
    end = RunEnded(time=21, status="failed", error="no weights:\x1b[31m found\nnothing")
    lines = said(STARTED, test, end)
    assert lines[-2] == "EfficientNetLite0  test accuracy 0.9183 on 10,000 images, loss 0.4000"
    assert lines[-1] == (
        "EfficientNetLite0  failed in 0:20, 0:00 of training: no weights: [31m found nothing"
    )


def test_warnings_are_said_and_chatter_is_not() -> None:
    hardware = HardwareSampled(
        time=3,
        cpu_percent=(1.0,),
        memory_used_bytes=1,
        memory_total_bytes=2,
        process_memory_bytes=1,
    )
    lines = said(
        LogLine(time=1, level="info", text="cuda"),
        LogLine(time=2, level="warning", text="hm"),
        hardware,
    )
    assert lines[1:] == ["EfficientNetLite0  warning: hm"]


def test_of_a_traceback_the_last_line_is_said() -> None:
    text = "Traceback (most recent call last):\n  File ...\nValueError: no such layer"
    *_, line = said(LogLine(time=1, level="error", text=text))
    assert line.startswith("EfficientNetLite0  error: ValueError: no such layer (")
    assert line.endswith("/run.log has all of it)")


def test_seeds_tell_runs_of_one_model_apart() -> None:
    specs = (SPEC, dataclasses.replace(SPEC, seed=7))
    lines = ProgressLines(specs).lines(1, "run-2", PhaseChanged(phase="loading"))
    assert lines[0] == "EfficientNetLite0 seed 7  run 2 of 2: run-2"


def test_an_extraction_is_printed_with_its_pace() -> None:
    lines = said(
        STARTED,
        STAGE,
        PhaseChanged(time=3, phase="extracting"),
        PhaseProgressed(time=5, done=480, total=60_000, unit="images"),
        PhaseProgressed(time=15, done=12_480, total=60_000, unit="images"),
    )
    assert lines[-2:] == [
        "EfficientNetLite0  stage 1/2 head  extracting  480 of 60,000 images",
        "EfficientNetLite0  stage 1/2 head  extracting  12,480 of 60,000 images"
        "  1,200 img/s  ETA 0:40",
    ]


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (
            {"source": "cache", "seconds": 0.4},
            "60,000 × 1 view, 293 MB in memory, from the cache in 0.4 s",
        ),
        (
            {"source": "extracted", "held": "disk", "seconds": 65.0},
            "60,000 × 1 view, 293 MB on disk, extracted in 1:05",
        ),
        (
            {"source": "derived", "images": 105_000, "views": 2},
            "105,000 rows with 2 views of each training image, 293 MB in memory, "
            "computed from earlier ones in 3.2 s",
        ),
    ],
)
def test_features_are_told_when_they_stand_ready(kept: dict[str, Any], words: str) -> None:
    usual: dict[str, Any] = {"images": 60_000, "views": 1, "held": "memory", "seconds": 3.2}
    ready = FeaturesReady(time=9, epoch=1, bytes=307_200_000, **(usual | kept))
    line = said(STARTED, STAGE, ready)[-1]
    assert line == f"EfficientNetLite0  stage 1/2 head  features: {words}"


def test_options_are_called_by_their_flags() -> None:
    *_, warning = said(LogLine(level="warning", text="choose a smaller `image_size`"))
    assert warning.endswith("warning: choose a smaller --image-size")
    *_, ended = said(STARTED, RunEnded(time=9, status="failed", error="raise `runs_dir`"))
    assert ended.endswith(": raise --runs-dir")


def test_the_frontier_is_printed_with_what_trains() -> None:
    freeze = FreezeApplied(
        time=3,
        epoch=1,
        trainable=("predictions",),
        trainable_parameters=90,
        frozen_parameters=30,
        frontier="predictions",
    )
    assert said(STARTED, STAGE, freeze)[-1].endswith(
        "90 parameters train, 30 frozen; all before predictions is computed once"
    )


def test_runs_that_join_the_queue_are_told_and_followed() -> None:
    lines = ProgressLines([SPEC])
    other = dataclasses.replace(SPEC, model="VGG16")
    lines.lines(0, "a", PhaseChanged(time=1, phase="loading"))
    changed = QueueChanged(time=2, waiting=(other, SPEC), place=1)
    assert lines.lines(0, "a", changed) == [
        "EfficientNetLite0  queue: next VGG16, EfficientNetLite0 seed 0"
    ]
    assert lines.lines(1, "b", PhaseChanged(time=3, phase="loading"))[0] == "VGG16  run 2 of 3: b"
    emptied = lines.lines(1, "b", QueueChanged(time=4, waiting=(), place=2))
    assert emptied == ["VGG16  queue: empty"]
