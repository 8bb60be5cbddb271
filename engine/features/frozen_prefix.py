"""The frozen prefix of a network: where it ends, and what after it stays in inference mode.

While the first layers are frozen they are a fixed function of the image. What is fixed reaches as
far as it can: a ReLU, a pooling or a locked BatchNormalization between the last frozen and the
first layer that trains belongs to it, and a wholly frozen backbone leaves its pooled vector. The
head's dropout and what follows it never do, so that the head trains under dropout.

The frontier is a cut through the fixed part: what is before it is computed once and kept. It need
not be at the very end: NASNet has nine tensors open there and only one a cell earlier.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.keras_setup.loaded import keras
from engine.model.blocks import HEAD_DROPOUT
from engine.model.graph import Call, calls, leaves
from engine.model.measure import call_flops

FLOPS_PER_BYTE = 50
"""Cost of a kept byte in FLOPs: a core computes about 50 while it fetches one from memory."""


@dataclass(frozen=True)
class Frontier:
    """A cut through a network in the current state of its layers."""

    cut: tuple[Any, ...]
    """The network's tensors (KerasTensor) that are kept; empty if nothing would be saved."""
    prefix: frozenset[str]
    """Names of the operations before it."""
    inference: frozenset[str]
    """Names of all operations that run in inference mode, though dropout trains elsewhere."""
    fixed: frozenset[str]
    """Names of all operations that depend on nothing that trains, before the cut or after it."""
    bytes_per_image: int


def find_frontier(network: keras.Model, max_bytes_per_image: float = math.inf) -> Frontier:
    """Find the cut that is cheapest per step: FLOPs left to compute plus bytes to fetch.

    Args:
        network: a functional model, with its layers' current state.
        max_bytes_per_image: the most that can be kept.
    """
    steps = calls(network)
    fixed = _fixed_calls(steps)
    names = frozenset(call.operation.name for call in fixed)
    inference = names | frozenset(_inference_names(steps))
    best = Frontier((), frozenset(), inference, names, 0)
    least = float(sum(call_flops(call) for call in fixed))
    for count, flops_left, cut in _cuts(steps, fixed):
        size = sum(_bytes(tensor) for tensor in cut)
        cost = flops_left + FLOPS_PER_BYTE * size
        if cost <= least and size <= max_bytes_per_image:
            prefix = frozenset(call.operation.name for call in fixed[:count])
            best, least = Frontier(cut, prefix, inference, names, size), cost
    return best


def _fixed_calls(steps: list[Call]) -> list[Call]:
    """Return the calls that depend on nothing that trains, in order."""
    inside: set[int] = set()
    fixed = []
    for call in steps:
        is_fixed = call.operation.name != HEAD_DROPOUT and not trains(call.operation)
        if is_fixed and all(id(tensor) in inside for tensor in call.inputs):
            inside.update(id(tensor) for tensor in call.outputs)
            fixed.append(call)
    return fixed


def _cuts(steps: list[Call], fixed: list[Call]) -> Iterator[tuple[int, int, tuple[Any, ...]]]:
    """Yield every cut after the first n fixed calls: n, the fixed FLOPs after it, its tensors."""
    readers = Counter(id(tensor) for call in steps for tensor in call.inputs)
    left = sum(call_flops(call) for call in fixed)
    total = left
    open_tensors: dict[int, Any] = {}
    for count, call in enumerate(fixed, start=1):
        for tensor in call.inputs:
            readers[id(tensor)] -= 1
            if not readers[id(tensor)]:
                open_tensors.pop(id(tensor), None)
        open_tensors.update({id(tensor): tensor for tensor in call.outputs})
        left -= call_flops(call)
        if left < total:  # resizing and scaling alone are not worth keeping
            yield count, left, tuple(open_tensors.values())


def _inference_names(steps: list[Call]) -> Iterator[str]:
    """Yield operations without weights whose nearest layer with weights before them is frozen.

    A frozen EfficientNet called as `fit` calls it still drops connections at random, so that two
    calls on one batch differ by 15 %. A BatchNormalization between them does not count: it is
    locked in blocks that train.
    """
    live: dict[int, bool] = {}
    for call in steps:
        state = any(live.get(id(tensor), False) for tensor in call.inputs)
        operation = call.operation
        if operation.name == HEAD_DROPOUT or trains(operation):
            state = True
        elif _has_weights(operation) and not isinstance(operation, keras.layers.BatchNormalization):
            state = False
        elif not state:
            yield operation.name
        live.update({id(tensor): state for tensor in call.outputs})


def trains(operation: Any) -> bool:
    """Return whether training would change any of its weights, moving statistics included."""
    if not isinstance(operation, keras.Layer):
        return False
    return any(
        bool(leaf.trainable_variables)
        or (leaf.trainable and isinstance(leaf, keras.layers.BatchNormalization))
        for leaf in leaves(operation)
    )


def _has_weights(operation: Any) -> bool:
    return isinstance(operation, keras.Layer) and bool(operation.weights)


def _bytes(tensor: Any) -> int:
    size = 2 if "16" in tensor.dtype else 1 if tensor.dtype == "uint8" else 4
    return size * int(math.prod(side or 1 for side in tensor.shape[1:]))
