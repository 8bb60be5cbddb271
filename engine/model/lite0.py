"""EfficientNet-Lite0 in Keras: EfficientNet-B0 without squeeze-and-excitation and with ReLU6."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.keras_setup.loaded import layers

STEM_WIDTH = 32
TOP_WIDTH = 1280


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


def _blocks() -> Iterator[Block]:
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
    for number, (kernel, repeats, width, expand, stride) in enumerate(stages, start=1):
        for i in range(repeats):
            name = f"block{number}{chr(ord('a') + i)}"
            yield Block(name, kernel, width_in, width, expand, stride if i == 0 else 1)
            width_in = width


BLOCKS = tuple(_blocks())


def preprocess_lite0(pixels: Any) -> Any:
    """Scale pixels as these weights were trained: (x - 127) / 128."""
    return layers.Rescaling(1 / 128, offset=-127 / 128, name="rescaling")(pixels)


def lite0_features(x: Any) -> Any:
    """Return the backbone up to its last activation.

    Args:
        x: float32 (batch, height, width, 3), preprocessed.

    Returns:
        float32 (batch, height / 32, width / 32, 1280), rounded up.
    """
    x = _convolve(x, STEM_WIDTH, 3, "stem_", stride=2)
    for block in BLOCKS:
        x = _put_block(x, block)
    return _convolve(x, TOP_WIDTH, 1, "top_")


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
