"""Predictions and evidence with known figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.analysis.predictions import Predictions

MakePredictions = Callable[..., Predictions]


@pytest.fixture
def predictions() -> MakePredictions:
    """Makes predictions from labels, predicted classes and their confidences."""

    def make(labels: list[int], predicted: list[int], sure: Any = 0.9, classes: int = 3) -> Any:
        confidences = np.broadcast_to(np.asarray(sure, np.float64), len(labels))
        rest = (1 - confidences) / (classes - 1)
        shares = np.repeat(rest[:, np.newaxis], classes, axis=1)
        shares[np.arange(len(labels)), predicted] = confidences
        return Predictions(np.asarray(labels, np.int64), shares.astype(np.float32))

    return make


@pytest.fixture
def write_predictions() -> Callable[[Path, Predictions], None]:
    """Writes predictions as a trainer does."""

    def write(path: Path, predictions: Predictions) -> None:
        np.savez(path, labels=predictions.labels, probabilities=predictions.probabilities)

    return write
