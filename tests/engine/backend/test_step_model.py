"""The step's model: one form of the suffix for gradients, another without them."""

from __future__ import annotations

import keras
import numpy as np

from engine.backend.step_model import step_model
from engine.model.subgraph import Forward


def test_what_is_evaluated_is_not_the_form_that_trains() -> None:
    inputs = keras.Input((4,))
    wide = keras.layers.Dense(3)(inputs)
    network = keras.Model(inputs, keras.layers.Dense(2)(wide))
    trained = Forward(network, network.inputs, network.outputs)
    evaluated = Forward(network, network.inputs, [wide])
    rows = np.ones((5, 4), np.float32)
    model = step_model(network, None, trained, 0.0, evaluated)
    assert model(rows, training=True).shape == (5, 2)
    assert model(rows, training=False).shape == (5, 3)
    alone = step_model(network, None, trained, 0.0)
    assert alone(rows, training=False).shape == (5, 2)
