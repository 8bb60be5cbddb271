"""How far weights went, and that frozen ones did not."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from engine.training.movement import Movement


@pytest.fixture
def network() -> Any:
    """Two dense layers and a normalization with its moving statistics."""
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(4, name="first")(inputs)
    hidden = keras.layers.BatchNormalization(name="bn")(hidden)
    return keras.Model(inputs, keras.layers.Dense(2, name="last")(hidden))


def scale(network: Any, name: str, factor: float) -> None:
    layer = network.get_layer(name)
    layer.set_weights([weights * factor for weights in layer.get_weights()])


def watched(network: Any, *trains: str) -> Movement:
    movement = Movement(network)
    movement.freeze_applied(frozenset(trains))
    return movement


def test_a_change_is_told_relative_to_what_was(network: Any) -> None:
    movement = watched(network, "last")
    scale(network, "last", 1.1)
    told = movement.measure(1)
    assert told.epoch == 1
    assert told.moved == {"last": pytest.approx(0.1, rel=1e-5)}
    assert told.broken == ()
    assert movement.measure(2).moved == {}


def test_weights_that_were_zero_have_a_change_too(network: Any) -> None:
    layer = network.get_layer("last")
    layer.set_weights([np.zeros_like(weights) for weights in layer.get_weights()])
    movement = watched(network, "last")
    layer.set_weights([np.ones_like(weights) for weights in layer.get_weights()])
    assert movement.measure(1).moved == {"last": 1.0}


@pytest.mark.parametrize("name", ["first", "bn"])
def test_a_frozen_layer_that_moved_is_told(network: Any, name: str) -> None:
    movement = watched(network, "last")
    layer = network.get_layer(name)
    weights = layer.get_weights()
    weights[-1] = weights[-1] + np.float32(1e-7) * np.eye(1, weights[-1].size, dtype="float32")[0]
    layer.set_weights(weights)
    told = movement.measure(1)
    assert told.broken == (name,)
    assert told.moved[name] > 0
    assert movement.measure(2).broken == ()


def test_what_is_frozen_in_mid_epoch_has_moved_and_is_not_broken(network: Any) -> None:
    movement = watched(network, "first", "last")
    scale(network, "first", 1.5)
    movement.freeze_applied(frozenset({"last"}))
    told = movement.measure(1)
    assert told.moved == {"first": pytest.approx(0.5)}
    assert told.broken == ()
    scale(network, "first", 1.5)
    assert movement.measure(2).broken == ("first",)


def test_what_moved_between_freezing_and_the_epochs_end_is_told(network: Any) -> None:
    movement = watched(network, "first", "last")
    movement.freeze_applied(frozenset({"last"}))
    scale(network, "first", 1.5)
    assert movement.measure(1).broken == ("first",)


def test_what_moved_before_it_was_unfrozen_again_is_told(network: Any) -> None:
    movement = watched(network, "last")
    scale(network, "first", 1.5)
    movement.freeze_applied(frozenset({"first", "last"}))
    assert movement.measure(1).broken == ("first",)


def test_frozen_and_unfrozen_again_it_moves_from_the_epochs_begin(network: Any) -> None:
    movement = watched(network, "first")
    scale(network, "first", 2.0)
    movement.freeze_applied(frozenset())
    movement.freeze_applied(frozenset({"first"}))
    scale(network, "first", 2.0)
    assert movement.measure(1).moved == {"first": pytest.approx(3.0)}
