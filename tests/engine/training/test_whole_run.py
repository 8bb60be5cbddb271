"""One run of EfficientNetLite0 with its ImageNet weights: what it says, leaves and keeps."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from engine.common.progress import ignore_progress
from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.datasets.loading import load_dataset
from engine.features.store import FeatureStore
from engine.protocol.events import (
    BatchEnded,
    CheckpointSaved,
    EpochEnded,
    EpochStarted,
    Event,
    FeaturesReady,
    FreezeApplied,
    LayersMoved,
    LogLine,
    PhaseChanged,
    RunEnded,
    RunStarted,
    StageStarted,
    TestEnded,
)
from engine.runs.listing import load_run, load_snapshot
from engine.state.kept_epoch import best_epoch
from tests.support.training import Train, Trained, check_same_training, train_plainly

pytestmark = pytest.mark.slow("that real weights are trained, recorded and exported as small ones")

SPEC = RunSpec(
    model="EfficientNetLite0",
    dataset="digits",
    stages=(Stage("head", 2, 1e-3, 0), Stage("fine-tune", 2, 1e-4, 30)),
    image_size=32,
    batch_size=16,
    train_limit=100,
    validation=0.2,
)
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


@pytest.fixture(scope="module")
def run(train_once: Train) -> Trained:
    """The run; its features lie in `kept_cache`."""
    return train_once(SPEC)


def predicted(run: Trained) -> tuple[np.ndarray, np.ndarray]:
    """What the exported model makes of the test images, and their labels."""
    dataset = load_dataset("digits", None, ignore_progress)
    model = keras.models.load_model(run.directory.model)
    return model.predict(dataset.test_images, verbose=0), dataset.test_labels


def test_it_says_all_in_order(run: Trained) -> None:
    assert run.status == "completed"
    said = "".join(LETTERS.get(type(event), "") for event in run.events)
    assert re.fullmatch("R(SF(eb+EMC){2}){2}TX", said), said
    assert [event.epoch for event in run.all(EpochEnded)] == [1, 2, 3, 4]
    assert [stage.trains for stage in run.all(StageStarted)] == ["head", "last 30 layers"]


def test_it_leaves_a_model_that_agrees(run: Trained) -> None:
    probabilities, labels = predicted(run)
    accuracy = float((probabilities.argmax(1) == labels).mean())
    (tested,) = run.all(TestEnded)
    assert accuracy == tested.accuracy
    five = np.sort(probabilities, axis=1)[:, -5]  # the fifth most probable
    right = probabilities[np.arange(len(labels)), labels]
    assert tested.top5_accuracy == float((right >= five).mean()) > accuracy
    saved = np.load(run.directory.predictions)
    np.testing.assert_allclose(saved["probabilities"], probabilities, atol=1e-5)
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


def test_what_moved_is_what_trains(run: Trained) -> None:
    moved = run.all(LayersMoved)
    assert [event.epoch for event in moved] == [1, 2, 3, 4]
    head, tuned = (set(event.trainable) for event in run.all(FreezeApplied))
    assert [set(event.moved) for event in moved] == [head, head, tuned, tuned]
    assert all(0 < change < 1 for event in moved for change in event.moved.values())
    assert not any(event.broken for event in moved)


def sources(run: Trained) -> list[str]:
    """Where each of its features came from."""
    return [ready.source for ready in run.all(FeaturesReady)]


def test_it_keeps_the_features_of_each_stage(run: Trained, kept_cache: Path) -> None:
    # One pass over the images gives both stages theirs.
    assert sources(run) == ["extracted", "cache"]
    frontiers = [event.frontier for event in run.all(FreezeApplied)]
    assert frontiers == ["head_dropout", "block6c_expand_conv"]
    entries = FeatureStore(kept_cache, 1).entries()
    assert sorted(str(entry.about["split"]) for entry in entries) == ["test", "train", "train"]


@pytest.mark.slow("kept features against every layer computed, with real weights and in training")
def test_without_kept_features_the_training_is_the_same(run: Trained, train: Train) -> None:
    plain = train_plainly(train, SPEC)
    check_same_training(run, plain)
    assert not plain.all(FeaturesReady)
    assert not any(frozen.frontier for frozen in plain.all(FreezeApplied))


@pytest.mark.slow("which later runs find the features: only real weights are the same in all")
def test_another_hold_out_has_the_same_features_and_another_size_has_not(
    run: Trained, train: Train, kept_cache: Path, own_feature_cache: Path
) -> None:
    shutil.copytree(kept_cache, own_feature_cache, dirs_exist_ok=True)
    head = dataclasses.replace(SPEC, stages=(Stage("head", 1, 1e-3, 0),))
    other = train(dataclasses.replace(head, seed=1))
    assert sources(other) == ["cache"]
    assert other.losses != run.losses[:2]
    assert sources(train(dataclasses.replace(head, image_size=40))) == ["extracted"]


@pytest.mark.slow("which weights are tested and exported where the last ones are not the best")
def test_the_best_weights_are_tested_and_exported(train: Train) -> None:
    # The last epoch destroys what those before it have learned.
    stages = (Stage("head", 4, 1e-2, 0), Stage("fine-tune", 1, 3.0, 30))
    run = train(dataclasses.replace(SPEC, stages=stages, keep="best"))
    ended = run.all(EpochEnded)
    assert ended[-1].val_accuracy < max(e.val_accuracy for e in ended) - 0.1
    (tested,) = run.all(TestEnded)
    assert tested.accuracy > ended[-1].val_accuracy + 0.1
    kept = best_epoch(ended)
    assert kept is not None
    assert tested.epoch == kept.epoch < 5
    (said,) = (line.text for line in run.all(LogLine) if line.text.startswith("tests the"))
    assert f"the weights of epoch {kept.epoch}, the best of 5" in said
    assert load_snapshot(load_run(run.directory.path)).kept == kept
    saved = np.load(run.directory.predictions)
    np.testing.assert_allclose(saved["probabilities"], predicted(run)[0], atol=1e-4)
