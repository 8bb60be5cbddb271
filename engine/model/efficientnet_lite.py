"""EfficientNet-Lite in Keras: EfficientNet without squeeze-and-excitation and with ReLU6."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.keras_setup.loaded import layers

STEM_WIDTH = 32
TOP_WIDTH = 1280
"""Both are the same in all of them: stem, head, and the depths of the first and the last stage are
not scaled up (README of EfficientNet-lite in the repository tensorflow/tpu)."""
WIDTH_STEP = 8
"""Every scaled width is a multiple of it."""


@dataclass(frozen=True, slots=True)
class Block:
    """One inverted residual block."""

    name: str
    kernel: int
    width_in: int
    width_out: int
    expand: int
    stride: int

    @property
    def residual(self) -> bool:
        """Whether its input is added to its output."""
        return self.stride == 1 and self.width_in == self.width_out


def scaled_blocks(width: float, depth: float) -> tuple[Block, ...]:
    """Return the blocks of the network whose stages are scaled by these two coefficients."""
    return tuple(_blocks(width, depth))


def _blocks(width: float, depth: float) -> Iterator[Block]:
    # kernel, repeats, width, expansion, stride of each stage: EfficientNet, table 1.
    stages = (
        (3, 1, 16, 1, 1),
        (3, 2, 24, 6, 2),
        (5, 2, 40, 6, 2),
        (3, 3, 80, 6, 2),
        (5, 3, 112, 6, 1),
        (5, 4, 192, 6, 2),
        (3, 1, 320, 6, 1),
    )
    width_in = STEM_WIDTH
    for number, (kernel, repeats, usual, expand, stride) in enumerate(stages, start=1):
        width_out = _scaled_width(usual * width)
        is_scaled = 1 < number < len(stages)
        for i in range(math.ceil(repeats * depth) if is_scaled else repeats):
            name = f"block{number}{chr(ord('a') + i)}"
            yield Block(name, kernel, width_in, width_out, expand, stride if i == 0 else 1)
            width_in = width_out


def _scaled_width(width: float) -> int:
    """Return the nearest multiple of WIDTH_STEP that is not more than a tenth below."""
    nearest = int(width + WIDTH_STEP / 2) // WIDTH_STEP * WIDTH_STEP
    return nearest if nearest >= 0.9 * width else nearest + WIDTH_STEP


LITE0_BLOCKS = scaled_blocks(1.0, 1.0)
LITE1_BLOCKS = scaled_blocks(1.0, 1.1)
LITE2_BLOCKS = scaled_blocks(1.1, 1.2)


def preprocess_lite(pixels: Any) -> Any:
    """Scale pixels as these weights were trained: (x - 127) / 128."""
    return layers.Rescaling(1 / 128, offset=-127 / 128, name="rescaling")(pixels)


def lite_features(x: Any, blocks: Sequence[Block]) -> Any:
    """Return the backbone up to its last activation.

    Args:
        x: float32 (batch, height, width, 3), preprocessed.
        blocks: between stem and top.

    Returns:
        float32 (batch, height / 32, width / 32, 1280), rounded up.
    """
    x = _convolve(x, STEM_WIDTH, 3, "stem_", stride=2)
    for block in blocks:
        x = _put_block(x, block)
    return _convolve(x, TOP_WIDTH, 1, "top_")


lite0_features = partial(lite_features, blocks=LITE0_BLOCKS)
lite1_features = partial(lite_features, blocks=LITE1_BLOCKS)
lite2_features = partial(lite_features, blocks=LITE2_BLOCKS)


def _put_block(x: Any, block: Block) -> Any:
    inputs = x
    if block.expand != 1:
        x = _convolve(x, block.width_in * block.expand, 1, f"{block.name}_expand_")
    x = layers.DepthwiseConv2D(
        block.kernel, block.stride, padding="same", use_bias=False, name=f"{block.name}_dwconv"
    )(x)
    x = _normalize(x, f"{block.name}_")
    x = layers.ReLU(6.0, name=f"{block.name}_relu6")(x)
    x = _convolve(x, block.width_out, 1, f"{block.name}_project_", activate=False)
    return layers.Add(name=f"{block.name}_add")([x, inputs]) if block.residual else x


def _convolve(
    x: Any, width: int, kernel: int, name: str, *, stride: int = 1, activate: bool = True
) -> Any:
    x = layers.Conv2D(width, kernel, stride, padding="same", use_bias=False, name=f"{name}conv")(x)
    x = _normalize(x, name)
    return layers.ReLU(6.0, name=f"{name}relu6")(x) if activate else x


def _normalize(x: Any, name: str) -> Any:
    return layers.BatchNormalization(epsilon=1e-3, momentum=0.99, name=f"{name}bn")(x)
