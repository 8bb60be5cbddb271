"""The trainer on real Keras and real digits: what it says, what it leaves, what it obeys."""

from __future__ import annotations

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import engine.training.learner
from engine.common.progress import ignore_progress
from engine.config.spec import RunSpec, Stage, Unfreeze
from engine.datasets.loading import load_dataset
from engine.protocol.commands import (
    Command,
    Pause,
    Resume,
    SaveCheckpoint,
    SetLearningRate,
    SetTrainable,
    SkipModel,
    SkipStage,
    Stop,
)
from engine.protocol.events import (
    BatchEnded,
    CheckpointSaved,
    CommandAccepted,
    CommandRejected,
    EpochEnded,
    EpochStarted,
    Event,
    FreezeApplied,
    LayersMoved,
    LearningRateChanged,
    LogLine,
    PhaseChanged,
    RunEnded,
    RunStarted,
    StageStarted,
    TestEnded,
)
from engine.runs.checkpoint import read_position

SCRATCH = RunSpec(
    model="CustomCNN",
    dataset="digits",
    stages=(Stage("all", 2, 1e-3, None),),
    image_size=32,
    batch_size=32,
    train_limit=150,
    validation=0.2,
    weights="none",
    batchnorm="keras",
)
LITE0 = RunSpec(
    model="EfficientNetLite0",
    dataset="digits",
    stages=(Stage("head", 2, 1e-2, 0), Stage("fine-tune", 2, 1e-3, 30)),
    image_size=32,
    batch_size=32,
    train_limit=100,
    validation=0.2,
)
SMALL = dataclasses.replace(LITE0, model="MobileNetV2", weights="none")
"""The same with a backbone that takes seconds less; its tests take `small_net`, too."""


Train = Callable[..., Any]


LETTERS: dict[type[Event], str] = {
    PhaseChanged: "",
    RunStarted: "R",
    StageStarted: "S",
    FreezeApplied: "F",
    EpochStarted: "e",
    BatchEnded: "b",
    EpochEnded: "E",
    LayersMoved: "M",
    CheckpointSaved: "C",
    TestEnded: "T",
    RunEnded: "X",
}


def order(trained: Any) -> str:
    return "".join(LETTERS.get(type(event), "") for event in trained.events)


def test_a_run_says_all_in_order_and_leaves_a_model_that_agrees(train: Train) -> None:
    run = train(LITE0)
    assert run.status == "completed"
    epoch = "eb+EMC"
    assert re.fullmatch(f"R(SF({epoch}){{2}}){{2}}TX", order(run)), order(run)
    assert [event.epoch for event in run.all(EpochEnded)] == [1, 2, 3, 4]
    assert [stage.trains for stage in run.all(StageStarted)] == ["head", "last 30 layers"]

    dataset = load_dataset("digits", None, ignore_progress)
    model = keras.models.load_model(run.directory.model)
    predicted = model.predict(dataset.test_images, verbose=0)
    accuracy = float((predicted.argmax(1) == dataset.test_labels).mean())
    (tested,) = run.all(TestEnded)
    assert accuracy == tested.accuracy
    five = np.sort(predicted, axis=1)[:, -5]  # the fifth most probable
    right = predicted[np.arange(len(predicted)), dataset.test_labels]
    assert tested.top5_accuracy == float((right >= five).mean()) > accuracy
    saved = np.load(run.directory.predictions)
    np.testing.assert_allclose(saved["probabilities"], predicted, atol=1e-5)
    names = {path.name for path in run.directory.path.iterdir()}
    assert names == {
        "checkpoints",  # until the session has the end on record
        "spec.json",
        "events.jsonl",
        "metrics.csv",
        "predictions.npz",
        "model.keras",
        "summary.json",
        "run.log",
    }


def test_batch_metrics_are_of_their_batches_and_add_up_to_the_epochs(train: Train) -> None:
    run = train(SCRATCH)
    for ended in run.all(EpochEnded):
        batches = [batch for batch in run.all(BatchEnded) if batch.epoch == ended.epoch]
        assert sum(batch.batches for batch in batches) == batches[-1].step == 4
        # 120 images in batches of 32: the last one holds 24.
        sizes = []
        for batch in batches:
            last = 24 if batch.step == 4 else 32
            sizes.append(32 * (batch.batches - 1) + last)
        mean = sum(n * b.loss for n, b in zip(sizes, batches, strict=True)) / 120
        assert mean == pytest.approx(ended.loss, rel=1e-4)


