"""The trainer on real Keras and real digits: what it says, what it leaves, what it obeys."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from engine.commands import (
    Pause,
    Resume,
    SaveCheckpoint,
    SetLearningRate,
    SetTrainable,
    SkipStage,
    Stop,
)
from engine.config import RunSpec, Stage
from engine.datasets import load_dataset
from engine.events import (
    BatchEnded,
    CheckpointSaved,
    CommandRejected,
    EpochEnded,
    EpochStarted,
    Event,
    FreezeApplied,
    LearningRateChanged,
    LogLine,
    PhaseChanged,
    RunEnded,
    RunStarted,
    StageStarted,
    TestEnded,
)
from engine.progress import ignore_progress

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


Train = Callable[..., Any]


LETTERS: dict[type[Event], str] = {
    PhaseChanged: "",
    RunStarted: "R",
    StageStarted: "S",
    FreezeApplied: "F",
    EpochStarted: "e",
    BatchEnded: "b",
    EpochEnded: "E",
    CheckpointSaved: "C",
    TestEnded: "T",
    RunEnded: "X",
}


def order(trained: Any) -> str:
    return "".join(LETTERS.get(type(event), "") for event in trained.events)


def test_a_run_says_all_in_order_and_leaves_a_model_that_agrees(train: Train) -> None:
    run = train(LITE0)
    assert run.status == "completed"
    epoch = "eb+EC"
    assert re.fullmatch(f"R(SF({epoch}){{2}}){{2}}TX", order(run)), order(run)
    assert [event.epoch for event in run.all(EpochEnded)] == [1, 2, 3, 4]
    assert [stage.trains for stage in run.all(StageStarted)] == ["head", "last 30 layers"]

    dataset = load_dataset("digits", None, ignore_progress)
    model = keras.models.load_model(run.directory.model)
    predicted = model.predict(dataset.test_images, verbose=0)
    accuracy = float((predicted.argmax(1) == dataset.test_labels).mean())
    (tested,) = run.all(TestEnded)
    assert accuracy == tested.accuracy
    saved = np.load(run.directory.predictions)
    np.testing.assert_allclose(saved["probabilities"], predicted, atol=1e-5)
    names = {path.name for path in run.directory.path.iterdir()}
    assert names == {
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


def test_a_toggle_is_applied_at_the_epochs_end_and_frozen_layers_stay(train: Train) -> None:
    toggle = SetTrainable(layers=("top_conv", "top_bn"), value=True)
    spec = dataclasses.replace(LITE0, stages=(Stage("head", 2, 1e-2, 0),))
    run = train(spec, EpochStarted_1=[toggle])
    first, second = run.all(FreezeApplied)
    assert first.trainable == ("head_dense",)
    assert second.command_ids == (toggle.id,)
    # Its BatchNormalization is locked, so that it does not train though asked to.
    assert set(second.trainable) == {"top_conv", "head_dense"}
    epochs = [e for e in run.events if isinstance(e, (EpochEnded, EpochStarted, FreezeApplied))]
    place = epochs.index(second)
    assert isinstance(epochs[place - 1], EpochEnded)
    assert second.trainable_parameters == first.trainable_parameters + 320 * 1280


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


def test_freezing_what_is_frozen_traces_nothing_anew(train: Train) -> None:
    toggle = SetTrainable(layers=("top_conv",), value=False)
    spec = dataclasses.replace(LITE0, stages=(Stage("head", 2, 1e-2, 0),))
    run = train(spec, EpochStarted_1=[toggle])
    assert [event.command_ids for event in run.all(FreezeApplied)] == [(), (toggle.id,)]
    assert [event.phase for event in run.all(PhaseChanged)].count("tracing") == 1


def test_an_infinite_loss_ends_the_run_at_once_with_a_clear_word(train: Train) -> None:
    run = train(dataclasses.replace(SCRATCH, stages=(Stage("all", 2, math.inf, None),)))
    (ended,) = run.all(RunEnded)
    assert ended.status == "failed"
    assert "expected a finite loss, found nan in epoch 1 at batch 2" in ended.error
    assert run.all(EpochEnded) == []


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


def test_skipping_a_stage_goes_to_the_next_at_the_epochs_end(train: Train) -> None:
    run = train(LITE0, EpochStarted_1=[SkipStage()], EpochStarted_2=[Stop(when="epoch")])
    assert [event.stage for event in run.all(EpochEnded)] == [1, 2]


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
    def break_down(*_: object) -> None:
        raise ZeroDivisionError("first\nsecond")

    monkeypatch.setattr("engine.trainer.preparation.load_dataset", break_down)
    run = train(SCRATCH)
    assert run.all(RunEnded)[0].error == "ZeroDivisionError: first"
    assert any("Traceback" in event.text for event in run.all(LogLine))
    assert "break_down" in run.directory.log.read_text()
