"""The frozen prefix of a network: where it ends, and the network cut in two there.

While the first layers are frozen they are a fixed function of the image. The cut stands as late
as it can: a ReLU, a pooling or a locked BatchNormalization between the last frozen and the first
layer that trains belongs to the prefix, and a wholly frozen backbone leaves its pooled vector.
The head's dropout and what follows it never do, so that the head trains under dropout.

A feature cache can run `prefix.predict` once, keep what it gives (an array, or a list of arrays
where the graph needs several cut tensors) and train `suffix` on it in that same structure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from engine.model.build import HEAD_DROPOUT
from engine.model.graph import Call, calls, leaves
from engine.model.measure import measure_flops


@dataclass(frozen=True)
class Split:
    """A network in two parts that share its layers: `suffix(prefix(images))` is the whole."""

    prefix: keras.Model | None
    """From images to the cut tensors, frozen throughout; None where nothing would be saved."""
    suffix: keras.Model
    """From the cut tensors to probabilities; the network itself without a prefix."""


def split_at_frontier(network: keras.Model) -> Split:
    """Cut a network behind everything that is frozen now, by the layers' present state."""
    steps = calls(network)
    inside = _prefix_tensors(steps)
    needed = [tensor for call in steps if not _within(call, inside) for tensor in call.inputs]
    cut = list({id(t): t for t in [*needed, *network.outputs] if id(t) in inside}.values())
    if not cut:
        return Split(None, network)
    tensors = cut[0] if len(cut) == 1 else cut
    prefix = keras.Model(network.inputs[0], tensors, name=f"{network.name}_prefix")
    if measure_flops(prefix) == 0:  # resizing and scaling alone
        return Split(None, network)
    suffix = keras.Model(tensors, network.outputs[0], name=f"{network.name}_suffix")
    return Split(prefix, suffix)


def _prefix_tensors(steps: list[Call]) -> set[int]:
    """The ids of all tensors that depend on nothing that trains."""
    inside: set[int] = set()
    for call in steps:
        fixed = call.operation.name != HEAD_DROPOUT and not _trains(call.operation)
        if fixed and all(id(tensor) in inside for tensor in call.inputs):
            inside.update(id(tensor) for tensor in call.outputs)
    return inside


def _trains(operation: Any) -> bool:
    """Whether training would change any weight of it, moving statistics included."""
    if not isinstance(operation, keras.Layer):
        return False
    return any(
        bool(leaf.trainable_variables)
        or (leaf.trainable and isinstance(leaf, keras.layers.BatchNormalization))
        for leaf in leaves(operation)
    )


def _within(call: Call, inside: set[int]) -> bool:
    return all(id(tensor) in inside for tensor in call.outputs)


class FrozenPrefixModel(keras.Model):  # type: ignore[misc]  # Keras has no types
    """Runs the prefix in inference mode whatever the suffix does; for training, never exported.

    A frozen EfficientNet called as `fit` calls it still drops connections at random, so that two
    calls on one batch differ by 15 %.
    """

    def __init__(self, split: Split) -> None:
        super().__init__()
        self.prefix = split.prefix
        self.suffix = split.suffix
        self.built = True

    def call(self, x: Any, training: bool | None = None) -> Any:
        """Probabilities (batch, classes) of images uint8 (batch, height, width, 3)."""
        if self.prefix is not None:
            x = keras.tree.map_structure(keras.ops.stop_gradient, self.prefix(x, training=False))
        return self.suffix(x, training=training)