def test_the_same_seed_is_the_same_training_and_another_is_not(train: Train) -> None:
    spec = dataclasses.replace(SCRATCH, stages=(Stage("all", 1, 1e-3, None),))
    first, again = train(spec), train(spec)
    other = train(dataclasses.replace(spec, seed=1))
    losses = [run.all(EpochEnded)[0].loss for run in (first, again, other)]
    assert losses[0] == losses[1] != losses[2]


def test_a_toggle_is_applied_at_the_epochs_end_and_frozen_layers_stay(
    train: Train, small_net: None
) -> None:
    toggle = SetTrainable(layers=("block4_depthwise", "block4_depthwise_bn"), value=True)
    spec = dataclasses.replace(SMALL, stages=(Stage("head", 2, 1e-2, 0),))
    run = train(spec, EpochStarted_1=[toggle])
    first, second = run.all(FreezeApplied)
    assert first.trainable == ("head_dense",)
    assert second.command_ids == (toggle.id,)
    # Its BatchNormalization is locked, so that it does not train though asked to.
    assert set(second.trainable) == {"block4_depthwise", "head_dense"}
    epochs = [e for e in run.events if isinstance(e, (EpochEnded, EpochStarted, FreezeApplied))]
    place = epochs.index(second)
    assert isinstance(epochs[place - 1], EpochEnded)
    assert second.trainable_parameters == first.trainable_parameters + 16 * 9


def test_a_toggle_now_keeps_the_epochs_place(train: Train) -> None:
    toggle = SetTrainable(layers=("head_dense",), value=False, when="now")
    spec = dataclasses.replace(SCRATCH, stages=(Stage("all", 1, 1e-3, None),))
    run = train(spec, BatchEnded_1=[toggle], EpochStarted_1=[SetLearningRate(value=0.5)])
    assert [event.learning_rate for event in run.all(LearningRateChanged)] == [0.5]
    assert "head_dense" not in run.all(FreezeApplied)[-1].trainable
    steps = [event.step for event in run.all(BatchEnded)]
    assert steps == sorted(set(steps))
    assert steps[-1] == 4
    assert sum(event.batches for event in run.all(BatchEnded)) == 4


def test_stop_now_leaves_a_checkpoint_and_no_test(train: Train) -> None:
    run = train(SCRATCH, EpochStarted_2=[Stop(when="now")])
    assert run.status == "stopped"
    assert len(run.all(EpochEnded)) == 1
    assert run.all(TestEnded) == []
    assert run.all(CheckpointSaved)[-1].step > 0
    assert (run.directory.checkpoints / "last.npz").exists()
    assert not run.directory.model.exists()


def test_stop_after_the_epoch_is_tested_and_exported(train: Train) -> None:
    run = train(SCRATCH, EpochStarted_1=[Stop(when="epoch")])
    assert run.status == "stopped"
    assert len(run.all(EpochEnded)) == len(run.all(TestEnded)) == 1
    assert run.directory.model.exists()


def test_stop_now_before_the_first_epoch_tests_and_ranks_nothing(train: Train) -> None:
    run = train(SCRATCH, RunStarted_1=[Stop(when="now")])
    assert run.status == "stopped"
    assert run.all(StageStarted) == run.all(TestEnded) == []
    assert not run.directory.model.exists()


def test_stop_now_while_testing_exports_nothing(train: Train) -> None:
    run = train(SCRATCH, testing=[Stop(when="now")])
    assert run.status == "stopped"
    assert run.all(TestEnded) == []
    assert not run.directory.model.exists()
    assert (run.directory.checkpoints / "last.npz").exists()


def test_stop_after_the_last_epoch_is_the_end_anyway(train: Train) -> None:
    run = train(SCRATCH, EpochStarted_2=[Stop(when="epoch")])
    assert run.status == "completed"
    assert len(run.all(TestEnded)) == 1


def test_what_comes_too_late_is_refused(train: Train) -> None:
    toggle = SetTrainable(layers=("head_dense",), value=False)
    run = train(SCRATCH, EpochEnded_2=[toggle], testing=[Pause()])
    refused = [event.command for event in run.all(CommandRejected)]
    assert refused[0] == toggle
    assert isinstance(refused[1], Pause)
    assert run.status == "completed"


def test_freezing_what_is_frozen_traces_nothing_anew(train: Train, small_net: None) -> None:
    toggle = SetTrainable(layers=("block4_depthwise",), value=False)
    spec = dataclasses.replace(SMALL, stages=(Stage("head", 2, 1e-2, 0),))
    run = train(spec, EpochStarted_1=[toggle])
    assert [event.command_ids for event in run.all(FreezeApplied)] == [(), (toggle.id,)]
    assert [event.phase for event in run.all(PhaseChanged)].count("tracing") == 1


