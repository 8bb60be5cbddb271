"""Depth, multiply-adds and parameters of a network."""

from __future__ import annotations

import math
from typing import Any

from engine.keras_setup.loaded import keras
from engine.model.build import Classifier
from engine.model.graph import Call, Shape, calls, leaf_shapes
from engine.protocol.facts import ModelFacts

_KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel")


def _kernels(layer: Any) -> list[Any]:
    """Return the kernels of a convolution or a dense layer; a separable convolution has two."""
    # DepthwiseConv2D has its kernel as both `kernel` and `depthwise_kernel`.
    found = (getattr(layer, name, None) for name in _KERNELS)
    return list({id(kernel): kernel for kernel in found if kernel is not None}.values())


def measure_depth(network: keras.Model) -> int:
    """Count convolutions, depthwise convolutions and dense layers on the longest path."""
    depths: dict[int, int] = {}
    for call in calls(network):
        before = max((depths.get(id(tensor), 0) for tensor in call.inputs), default=0)
        own = sum(len(_kernels(layer)) for layer, _ in leaf_shapes(call))
        for tensor in call.outputs:
            depths[id(tensor)] = before + own
    return max(depths.get(id(tensor), 0) for tensor in network.outputs)


def measure_flops(network: keras.Model) -> int:
    """Return 2 × the multiply-adds of convolutions and dense layers for one image, no biases."""
    return sum(call_flops(call) for call in calls(network))


def call_flops(call: Call) -> int:
    """Return 2 × the multiply-adds of a call's convolutions and dense layers for one image."""
    return sum(leaf_flops(layer, shape) for layer, shape in leaf_shapes(call))


def leaf_flops(layer: Any, shape: Shape) -> int:
    """Return 2 × the multiply-adds of one call of a leaf with this output shape, for one image."""
    # Of (batch, ..., channels): every kernel is applied once per position.
    positions = math.prod(size or 1 for size in shape[1:-1])
    return sum(2 * math.prod(kernel.shape) * positions for kernel in _kernels(layer))


def model_facts(classifier: Classifier, image_size: int) -> ModelFacts:
    """Return what is known of a classifier before it trains; `image_size` in pixels."""
    return ModelFacts(
        parameters=classifier.network.count_params(),
        depth=measure_depth(classifier.network),
        flops=measure_flops(classifier.network),
        image_size=image_size,
        backbone_layers=classifier.backbone_layers,
    )
