"""A faster form of convolutions on TensorFlow's CPU, over the layers' own variables.

A locked BatchNormalization goes into the convolution before it (kernel × scale, + bias), which
lets TensorFlow fuse bias and ReLU6 into one kernel. 1×1 convolutions are matrix products, whose
gradients are several times faster. On maps of a few pixels a depthwise convolution is one small
matrix product per channel: oneDNN's gradient of its kernel takes ten times as long there.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import partial
from typing import Any

import numpy as np

from engine.keras_setup.loaded import keras
from engine.model.graph import Call
from engine.model.subgraph import Step, Values

DENSE_PIXELS = 36
"""Largest map on which depthwise convolutions become matrix products; measured break-even."""


def fuse(steps: list[Call], *, trains: bool) -> list[tuple[Call, Step | None]]:
    """Return the faster steps for these calls; a call fused into another is left out.

    Only float32 with channels last is changed; all else runs as it is.

    Args:
        steps: calls of a network.
        trains: whether gradients go through them.
    """
    readers = Counter(id(tensor) for call in steps for tensor in call.inputs)
    by_input = {id(tensor): call for call in steps for tensor in call.inputs}
    absorbed: set[int] = set()
    fused: list[tuple[Call, Step | None]] = []
    for call in steps:
        if id(call) in absorbed:
            continue
        norm = None
        if _is_plain_convolution(call.operation):
            reader = by_input.get(id(call.outputs[0]))
            if reader and readers[id(call.outputs[0])] == 1 and _is_locked_norm(reader.operation):
                norm = reader
                absorbed.add(id(reader))
        fused.append((call, _fused_step(call, norm, trains=trains)))
    return fused


fuse_training, fuse_inference = partial(fuse, trains=True), partial(fuse, trains=False)


def _is_plain_convolution(operation: Any) -> bool:
    """Return whether it is a convolution with channels last and nothing after it in the layer."""
    return (
        type(operation) in (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
        and operation.data_format == "channels_last"
        and operation.compute_dtype == "float32"
        and operation.activation is keras.activations.linear
        and tuple(operation.dilation_rate) == (1, 1)
        and getattr(operation, "groups", 1) == 1
        and operation.padding in ("same", "valid")
    )


def _is_locked_norm(operation: Any) -> bool:
    return (
        type(operation) is keras.layers.BatchNormalization
        and not operation.trainable
        and operation.axis in (-1, 3)
        and operation.compute_dtype == "float32"
    )


def _fused_step(call: Call, norm: Call | None, *, trains: bool) -> Step | None:
    layer = call.operation
    if not _is_plain_convolution(layer):
        return None
    becomes_product = trains and (_is_pointwise(layer) or _is_dense_depthwise(call))
    if norm is None and not becomes_product:
        return None
    convolve = _product(call) if becomes_product else _convolution(layer)
    source, target = call.inputs[0], (norm or call).outputs[0]
    normalization = norm.operation if norm else None

    def step(values: Values, training: bool) -> None:
        import tensorflow

        kernel, bias = layer.kernel, layer.bias if layer.use_bias else None
        if normalization is not None:
            kernel, bias = _fold(layer, normalization)
        made = convolve(values[id(source)], tensorflow.convert_to_tensor(kernel))
        if bias is not None:
            made = tensorflow.nn.bias_add(made, tensorflow.convert_to_tensor(bias))
        values[id(target)] = made

    return step


def _fold(layer: Any, norm: Any) -> tuple[Any, Any]:
    """Return kernel and bias of a convolution with its BatchNormalization folded in."""
    scale = keras.ops.rsqrt(norm.moving_variance + norm.epsilon)
    if norm.scale:
        scale = scale * norm.gamma
    bias = -norm.moving_mean * scale
    if norm.center:
        bias = bias + norm.beta
    if layer.use_bias:
        bias = bias + layer.bias * scale
    is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    shape = (*layer.kernel.shape[2:],) if is_depthwise else (-1,)
    return layer.kernel * keras.ops.reshape(scale, shape), bias


def _is_pointwise(layer: Any) -> bool:
    return (
        isinstance(layer, keras.layers.Conv2D)
        and tuple(layer.kernel_size) == (1, 1)
        and tuple(layer.strides) == (1, 1)
    )


def _is_dense_depthwise(call: Call) -> bool:
    layer, shape = call.operation, call.inputs[0].shape
    return (
        isinstance(layer, keras.layers.DepthwiseConv2D)
        and layer.depth_multiplier == 1
        and tuple(layer.strides) == (1, 1)
        and layer.padding == "same"
        and None not in shape[1:]
        and shape[1] * shape[2] <= DENSE_PIXELS
    )


def _convolution(layer: Any) -> Any:
    """Return the convolution of a layer as a function of images and kernel."""
    import tensorflow

    strides, padding = (1, *layer.strides, 1), layer.padding.upper()
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return lambda x, kernel: tensorflow.nn.depthwise_conv2d(x, kernel, strides, padding)
    return lambda x, kernel: tensorflow.nn.conv2d(x, kernel, strides, padding)


def _product(call: Call) -> Any:
    """Return a depthwise or pointwise convolution as matrix products."""
    if _is_pointwise(call.operation):
        return _pointwise
    return _dense_depthwise(tuple(call.inputs[0].shape[1:]), tuple(call.operation.kernel_size))


def _pointwise(x: Any, kernel: Any) -> Any:
    """Multiply (n, h, w, c) and (1, 1, c, d) to (n, h, w, d)."""
    import tensorflow

    channels, filters = kernel.shape[2:]
    rows = tensorflow.matmul(
        tensorflow.reshape(x, (-1, channels)), tensorflow.reshape(kernel, (channels, filters))
    )
    return tensorflow.reshape(rows, (-1, *x.shape[1:3], filters))


def _dense_depthwise(shape: tuple[int, int, int], kernel_size: tuple[int, int]) -> Any:
    """Return a depthwise convolution ("same") as a matrix product per channel over pixel pairs."""
    height, width, channels = shape
    pixels = height * width
    taps = tap_table(height, width, *kernel_size)

    def convolve(x: Any, kernel: Any) -> Any:
        import tensorflow

        by_tap = tensorflow.reshape(kernel, (math.prod(kernel_size), channels))
        matrices = tensorflow.matmul(by_tap, tensorflow.constant(taps), transpose_a=True)
        matrices = tensorflow.reshape(matrices, (channels, pixels, pixels))
        rows = tensorflow.transpose(tensorflow.reshape(x, (-1, pixels, channels)), (2, 0, 1))
        made = tensorflow.transpose(tensorflow.matmul(rows, matrices), (1, 2, 0))
        return tensorflow.reshape(made, (-1, height, width, channels))

    return convolve


def tap_table(height: int, width: int, kernel_height: int, kernel_width: int) -> Any:
    """Return which tap of a kernel leads from each input to each output pixel with "same" padding.

    Returns:
        float32 (taps, input pixels × output pixels) of 0 and 1.
    """
    top, left = (kernel_height - 1) // 2, (kernel_width - 1) // 2
    rows = np.arange(height)[:, None] - np.arange(height)[None, :] + top  # input, output
    columns = np.arange(width)[:, None] - np.arange(width)[None, :] + left
    tap = rows[:, None, :, None] * kernel_width + columns[None, :, None, :]
    inside = ((rows >= 0) & (rows < kernel_height))[:, None, :, None] & (
        (columns >= 0) & (columns < kernel_width)
    )[None, :, None, :]
    flat = np.where(inside, tap, -1).reshape(-1)
    return (flat[None] == np.arange(kernel_height * kernel_width)[:, None]).astype("float32")
