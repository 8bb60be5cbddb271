"""CustomCNN: the plain convolutional baseline, trained from scratch at 32 px."""

from __future__ import annotations

from typing import Any

from engine.keras_setup.loaded import layers

BLOCKS = ((32, 32), (64, 64), (128,))
"""Widths of the convolutions of each block; a block ends in a pooling."""
PIXEL_DEVIATION = 63.0
"""About the standard deviation of CIFAR-10's pixels; their mean is about twice as much."""


def custom_cnn_features(pixels: Any) -> Any:
    """Return the features before the head.

    No BatchNormalization: with few epochs at one learning rate its statistics lag so far behind
    the weights that the validation accuracy is 0.1 below the training accuracy.

    Args:
        pixels: float32 (batch, 32, 32, 3), 0 to 255.

    Returns:
        float32 (batch, 2048).
    """
    x = layers.Rescaling(1 / PIXEL_DEVIATION, offset=-2.0, name="rescaling")(pixels)
    for block, widths in enumerate(BLOCKS, start=1):
        for i, width in enumerate(widths, start=1):
            x = layers.Conv2D(
                width,
                3,
                padding="same",
                activation="relu",
                kernel_initializer="he_normal",
                name=f"block{block}_conv{i}",
            )(x)
        x = layers.MaxPooling2D(name=f"block{block}_pool")(x)
    return layers.Flatten(name=f"block{len(BLOCKS)}_flatten")(x)
