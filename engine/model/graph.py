"""The graph of a network: its calls in order, its leaf layers.

A network's `layers` omit bare operations (MobileNetV3, ConvNeXt, preprocessing), and hold
Sequentials that are layers themselves (ConvNeXt); everything here walks the calls instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.keras_setup.loaded import keras

Shape = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one operation in a network."""

    operation: Any
    """A `keras.Operation`: a layer or a bare operation."""
    inputs: tuple[Any, ...]
    """The tensors it reads."""
    outputs: tuple[Any, ...]
    """The tensors it makes."""
    arguments: Any
    """Its arguments: Keras' own record, which fills tensors into them."""


def calls(network: keras.Model) -> list[Call]:
    """Return the calls of a functional network, inputs first, each after those it reads from."""
    # An operation gets another node whenever a sub-network is cut out of the graph, so its own
    # `input` and `output` become ambiguous; a network's own nodes remain those it runs.
    by_depth = network._nodes_by_depth
    nodes = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
    return [
        Call(n.operation, tuple(n.input_tensors), tuple(n.output_tensors), n.arguments)
        for n in nodes
    ]


def leaves(layer: Any) -> Iterator[Any]:
    """Yield the leaves below a layer, which hold no layers, in order; a leaf yields itself."""
    children = getattr(layer, "layers", None)
    if children is None:
        yield layer
        return
    for child in children:
        yield from leaves(child)


def containers(layer: Any) -> Iterator[Any]:
    """Yield the layers below a layer, itself included, that hold layers; outermost first."""
    children = getattr(layer, "layers", None)
    if children is None:
        return
    yield layer
    for child in children:
        yield from containers(child)


def leaf_shapes(call: Call) -> Iterator[tuple[Any, Shape]]:
    """Yield the leaf layers that a call runs, in order, each with the shape of its output."""
    if getattr(call.operation, "layers", None) is None:
        yield call.operation, tuple(call.outputs[0].shape)
        return
    shape = tuple(call.inputs[0].shape)
    for leaf in leaves(call.operation):
        if not isinstance(leaf, keras.layers.InputLayer):
            shape = tuple(leaf.compute_output_shape(shape))
            yield leaf, shape


def leaf_layers(network: keras.Model) -> dict[str, Any]:
    """Return the leaf layers of a network by name, in its order, without its inputs."""
    real = (leaf for leaf in leaves(network) if not isinstance(leaf, keras.layers.InputLayer))
    return {leaf.name: leaf for leaf in real}


def own_weights(layer: Any) -> list[Any]:
    """Return the weights that a layer trains while it is trainable."""
    # `trainable_variables` is empty while the layer is frozen, whatever its weights.
    return list(layer._trainable_variables)
