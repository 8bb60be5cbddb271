"""What reaches a backbone is what its weights expect, and a wrong preprocessing is named."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

from engine.backbones.catalogue import CATALOGUE, find_backbone
from engine.backbones.entry import Backbone
from engine.model.build import Classifier, _preprocess
from engine.model.preprocessing import check_input

REDDISH = np.random.default_rng(0).integers((128, 64, 0), (256, 192, 128), (4, 8, 8, 3), "uint8")
COLOURS = ((0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 0, 255))
PRETRAINED = [backbone for backbone in CATALOGUE if backbone.expects is not None]


def classifier_of(module: str, *, swaps: bool = False) -> Classifier:
    """One layer behind the preprocessing of a module of keras.applications."""
    images = keras.Input((8, 8, 3), dtype="uint8")
    pixels = keras.ops.cast(images, "float32")
    if swaps:
        pixels = pixels[..., ::-1]
    prepared = getattr(keras.applications, module).preprocess_input(pixels)
    outputs = keras.layers.Conv2D(1, 1, name="first")(prepared)
    return Classifier(keras.Model(images, outputs), ("first",), ())


@pytest.mark.parametrize("backbone", PRETRAINED, ids=lambda backbone: backbone.name)
def test_each_colour_arrives_as_the_weights_expect(backbone: Backbone) -> None:
    assert backbone.expects is not None
    pixels = np.array(COLOURS, "float32").reshape(len(COLOURS), 1, 1, 3)
    arrived = np.asarray(_preprocess(backbone, keras.ops.convert_to_tensor(pixels)))
    wanted = [backbone.expects.of(colour) for colour in COLOURS]
    np.testing.assert_allclose(arrived.reshape(-1, 3), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["VGG16", "MobileNetV2", "DenseNet121", "ConvNeXtTiny"])
def test_what_keras_prepares_passes_the_check(name: str) -> None:
    backbone = find_backbone(name)
    line = check_input(backbone, classifier_of(backbone.module), REDDISH)
    assert line is not None
    assert line.level == "info"
    assert line.text.startswith(f"{name}: input check passed (")


def test_a_wrong_scale_is_named() -> None:
    line = check_input(find_backbone("VGG16"), classifier_of("mobilenet_v2"), REDDISH)
    assert line is not None
    assert line.level == "error"
    assert line.text.startswith(
        "VGG16: input check failed: its weights expect means subtracted, BGR, so channel means of ("
    )
    assert ", and receive (0.496, -0.0277, -0.5)" in line.text


def test_a_wrong_channel_order_is_named() -> None:
    swapped = classifier_of("mobilenet_v2", swaps=True)
    line = check_input(find_backbone("MobileNetV2"), swapped, REDDISH)
    assert line is not None
    assert line.level == "error"
    assert "expect -1 to 1, RGB, so channel means of (0.496, -0.0277, -0.5)" in line.text
    assert ", and receive (-0.5, -0.0277, 0.496)" in line.text


def test_a_model_from_scratch_is_not_checked() -> None:
    network = replace(classifier_of("vgg16"), backbone=())
    assert check_input(find_backbone("CustomCNN"), network, REDDISH) is None