def test_an_infinite_loss_ends_the_run_at_once_with_a_clear_word(train: Train) -> None:
    run = train(dataclasses.replace(SCRATCH, stages=(Stage("all", 2, math.inf, None),)))
    (ended,) = run.all(RunEnded)
    assert ended.status == "failed"
    assert "expected a finite loss, found nan in epoch 1 at batch 2" in ended.error
    assert run.all(EpochEnded) == []


def test_an_infinite_loss_leaves_the_last_good_checkpoint(train: Train) -> None:
    stages = (Stage("all", 1, 1e-3, None), Stage("more", 2, math.inf, None))
    run = train(dataclasses.replace(SCRATCH, stages=stages))
    (ended,) = run.all(RunEnded)
    assert "in epoch 2" in ended.error
    assert "the checkpoint after epoch 1 is kept" in ended.error
    assert read_position(run.directory.checkpoints / "last.npz").epoch == 1


def test_a_pause_waits_for_resume_and_commands_are_answered_meanwhile(train: Train) -> None:
    rate = SetLearningRate(value=2e-3)
    run = train(SCRATCH, EpochStarted_1=[Pause()], paused=[rate, SaveCheckpoint(), Resume()])
    phases = [event.phase for event in run.all(PhaseChanged)]
    place = phases.index("paused")
    assert phases[place - 1 : place + 3] == ["training", "paused", "saving", "training"]
    assert run.all(CheckpointSaved)[0].step == 1
    assert run.all(LearningRateChanged)[0].learning_rate == 2e-3
    assert run.status == "completed"
    assert next(event.batches for event in run.all(BatchEnded)) == 1
    assert len(run.all(EpochEnded)) == 2


def test_a_validation_can_be_paused_and_obeys_small_requests(train: Train) -> None:
    rate = SetLearningRate(value=2e-3)
    run = train(SCRATCH, validating=[Pause(), rate, SaveCheckpoint()], paused=[Resume()])
    phases = [event.phase for event in run.all(PhaseChanged)]
    place = phases.index("validating")
    assert phases[place : place + 4] == ["validating", "paused", "saving", "validating"]
    kinds = [type(event) for event in run.events]
    assert kinds.index(LearningRateChanged) < kinds.index(EpochEnded)
    assert run.all(CheckpointSaved)[0].step == 4
    assert run.status == "completed"


def test_skipping_a_stage_goes_to_the_next_at_the_epochs_end(train: Train, small_net: None) -> None:
    run = train(SMALL, EpochStarted_1=[SkipStage()], EpochStarted_2=[Stop(when="epoch")])
    assert [event.stage for event in run.all(EpochEnded)] == [1, 2]


def test_the_last_stage_is_not_skipped(train: Train) -> None:
    run = train(SCRATCH, EpochStarted_1=[SkipStage()])
    (refused,) = run.all(CommandRejected)
    assert "last stage" in refused.reason
    assert len(run.all(EpochEnded)) == 2


def test_a_skipped_model_is_stopped_and_ranked_only_after_an_epoch(train: Train) -> None:
    run = train(SCRATCH, EpochStarted_1=[SkipModel(when="epoch")])
    assert (run.status, len(run.all(TestEnded))) == ("stopped", 1)
    run = train(SCRATCH, EpochStarted_1=[SkipModel(when="now")])
    assert (run.status, len(run.all(TestEnded))) == ("stopped", 0)


def test_what_moved_is_what_trains(train: Train, small_net: None) -> None:
    run = train(SMALL)
    moved = run.all(LayersMoved)
    assert [event.epoch for event in moved] == [1, 2, 3, 4]
    head, tuned = (set(event.trainable) for event in run.all(FreezeApplied))
    assert [set(event.moved) for event in moved] == [head, head, tuned, tuned]
    assert all(0 < change < 1 for event in moved for change in event.moved.values())
    assert not any(event.broken for event in moved)


def test_a_stage_ends_when_patience_does(train: Train, small_net: None) -> None:
    # With a rate of 0 no epoch is better than the first.
    stages = (Stage("head", 5, 1e-30, 0), Stage("fine-tune", 1, 1e-3, 3))
    run = train(dataclasses.replace(SMALL, stages=stages, patience=2, keep="best"))
    assert run.status == "completed"
    assert [event.stage for event in run.all(EpochEnded)] == [1, 1, 1, 2]
    assert any("no better validation accuracy for 2 epochs" in e.text for e in run.all(LogLine))


