"""Small networks in place of large ones: the real trainer trains them in seconds.

One has every kind of block that the catalogue has, and replaces MobileNetV2's constructor;
preprocessing, head, calibration and training stay the engine's own. The other is a narrower
CustomCNN, for tests that do not depend on the network.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import pytest
from keras import layers

import engine.model.custom_cnn
from engine.config.spec import RunSpec
from engine.config.stage import Stage

STEM = ("stem_conv", "stem_bn")
RESIDUAL = ("block1_depthwise", "block1_depthwise_bn", "block1_project", "block1_project_bn")
NESTED = ("block2_bn", "block2_conv")
BRANCHES = ("block3_left_conv", "block3_left_bn", "block3_right_depthwise", "block3_right_bn")
TOP = ("block4_conv", "block4_conv_bn", "block4_depthwise", "block4_depthwise_bn")
BACKBONE = (*STEM, *RESIDUAL, *NESTED, *BRANCHES, *TOP)
HEAD = ("head_dense",)
STEPS = 3
"""Batches per epoch of `small_spec`: 80 images."""


def small_spec(epochs: int, *, last: int | None = 0, **asked: Any) -> RunSpec:
    """Return one stage on a hundred photographs, whose `last` backbone layers train."""
    usual: dict[str, Any] = {
        "model": "MobileNetV2",
        "dataset": "cifar10-mini",
        "stages": (Stage("small", epochs, 1e-3, last),),
        "image_size": 32,
        "batch_size": 32,
        "train_limit": 100,
        "validation": 0.2,
        "weights": "none",
    }
    return RunSpec(**(usual | asked))


@contextlib.contextmanager
def in_mobilenets_place() -> Iterator[None]:
    """Make the engine build the small network in place of MobileNetV2."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.applications, "MobileNetV2", small_backbone)
        yield


@contextlib.contextmanager
def narrow_custom_cnn() -> Iterator[None]:
    """Make the engine build CustomCNN with two narrow convolutions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine.model.custom_cnn, "BLOCKS", ((4,), (8,)))
        yield


def small_backbone(*, include_top: bool, weights: None, input_tensor: Any) -> keras.Model:
    """Build the network on scaled images (batch, 32, 32, 3), as `keras.applications` would."""
    assert not include_top
    assert weights is None
    x = _convolve(input_tensor, "stem_conv", "stem_bn", 8, 7, strides=2)
    x = layers.Add(name="block1_add")([x, _residual(x)])
    nested = [
        layers.BatchNormalization(name="block2_bn"),
        layers.Conv2D(12, 2, strides=2, activation="relu", name="block2_conv"),
    ]
    x = keras.Sequential(nested, name="block2_nested")(x)
    left = _convolve(x, "block3_left_conv", "block3_left_bn", 8, 1)
    right = _depthwise(x, "block3_right_depthwise", "block3_right_bn")
    x = layers.Concatenate(name="block3_concat")([left, right])
    x = _convolve(x, "block4_conv", "block4_conv_bn", 16, 3, strides=2)
    # 4 × 4 pixels: few enough for the faster form of a depthwise convolution.
    x = _depthwise(x, "block4_depthwise", "block4_depthwise_bn")
    return keras.Model(keras.utils.get_source_inputs(input_tensor), x)


def _residual(x: Any) -> Any:
    x = _depthwise(x, "block1_depthwise", "block1_depthwise_bn")
    x = layers.Conv2D(8, 1, use_bias=False, name="block1_project")(x)
    x = layers.BatchNormalization(name="block1_project_bn")(x)
    # One number per image: drop-connect, as in EfficientNet.
    return layers.Dropout(0.2, noise_shape=(None, 1, 1, 1), name="block1_drop")(x)


def _convolve(x: Any, name: str, norm: str, width: int, size: int, strides: int = 1) -> Any:
    x = layers.Conv2D(width, size, strides, padding="same", use_bias=False, name=name)(x)
    x = layers.BatchNormalization(name=norm)(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _depthwise(x: Any, name: str, norm: str) -> Any:
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=name)(x)
    x = layers.BatchNormalization(name=norm)(x)
    return layers.ReLU(name=f"{name}_relu")(x)
