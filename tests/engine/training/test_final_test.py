"""The end of a run: what its network says of the test images."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from engine.errors import InputError
from engine.features.pool import Pool
from engine.protocol.commands import CommandQueue
from engine.training.control import Control
from engine.training.evaluation import PassCallback
from engine.training.final_test import predict_test


def test_predictions_that_are_not_finite_are_rejected_and_not_written(tmp_path: Path) -> None:
    images = keras.Input((8, 8, 3), dtype="uint8")
    pixels = keras.ops.cast(images, "float32")
    # A black image is divided by zero.
    scaled = pixels / keras.ops.mean(pixels, axis=(1, 2, 3), keepdims=True)
    outputs = keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(scaled))
    shown = np.random.default_rng(0).integers(1, 256, (6, 8, 8, 3), dtype=np.uint8)
    shown[4] = 0
    pool = Pool("test", shown, np.zeros(6, np.int64), 1, "")
    callback = PassCallback(6, 4, lambda event: None, lambda: False)
    path = tmp_path / "predictions.npz"
    control = Control(CommandQueue(), lambda event: None)
    with pytest.raises(InputError, match="found others for 1 of 6"):
        predict_test(
            keras.Model(images, outputs), None, None, pool, 4, callback, path, control, print
        )
    assert not path.exists()
