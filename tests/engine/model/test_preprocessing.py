"""What reaches a backbone is measured, and a wrong preprocessing is named."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

from engine.backbones.catalogue import find_backbone
from engine.model.build import Classifier
from engine.model.preprocessing import probe_preprocessing

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), "uint8")


def classifier_of(module: str, *, swaps: bool = False) -> Classifier:
    """One layer behind the preprocessing of a module of keras.applications."""
    images = keras.Input((8, 8, 3), dtype="uint8")
    pixels = keras.ops.cast(images, "float32")
    if swaps:
        pixels = pixels[..., ::-1]
    prepared = getattr(keras.applications, module).preprocess_input(pixels)
    outputs = keras.layers.Conv2D(1, 1, name="first")(prepared)
    return Classifier(keras.Model(images, outputs), ("first",), 2, ())


@pytest.mark.parametrize("name", ["VGG16", "MobileNetV2", "DenseNet121", "ConvNeXtTiny"])
def test_what_keras_prepares_is_what_the_weights_expect(name: str) -> None:
    backbone = find_backbone(name)
    line = probe_preprocessing(backbone, classifier_of(backbone.module), IMAGES)
    assert line is not None
    assert line.level == "info"
    order = "BGR" if name == "VGG16" else "RGB"
    assert f"channels {order}, as its weights expect" in line.text


def test_a_wrong_scale_is_named() -> None:
    line = probe_preprocessing(find_backbone("VGG16"), classifier_of("mobilenet_v2"), IMAGES)
    assert line is not None
    assert line.level == "error"
    assert "black arrives as (-1, -1, -1) instead of (-104, -117, -124)" in line.text


def test_a_wrong_channel_order_is_named() -> None:
    swapped = classifier_of("mobilenet_v2", swaps=True)
    line = probe_preprocessing(find_backbone("MobileNetV2"), swapped, IMAGES)
    assert line is not None
    assert line.level == "error"
    assert "channels BGR" in line.text
    assert "red arrives as (-1, -1, 1) instead of (1, -1, -1)" in line.text


def test_a_model_from_scratch_is_not_probed() -> None:
    network = replace(classifier_of("vgg16"), backbone=())
    assert probe_preprocessing(find_backbone("CustomCNN"), network, IMAGES) is None
