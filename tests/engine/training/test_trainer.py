"""The trainer on real Keras and real digits: what it obeys, and how a run ends."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine.training.execution
from engine.config.spec import RunSpec
from engine.config.stage import Stage, Unfreeze
from engine.protocol.commands import (
    Command,
    Pause,
    Resume,
    SaveCheckpoint,
    SetLearningRate,
    SetTrainable,
    SkipStage,
    Stop,
)
from engine.protocol.events import (
    BatchEnded,
    CheckpointSaved,
    CommandAccepted,
    CommandRejected,
    EpochEnded,
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
from tests.support.small_net import narrow_custom_cnn, small_spec
from tests.support.training import SCRATCH, Train, Trained


def staged(spec: RunSpec, *stages: Stage) -> RunSpec:
    """A spec with other stages."""
    return dataclasses.replace(spec, stages=stages)


@pytest.fixture(scope="module", autouse=True)
def narrow() -> Iterator[None]:
    """The narrow CustomCNN, a step at a time: what the network is makes no difference here."""
    with narrow_custom_cnn(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine.training.execution, "EXECUTION_SECONDS", 0.0)
        yield


@pytest.fixture(scope="module")
def undisturbed(train_once: Train) -> Trained:
    """A run that is told nothing."""
    return train_once(SCRATCH)


def test_batch_metrics_are_of_their_batches_and_add_up_to_the_epochs(undisturbed: Trained) -> None:
    for ended in undisturbed.all(EpochEnded):
        batches = [batch for batch in undisturbed.all(BatchEnded) if batch.epoch == ended.epoch]
        assert sum(batch.batches for batch in batches) == batches[-1].step == 4
        # 120 images in batches of 32: the last one holds 24.
        sizes = []
        for batch in batches:
            last = 24 if batch.step == 4 else 32
            sizes.append(32 * (batch.batches - 1) + last)
        mean = sum(n * b.loss for n, b in zip(sizes, batches, strict=True)) / 120
        assert mean == pytest.approx(ended.loss, rel=1e-4)


@pytest.mark.slow("that the seed decides over the weights and the order of the images")
def test_the_same_seed_is_the_same_training_and_another_is_not(
    train: Train, undisturbed: Trained
) -> None:
    assert train(SCRATCH).losses == undisturbed.losses
    other = train(dataclasses.replace(SCRATCH, seed=1), EpochStarted_1=[Stop(when="epoch")])
    assert other.losses != undisturbed.losses[:2]


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


@pytest.fixture(scope="module")
def told_too_late(train_once: Train) -> Trained:
    """A run that is told several things when they can no longer be done."""
    return train_once(
        SCRATCH,
        EpochStarted_1=[SkipStage()],
        EpochStarted_2=[Stop(when="epoch")],
        EpochEnded_2=[SetTrainable(layers=("head_dense",), value=False)],
        testing=[Pause()],
    )


def test_stop_after_the_last_epoch_is_the_end_anyway(told_too_late: Trained) -> None:
    assert told_too_late.status == "completed"
    assert len(told_too_late.all(EpochEnded)) == 2
    assert len(told_too_late.all(TestEnded)) == 1


def test_what_comes_too_late_is_rejected(told_too_late: Trained) -> None:
    last_stage, toggle, pause = told_too_late.all(CommandRejected)
    assert "last stage" in last_stage.reason
    assert isinstance(toggle.command, SetTrainable)
    assert isinstance(pause.command, Pause)


@pytest.fixture(scope="module")
def paused(train_once: Train) -> Trained:
    """A run that is paused in training and in validation, each time told something meanwhile."""
    lower, higher = SetLearningRate(value=2e-3), SetLearningRate(value=3e-3)

    def resume(event: Event) -> list[Command]:
        is_paused = isinstance(event, PhaseChanged) and event.phase == "paused"
        return [Resume()] if is_paused else []

    return train_once(
        SCRATCH,
        resume,
        EpochStarted_1=[Pause()],
        paused=[lower, SaveCheckpoint()],
        validating=[Pause(), higher, SaveCheckpoint()],
    )


def test_a_pause_waits_for_resume_and_commands_are_answered_meanwhile(paused: Trained) -> None:
    place = paused.phases.index("paused")
    assert paused.phases[place - 1 : place + 3] == ["training", "paused", "saving", "training"]
    assert paused.all(CheckpointSaved)[0].step == 1
    assert paused.all(LearningRateChanged)[0].learning_rate == 2e-3
    assert paused.status == "completed"
    assert next(event.batches for event in paused.all(BatchEnded)) == 1
    assert len(paused.all(EpochEnded)) == 2


def test_a_validation_can_be_paused_and_obeys_small_requests(paused: Trained) -> None:
    place = paused.phases.index("validating")
    phases = paused.phases[place : place + 4]
    assert phases == ["validating", "paused", "saving", "validating"]
    rate = paused.all(LearningRateChanged)[1]
    assert rate.learning_rate == 3e-3
    assert paused.events.index(rate) < paused.events.index(paused.all(EpochEnded)[0])
    assert paused.all(CheckpointSaved)[1].step == 4


def test_an_infinite_loss_ends_the_run_at_once_and_leaves_the_last_good_checkpoint(
    train: Train,
) -> None:
    run = train(staged(SCRATCH, Stage("all", 1, 1e-3, None), Stage("more", 2, math.inf, None)))
    (ended,) = run.all(RunEnded)
    assert ended.status == "failed"
    assert "expected a finite loss, found nan in epoch 2 at batch 2" in ended.error
    assert "the checkpoint after epoch 1 is kept" in ended.error
    assert len(run.all(EpochEnded)) == 1
    assert read_position(run.directory.checkpoints / "last.npz").epoch == 1


@pytest.mark.slow("that stages end early in a real training as Control says")
def test_a_stage_ends_when_it_is_skipped_and_when_patience_is_lost(train: Train) -> None:
    # With a rate of 0 no epoch is better than the first.
    slow = Stage("slow", 5, 1e-30, None)
    spec = staged(SCRATCH, Stage("skipped", 3, 1e-3, None), slow, Stage("last", 1, 1e-3, None))
    run = train(dataclasses.replace(spec, patience=2, keep="best"), EpochStarted_1=[SkipStage()])
    assert run.status == "completed"
    assert [event.stage for event in run.all(EpochEnded)] == [1, 2, 2, 2, 3]
    assert any("no better validation accuracy for 2 epochs" in e.text for e in run.all(LogLine))


@pytest.mark.slow("layers that join by the stage's plan, in a whole run")
def test_layers_join_as_the_stage_plans(train: Train, small_net: None) -> None:
    stage = Stage("head", 3, 1e-3, 0, unfreezes=(Unfreeze(1, 3), Unfreeze(2, 6)))
    run = train(staged(small_spec(3), stage))
    frozen = run.all(FreezeApplied)
    assert [event.planned for event in frozen] == ["", "last 3 layers", "last 6 layers"]
    assert [event.epoch for event in frozen] == [1, 2, 3]
    assert [set(event.trainable) for event in frozen] == [
        set(e.moved) for e in run.all(LayersMoved)
    ]
    # One pass over the images gives the features before the earliest of them.
    assert run.phases.count("extracting") <= 2


@pytest.mark.slow("every kind of command through the run's file, carried out by the trainer")
def test_a_run_obeys_lines_appended_to_its_file(
    train: Train, small_net: None, tmp_path: Path
) -> None:
    seen: Counter[str] = Counter()
    lines = {
        "EpochStarted 1": '{"command": "SetTrainable", "id": "1", "layers": ["block4_depthwise"], '
        '"value": true, "when": "now"}',
        "EpochStarted 2": '{"command": "SetTrainable", "id": "2", "layers": ["block4_depthwise"], '
        '"value": false, "when": "epoch"}',
        "EpochStarted 3": '{"command": "SetLearningRate", "id": "3", "value": 0.002}',
        "EpochEnded 3": '{"command": "Pause", "id": "4"}',
        "paused": '{"command": "Resume", "id": "5"}',
        "EpochStarted 4": '{"command": "Stop", "id": "6", "when": "now"}',
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

    run = train(small_spec(5), append)
    assert [event.command.id for event in run.all(CommandAccepted)] == list("123456")
    now, at_end = (event for event in run.all(FreezeApplied) if event.command_ids)
    assert [(e.epoch, e.step > 0) for e in (now, at_end)] == [(1, True), (3, False)]
    assert set(now.trainable) == {"block4_depthwise", "head_dense"}
    assert set(at_end.trainable) == {"head_dense"}
    assert [event.learning_rate for event in run.all(LearningRateChanged)] == [0.002]
    assert "paused" in run.phases
    assert run.status == "stopped"
    assert len(run.all(EpochEnded)) == 3
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