def test_layers_join_as_the_stage_plans(train: Train, small_net: None) -> None:
    stage = Stage("head", 3, 1e-3, 0, unfreezes=(Unfreeze(1, 3), Unfreeze(2, 6)))
    run = train(dataclasses.replace(SMALL, stages=(stage,)))
    frozen = run.all(FreezeApplied)
    assert [event.planned for event in frozen] == ["", "last 3 layers", "last 6 layers"]
    assert [event.epoch for event in frozen] == [1, 2, 3]
    assert [set(event.trainable) for event in frozen] == [
        set(e.moved) for e in run.all(LayersMoved)
    ]
    # One pass over the images gives the features before the earliest of them.
    assert [event.phase for event in run.all(PhaseChanged)].count("extracting") <= 2


def test_nothing_left_to_train_is_refused(train: Train, small_net: None) -> None:
    everything = SetTrainable(layers=("head_dense",), value=False, when="now")
    run = train(dataclasses.replace(SMALL, stages=SMALL.stages[:1]), EpochStarted_1=[everything])
    (refused,) = run.all(CommandRejected)
    assert "nothing would train" in refused.reason
    assert run.status == "completed"


def test_a_run_obeys_lines_appended_to_its_file(
    train: Train, small_net: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(engine.training.learner, "steps_per_execution", lambda *_: 1)
    seen: Counter[str] = Counter()
    lines = {
        "EpochStarted 1": '{"command": "SetTrainable", "id": "1", "layers": ["block4_depthwise"], '
        '"value": true, "when": "now"}',
        "EpochStarted 2": '{"command": "SetTrainable", "id": "2", "layers": ["block4_depthwise"], '
        '"value": false, "when": "epoch"}',
        "EpochStarted 3": '{"command": "SetLearningRate", "id": "3", "value": 0.002}',
        "EpochEnded 3": '{"command": "Pause", "id": "4"}',
        "paused": '{"command": "Resume", "id": "5"}',
        "EpochStarted 5": '{"command": "Stop", "id": "6", "when": "now"}',
    }

    def append(event: Event) -> tuple[Command, ...]:
        name = type(event).__name__
        seen[name] += 1
        key = event.phase if isinstance(event, PhaseChanged) else f"{name} {seen[name]}"
        if key in lines:
            (directory,) = tmp_path.iterdir()
            with (directory / "commands.jsonl").open("a") as file:
                file.write(lines.pop(key) + "\n")
        return ()

    spec = dataclasses.replace(SMALL, stages=(Stage("head", 6, 1e-3, 0),))
    run = train(spec, append)
    assert [event.command.id for event in run.all(CommandAccepted)] == list("123456")
    now, at_end = (event for event in run.all(FreezeApplied) if event.command_ids)
    assert [(e.epoch, e.step > 0) for e in (now, at_end)] == [(1, True), (3, False)]
    assert set(now.trainable) == {"block4_depthwise", "head_dense"}
    assert set(at_end.trainable) == {"head_dense"}
    assert [event.learning_rate for event in run.all(LearningRateChanged)] == [0.002]
    assert "paused" in [event.phase for event in run.all(PhaseChanged)]
    assert run.status == "stopped"
    assert len(run.all(EpochEnded)) == 4
    assert run.all(CheckpointSaved)[-1].step > 0


def test_what_goes_wrong_fails_the_run_with_one_line(train: Train, tmp_path: Path) -> None:
    missing = dataclasses.replace(SCRATCH, dataset="cifar10", data_path=str(tmp_path / "nowhere"))
    run = train(missing)
    (ended,) = run.all(RunEnded)
    assert ended.status == "failed"
    assert "nowhere" in ended.error
    assert "\n" not in ended.error
    no_gpu = train(dataclasses.replace(SCRATCH, device="gpu:7"))
    assert "gpu:7" in no_gpu.all(RunEnded)[0].error
    assert not any(isinstance(event, RunStarted) for event in no_gpu.events)


def test_a_bug_is_told_with_its_traceback(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise ZeroDivisionError("first\nsecond")

    monkeypatch.setattr("engine.training.preparation.load_dataset", break_down)
    run = train(SCRATCH)
    assert run.all(RunEnded)[0].error == "ZeroDivisionError: first"
    assert any("Traceback" in event.text for event in run.all(LogLine))
    assert "break_down" in run.directory.log.read_text()
