"""Training on kept features: the same numbers as without them, and what becomes of the cache."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import engine.training.learner
from engine.common.progress import ignore_progress
from engine.config.spec import RunSpec, Stage
from engine.datasets.loading import load_dataset
from engine.features.store import FeatureStore
from engine.protocol.commands import SetBatchNormLock, SetTrainable, Stop
from engine.protocol.events import (
    BatchEnded,
    CommandRejected,
    EpochEnded,
    FeaturesReady,
    FreezeApplied,
    LogLine,
    PhaseChanged,
    TestEnded,
)
from engine.runs.listing import load_run, load_snapshot
from engine.state.kept_epoch import best_epoch

Train = Callable[..., Any]
SameTraining = Callable[..., tuple[Any, Any]]
HEAD, LAST = Stage("head", 2, 1e-3, 0), Stage("fine-tune", 2, 1e-4, 30)
TWO_STAGES = RunSpec(
    model="EfficientNetLite0",
    dataset="digits",
    stages=(HEAD, LAST),
    image_size=32,
    batch_size=16,
    train_limit=100,
    validation=0.2,
)
HEAD_ONLY = dataclasses.replace(TWO_STAGES, stages=(HEAD,))
SMALL = dataclasses.replace(
    TWO_STAGES,
    model="MobileNetV2",
    weights="none",
    stages=(HEAD, dataclasses.replace(LAST, unfreeze_last=8)),
)
"""The same with a backbone that takes seconds less; its tests take `small_net`, too."""
SMALL_HEAD = dataclasses.replace(SMALL, stages=(HEAD,))


def losses(run: Any) -> list[float]:
    return [x for e in run.all(EpochEnded) for x in (e.loss, e.val_loss)]


@pytest.mark.parametrize("model", ["EfficientNetLite0", "MobileNetV2"])
def test_kept_features_give_the_same_training(
    train: Train, same_training: SameTraining, model: str
) -> None:
    weights = "imagenet" if model == "EfficientNetLite0" else "none"
    kept, plain = same_training(dataclasses.replace(TWO_STAGES, model=model, weights=weights))
    assert kept.all(FeaturesReady)
    assert not plain.all(FeaturesReady)
    assert not any(frozen.frontier for frozen in plain.all(FreezeApplied))


def test_views_and_smoothing_are_the_same_training(
    train: Train, same_training: SameTraining, small_net: None
) -> None:
    spec = dataclasses.replace(
        SMALL,
        stages=(dataclasses.replace(LAST, unfreeze_last=8, schedule="cosine"),),
        flip=True,
        views=2,
        label_smoothing=0.1,
        keep="best",
    )
    kept, _ = same_training(spec)
    (ready,) = kept.all(FeaturesReady)
    assert (ready.views, ready.images) == (4, 400)
    rates = [ended.learning_rate for ended in kept.all(EpochEnded)]
    assert rates == pytest.approx([5e-5, 0], abs=1e-9)
    without = train(dataclasses.replace(spec, flip=False, views=1))
    assert losses(without)[0] != pytest.approx(losses(kept)[0], rel=1e-3)


def test_the_best_weights_are_tested_and_exported(train: Train) -> None:
    # The second epoch destroys what the first has learned.
    stages = (Stage("head", 4, 1e-2, 0), Stage("fine-tune", 1, 3.0, 30))
    run = train(dataclasses.replace(TWO_STAGES, stages=stages, keep="best"))
    ended = run.all(EpochEnded)
    assert ended[-1].val_accuracy < max(e.val_accuracy for e in ended) - 0.1
    (tested,) = run.all(TestEnded)
    assert tested.accuracy > ended[-1].val_accuracy + 0.1
    kept = best_epoch(ended)
    assert kept is not None
    assert tested.epoch == kept.epoch < 5
    (said,) = (line.text for line in run.all(LogLine) if line.text.startswith("tested and exp"))
    assert f"the weights of epoch {kept.epoch} of 5" in said
    snapshot = load_snapshot(load_run(run.directory.path))
    assert snapshot.kept == kept
    saved = np.load(run.directory.predictions)
    dataset = load_dataset("digits", None, ignore_progress)
    predicted = keras.models.load_model(run.directory.model).predict(dataset.test_images, verbose=0)
    np.testing.assert_allclose(saved["probabilities"], predicted, atol=1e-4)


def test_of_equal_accuracies_the_lowest_loss_is_kept(train: Train, small_net: None) -> None:
    # So slow that no answer changes, while the loss falls.
    run = train(dataclasses.replace(SMALL, stages=(Stage("head", 3, 1e-6, 0),), keep="best"))
    ended = run.all(EpochEnded)
    assert len({e.val_accuracy for e in ended}) == 1
    losses = [e.val_loss for e in ended]
    (tested,) = run.all(TestEnded)
    assert tested.epoch == 1 + losses.index(min(losses)) > 1


def sources(run: Any) -> list[str]:
    return [ready.source for ready in run.all(FeaturesReady)]


def test_the_next_run_starts_without_extracting(train: Train, own_feature_cache: Path) -> None:
    first, second = train(TWO_STAGES), train(TWO_STAGES)
    # One pass over the images gives both stages their features.
    assert sources(first) == ["extracted", "cache"]
    assert sources(second) == ["cache", "cache"]
    assert losses(first) == losses(second)
    assert [x.frontier for x in first.all(FreezeApplied)] == [
        "head_dropout",
        "block6c_expand_conv",
    ]
    entries = FeatureStore(own_feature_cache, 1).entries()
    assert sorted(str(entry.about["split"]) for entry in entries) == ["test", "train", "train"]
    other = train(dataclasses.replace(TWO_STAGES, seed=1))
    assert sources(other) == ["cache", "cache"]  # another hold-out of the same images
    assert losses(other) != losses(first)
    larger = train(dataclasses.replace(HEAD_ONLY, image_size=40))
    assert sources(larger) == ["extracted"]


def kept_frontiers(cache: Path) -> list[str]:
    """What the cache keeps of the training images, a frontier an entry."""
    entries = FeatureStore(cache, 1).entries()
    return sorted(str(e.about["frontier"]) for e in entries if e.about["split"] == "train")


def test_what_trains_behind_a_frontier_makes_no_other_features(
    train: Train, small_net: None, own_feature_cache: Path
) -> None:
    train(SMALL)
    assert sources(train(SMALL_HEAD)) == ["cache"]
    before = kept_frontiers(own_feature_cache)
    fewer = dataclasses.replace(LAST, unfreeze_last=4)
    train(dataclasses.replace(SMALL, stages=(HEAD, fewer)))
    # The pooled features of the frozen backbone are those of before.
    added = kept_frontiers(own_feature_cache)
    assert len(added) == len(before) + 1
    assert len(set(added)) == len(added)


def test_a_stage_of_all_layers_leaves_those_before_it_their_features(
    train: Train, small_net: None
) -> None:
    everything = Stage("all", 1, 1e-4, None)
    spec = dataclasses.replace(SMALL, stages=(*SMALL.stages, everything))
    first, second = train(spec), train(spec)
    assert sources(first) == ["extracted", "cache"]
    assert sources(second) == ["cache", "cache"]
    assert losses(first) == losses(second)
    assert first.all(FreezeApplied)[-1].frontier == ""


def test_altered_features_are_made_again(
    train: Train, small_net: None, own_feature_cache: Path
) -> None:
    first = train(SMALL_HEAD)
    for path in (own_feature_cache / "features").glob("*.features"):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    second = train(SMALL_HEAD)
    assert sources(second) == ["extracted"]
    assert losses(first) == losses(second)


def test_beyond_the_memory_limit_features_are_mapped(train: Train) -> None:
    # Enough for a batch of 16 images, not for both views of all 100.
    spec = dataclasses.replace(HEAD_ONLY, flip=True)
    small = train(dataclasses.replace(spec, feature_memory_gb=1e-4))
    (ready,) = small.all(FeaturesReady)
    assert ready.held == "disk"
    assert losses(small) == losses(train(spec))


@pytest.mark.parametrize(("memory", "disk"), [(1e-6, 20.0), (1e-4, 0.0)])
def test_without_room_the_plain_path_is_taken(train: Train, memory: float, disk: float) -> None:
    spec = dataclasses.replace(HEAD_ONLY, flip=True, feature_memory_gb=memory, feature_disk_gb=disk)
    run = train(spec)
    assert run.status == "completed"
    assert not run.all(FeaturesReady)
    (warning,) = [line for line in run.all(LogLine) if line.level == "warning"]
    assert "--feature-memory" in warning.text


def test_an_unwritable_cache_is_one_warning(
    train: Train, small_net: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    monkeypatch.setenv("CIFAR_TUI_CACHE", str(blocked))
    run = train(SMALL_HEAD)
    assert run.status == "completed"
    assert sources(run) == ["extracted"]
    warnings = [line.text for line in run.all(LogLine) if line.level == "warning"]
    assert sum(str(blocked) in text for text in warnings) == 1


def test_a_stop_ends_the_extraction(train: Train, small_net: None, own_feature_cache: Path) -> None:
    run = train(SMALL_HEAD, extracting=[Stop(when="now")])
    assert run.status == "stopped"
    assert not run.all(EpochEnded)
    assert not list((own_feature_cache / "features").glob("*"))


def test_a_toggle_now_goes_on_with_what_is_held(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.training.learner, "steps_per_execution", lambda *_: 1)
    # Unfreezing above the held frontier needs nothing new; below it the epoch ends on images, and
    # the next one has features again.
    above = SetTrainable(layers=("top_conv",), value=False, when="now")
    below = SetTrainable(layers=("block6a_expand_conv",), value=True, when="now")
    spec = dataclasses.replace(TWO_STAGES, stages=(Stage("fine-tune", 4, 1e-4, 30),))
    run = train(spec, BatchEnded_1=[above], EpochStarted_2=[below])
    assert run.status == "completed"
    frozen = run.all(FreezeApplied)
    assert [event.frontier for event in frozen] == [
        "block6c_expand_conv",
        "block6c_expand_conv",  # the same features; the next epoch needs no other
        "",
        "block6a_expand_conv",
    ]
    phases = [e.phase for e in run.events if isinstance(e, PhaseChanged)]
    assert phases.count("extracting") >= 2
    kinds = [type(e) for e in run.events if isinstance(e, (FreezeApplied, EpochEnded, BatchEnded))]
    assert kinds.count(EpochEnded) == 4


@pytest.mark.parametrize("phase", ["extracting", "tracing"])
def test_a_toggle_now_before_the_first_batch_is_there_for_it(
    train: Train, small_net: None, phase: str
) -> None:
    toggle = SetTrainable(layers=("block4_depthwise",), value=True, when="now")
    lock = SetBatchNormLock(value=False, when="now")
    spec = dataclasses.replace(SMALL, stages=(dataclasses.replace(HEAD, epochs=1),))
    run = train(spec, **{phase: [toggle, lock]})
    assert run.status == "completed"
    kinds = [type(e) for e in run.events]
    applied = [e for e in run.events[: kinds.index(BatchEnded)] if isinstance(e, FreezeApplied)]
    assert (toggle.id, lock.id) in [event.command_ids for event in applied]
    assert {(event.epoch, event.step) for event in applied} == {(1, 0)}
    assert "block4_depthwise" in applied[-1].trainable
    assert not run.all(CommandRejected)


def test_refrozen_layers_leave_other_features(same_training: SameTraining, small_net: None) -> None:
    # The last block trains for an epoch, then freezes: its output is no longer what it was.
    def toggle(*, value: bool) -> SetTrainable:
        return SetTrainable(layers=("block4_depthwise",), value=value)

    kept, _ = same_training(
        dataclasses.replace(SMALL, stages=(Stage("head", 3, 1e-2, 0),)),
        EpochStarted_1=toggle(value=True),
        EpochStarted_2=toggle(value=False),
    )
    # Unfreezing needs an earlier cut; the last one comes from that.
    assert sources(kept) == ["extracted", "extracted", "derived"]


def test_half_precision_trains_and_is_kept_apart(train: Train, small_net: None) -> None:
    half = dataclasses.replace(SMALL_HEAD, precision="mixed_bfloat16")
    run, full = train(half), train(SMALL_HEAD)
    assert run.status == "completed"
    assert sources(full)[0] == "extracted"
    assert losses(run) == pytest.approx(losses(full), rel=0.2)
    assert losses(run) != losses(full)
