"""The network that averages over mirror images: what it predicts, and its file."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from engine.backbones.catalogue import find_backbone
from engine.model.build import Classifier, build_classifier, calibrate_batchnorm
from engine.model.mirror_images import with_mirror_images
from engine.weights.own import load_own, read_own

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)


def build(name: str, seed: int) -> Classifier:
    return build_classifier(
        find_backbone(name),
        image_shape=(32, 32, 3),
        image_size=32,
        classes=4,
        seed=seed,
        load_weights=None,
    )


@pytest.mark.parametrize("name", ["EfficientNetLite0", "MobileNetV2"])
def test_plain_keras_loads_what_predicts_the_mean_of_both_views(name: str, tmp_path: Path) -> None:
    classifier = build(name, 0)
    network = classifier.network
    calibrate_batchnorm(network, IMAGES)
    mirrored = np.ascontiguousarray(IMAGES[:, :, ::-1])
    each = [np.asarray(network(images, training=False)) for images in (IMAGES, mirrored)]
    assert np.abs(each[0] - each[1]).max() > 1e-4
    with_mirror_images(network).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        np.asarray(loaded(IMAGES, training=False)), (each[0] + each[1]) / 2, atol=1e-6
    )
    assert loaded.count_params() == network.count_params()


@pytest.mark.parametrize("name", ["EfficientNetLite0", "DenseNet121"])
def test_its_weights_go_back_into_the_layers_that_had_them(name: str, tmp_path: Path) -> None:
    """Keras finds them by the order of the layers, which a second call could have changed."""
    first, second = build(name, 0), build(name, 1)
    before = [np.asarray(weight) for weight in first.network.weights]
    with_mirror_images(first.network).save(tmp_path / "model.keras")
    own = read_own(tmp_path / "model.keras")
    assert own is not None
    assert (own.model, own.classes) == (name, 4)
    load_own(second, tmp_path / "model.keras", own, has_same_classes=True)
    for weight, value in zip(second.network.weights, before, strict=True):
        np.testing.assert_array_equal(np.asarray(weight), value)
