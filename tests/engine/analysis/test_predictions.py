"""Stored predictions: what is read, what is refused, and the metrics of it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, recall_score

from engine.analysis import predictions as stored
from engine.analysis.predictions import (
    Predictions,
    calibration,
    class_accuracies,
    confusion,
    load_predictions,
    worst_mistakes,
)
from engine.errors import InputError
from engine.runs.directory import RunDirectory

MakePredictions = Callable[..., Predictions]


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    """An empty run directory."""
    return RunDirectory(tmp_path)


def test_what_a_trainer_wrote_is_read_back(
    directory: RunDirectory,
    predictions: MakePredictions,
    write_predictions: Callable[[Path, Predictions], None],
) -> None:
    written = predictions([0, 1, 2], [0, 2, 2])
    write_predictions(directory.predictions, written)
    read = load_predictions(directory)
    assert read.labels.tolist() == [0, 1, 2]
    assert read.predicted.tolist() == [0, 2, 2]
    assert np.array_equal(read.probabilities, written.probabilities)
    assert (str(read.labels.dtype), str(read.probabilities.dtype)) == ("int64", "float32")
    assert read.classes == 3


def save(path: Path, **arrays: Any) -> None:
    np.savez(path, **arrays)


HALVES = np.full((4, 2), 0.5, np.float32)
LABELS = np.array([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"labels": LABELS}, "found no probabilities"),
        ({"labels": LABELS, "probabilities": HALVES[:3]}, "found 4 labels and 3 images"),
        ({"labels": LABELS + 1, "probabilities": HALVES}, "expected labels 0 to 1, found 1 to 2"),
        ({"labels": LABELS - 1, "probabilities": HALVES}, "found -1 to 0"),
        ({"labels": LABELS / 2, "probabilities": HALVES}, "one integer label per image"),
        ({"labels": LABELS, "probabilities": HALVES[:, 0]}, "probabilities (images, classes)"),
        ({"labels": LABELS, "probabilities": HALVES[:, :1]}, "2 to 1000 classes, found 1"),
        ({"labels": LABELS, "probabilities": HALVES * 3}, "add up to 1, found sums of 3 to 3"),
        ({"labels": LABELS[:0], "probabilities": HALVES[:0]}, "found 0 labels and 0 images"),
        ({"labels": LABELS, "probabilities": np.array([["a"] * 2] * 4)}, "expected probabilities"),
        (
            {"labels": LABELS, "probabilities": np.array([[{}] * 2] * 4)},
            "a damaged or foreign file",
        ),
    ],
)
def test_what_are_no_predictions_is_refused_in_a_line(
    directory: RunDirectory, arrays: dict[str, Any], words: str
) -> None:
    save(directory.predictions, **arrays)
    with pytest.raises(InputError) as refused:
        load_predictions(directory)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_nan_probabilities_are_called_by_name(directory: RunDirectory) -> None:
    shares = HALVES.copy()
    shares[1:3] = np.nan
    save(directory.predictions, labels=LABELS, probabilities=shares)
    with pytest.raises(InputError, match="found NaN for 2 of 4 images, as the training diverged"):
        load_predictions(directory)


def test_a_missing_file_is_said(directory: RunDirectory) -> None:
    with pytest.raises(InputError, match="expected test predictions, found none"):
        load_predictions(directory)


@pytest.mark.parametrize("kept", [0, 1, 40, 300, -1])
def test_a_truncated_file_is_said(directory: RunDirectory, kept: int) -> None:
    save(directory.predictions, labels=LABELS, probabilities=HALVES)
    whole = directory.predictions.read_bytes()
    directory.predictions.write_bytes(whole[:kept])
    with pytest.raises(InputError, match="a damaged or foreign file"):
        load_predictions(directory)


def test_a_small_file_that_unpacks_to_a_huge_one_is_not_unpacked(
    directory: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "MAX_BYTES", 2**20)
    np.savez_compressed(directory.predictions, labels=LABELS, probabilities=np.zeros((2**18, 2)))
    assert directory.predictions.stat().st_size < 2**16
    with pytest.raises(InputError, match=r"expected 1.00 MB of predictions at most, found 4.00 MB"):
        load_predictions(directory)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_waited_for(directory: RunDirectory) -> None:
    os.mkfifo(directory.predictions)
    with pytest.raises(InputError, match=rf"^{directory.run_id}: predictions.npz: expected a file"):
        load_predictions(directory)


def test_the_confusion_matrix_has_truth_in_its_rows(predictions: MakePredictions) -> None:
    found = confusion(predictions([0, 0, 0, 1, 2], [0, 0, 1, 1, 0]))
    assert found.tolist() == [[2, 1, 0], [0, 1, 0], [1, 0, 0]]


def test_accuracies_by_class_and_a_class_without_images(predictions: MakePredictions) -> None:
    shares = class_accuracies(predictions([0, 0, 0, 1], [0, 0, 1, 1]))
    assert shares[:2].tolist() == pytest.approx([2 / 3, 1.0])
    assert math.isnan(shares[2])


def test_metrics_agree_with_scikit_learn() -> None:
    generator = np.random.default_rng(3)
    labels = generator.integers(0, 10, 500)
    shares = generator.dirichlet(np.ones(10), 500).astype(np.float32)
    made = Predictions(labels, shares)
    recalls = recall_score(labels, made.predicted, average=None)
    assert class_accuracies(made) == pytest.approx(recalls)
    trace = confusion(made).trace() / 500
    assert trace == pytest.approx(accuracy_score(labels, made.predicted))


def test_calibration_by_hand(predictions: MakePredictions) -> None:
    # Two bins of 0.5: four images at 0.9, of which two are right; two at 0.4, of which one is.
    made = predictions([0, 0, 0, 0, 0, 0], [0, 0, 1, 1, 0, 1], [0.9, 0.9, 0.9, 0.9, 0.4, 0.4])
    found = calibration(made, bins=2)
    assert [(b.images, b.accuracy) for b in found.bins] == [(2, 0.5), (4, 0.5)]
    assert found.ece == pytest.approx(4 / 6 * 0.4 + 2 / 6 * 0.1)


def test_a_sure_model_that_is_always_right_has_no_calibration_error(
    predictions: MakePredictions,
) -> None:
    found = calibration(predictions([0, 1, 2], [0, 1, 2], 1.0))
    assert found.ece == 0
    assert len(found.bins) == 15
    assert found.bins[-1].images == 3
    assert math.isnan(found.bins[0].accuracy)


def test_the_worst_mistakes_come_first(predictions: MakePredictions) -> None:
    made = predictions([0, 1, 2, 0], [0, 2, 1, 1], [0.99, 0.6, 0.8, 0.7])
    found = worst_mistakes(made, 2)
    assert [(m.index, m.truth, m.predicted) for m in found] == [(2, 2, 1), (3, 0, 1)]
    assert found[0].confidence == pytest.approx(0.8)
    assert worst_mistakes(predictions([0], [0])) == ()
