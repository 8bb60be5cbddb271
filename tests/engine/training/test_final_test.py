"""The end of a run: what its network says of the test images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import pytest

from engine.common.progress import ignore_progress
from engine.datasets.loading import load_dataset
from engine.errors import InputError
from engine.features.pool import Pool
from engine.protocol.commands import CommandQueue
from engine.protocol.events import FeaturesReady, TestEnded
from engine.training.control import Control
from engine.training.evaluation import PassCallback
from engine.training.final_test import predict_test
from tests.support.small_net import small_spec
from tests.support.training import Train


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


@pytest.mark.parametrize(
    ("last", "validation"),
    [
        (0, 0.2),
        pytest.param(0, "test", marks=pytest.mark.slow("features of mirrored test images, held")),
        pytest.param(None, 0.2, marks=pytest.mark.slow("mirrored test images without features")),
    ],
)
def test_with_mirror_images_the_test_is_of_what_is_exported(
    train: Train, small_net: None, last: int | None, validation: float | Literal["test"]
) -> None:
    spec = small_spec(2, last=last, validation=validation)
    plain, mirrored = (train(replace(spec, test_time_flip=flips)) for flips in (False, True))
    assert mirrored.losses == plain.losses
    assert bool(mirrored.all(FeaturesReady)) == (last == 0)
    images = load_dataset(spec.dataset, None, ignore_progress).test_images
    found = []
    for run in (plain, mirrored):
        saved = np.load(run.directory.predictions)
        model = keras.models.load_model(run.directory.model)
        predicted = model.predict(images, verbose=0)
        np.testing.assert_allclose(saved["probabilities"], predicted, atol=1e-5)
        (tested,) = run.all(TestEnded)
        hits = saved["probabilities"].argmax(axis=1) == saved["labels"]
        assert tested.accuracy == pytest.approx(float(hits.mean()))
        found.append(saved["probabilities"])
    assert np.abs(found[0] - found[1]).max() > 1e-4
