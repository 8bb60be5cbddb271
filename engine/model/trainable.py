"""What trains: chosen, applied to the leaf layers, and read back from the variables."""

from __future__ import annotations

import math
from typing import Any

from engine.keras_setup.loaded import keras
from engine.model.build import Classifier
from engine.model.graph import containers, leaf_layers, leaves


def select_last(classifier: Classifier, last: int | None) -> frozenset[str]:
    """Return the leaf layers of the head and of the backbone's last layers.

    Args:
        classifier: one without a backbone is selected whole.
        last: how many, as `backbone.layers[-last:]` counts them; None for all.
    """
    network = classifier.network
    if not classifier.backbone:
        return frozenset(leaf_layers(network))
    names = classifier.backbone
    chosen = names if last is None else names[max(0, len(names) - last) :]
    tops = (network.get_layer(name) for name in (*chosen, *classifier.head))
    selected = {leaf.name for top in tops for leaf in leaves(top)}
    return frozenset(selected & leaf_layers(network).keys())


def describe_selection(classifier: Classifier, last: int | None) -> str:
    """Return a phrase of what `select_last` selects: `head`, `last 30 layers`, `all 19 layers`."""
    if not classifier.backbone:
        return "all layers"
    if last is None or last >= classifier.backbone_layers:
        return f"all {classifier.backbone_layers} layers"
    if last == 0:
        return "head"
    return "last layer" if last == 1 else f"last {last} layers"


def apply_trainable(classifier: Classifier, names: frozenset[str], *, locked: bool) -> None:
    """Let exactly these leaf layers train.

    Compile afterwards, or the change has no effect.

    Args:
        classifier: changed in place.
        names: the leaf layers that train; all others freeze.
        locked: whether every BatchNormalization of the backbone stays in inference mode, named
            or not; else it is treated as any layer.
    """
    network = classifier.network
    # Setting a container's state overwrites its leaves', and a frozen one hides theirs.
    for container in containers(network):
        container.trainable = True
    tops = (network.get_layer(name) for name in classifier.backbone)
    backbone = {leaf.name for top in tops for leaf in leaves(top)}
    for name, layer in leaf_layers(network).items():
        is_norm = name in backbone and isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = name in names and not (locked and is_norm)


def trainable_names(network: keras.Model, variables: list[Any]) -> tuple[str, ...]:
    """Return the leaf layers that hold any of these variables, in the network's order.

    Args:
        network: whose layers they are.
        variables: those that an optimizer updates.
    """
    training = {id(variable) for variable in variables}
    return tuple(
        name
        for name, layer in leaf_layers(network).items()
        if any(id(weight) in training for weight in layer.weights)
    )


def parameter_counts(network: keras.Model, variables: list[Any]) -> tuple[int, int]:
    """Return the parameters of these variables, and those of the network's other variables."""
    trainable = _count(variables)
    return trainable, _count(network.weights) - trainable


def _count(variables: list[Any]) -> int:
    return sum(math.prod(variable.shape) for variable in variables)
