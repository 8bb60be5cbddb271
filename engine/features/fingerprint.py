"""What the features of a prefix depend on: the graph up to the cut, its weights, the versions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.backend.devices import kernels
from engine.keras_setup.loaded import keras
from engine.model.graph import Call, calls
from engine.model.subgraph import needed_calls

PLAIN = (str, int, float, bool, tuple, list, type(None))
TRAINING_ONLY = ("trainable", "name", "seed", "momentum", "synchronized")
TRAINING_ONLY_ENDINGS = ("_initializer", "_regularizer", "_constraint")
"""Settings of a layer that change no value of a frozen one in inference mode."""


def prefix_digest(network: keras.Model, cut: Sequence[Any]) -> str:
    """Return the SHA-256 (hex) of all that turns an image into the cut tensors.

    Args:
        network: a functional model, with its current weights.
        cut: its tensors (KerasTensor) that are kept.
    """
    digest = hashlib.sha256(kernels().encode())
    places: dict[int, int] = {}
    steps = needed_calls(calls(network), (), tuple(cut))
    for call in steps:
        digest.update(_describe(call, places).encode())
        for tensor in call.outputs:
            places[id(tensor)] = len(places)
        for weight in getattr(call.operation, "weights", ()):
            array = np.ascontiguousarray(weight.numpy())
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(array.data)
    digest.update(str([places[id(tensor)] for tensor in cut]).encode())
    return digest.hexdigest()


def _describe(call: Call, places: dict[int, int]) -> str:
    """Return the operation, its settings and what it reads, the same in every process."""
    operation = call.operation
    if isinstance(operation, keras.Layer):
        settings = _of_values(operation.get_config())
    else:
        public = ((k, v) for k, v in vars(operation).items() if not k.startswith("_"))
        settings = {k: v for k, v in public if isinstance(v, PLAIN)}
    inputs = [places.get(id(tensor), -1) for tensor in call.inputs]
    constants = [
        np.asarray(value).tolist()
        for value in keras.tree.flatten((call.arguments.args, call.arguments.kwargs))
        if not isinstance(value, keras.KerasTensor)
    ]
    parts = (type(operation).__name__, settings, inputs, constants)
    return json.dumps(parts, sort_keys=True, default=str)


def _of_values(settings: Any) -> Any:
    """Return a layer's settings, at any depth, without those that cannot change its output."""
    if isinstance(settings, dict):
        return {
            # The name of a dtype policy is the dtype.
            key: value if key == "dtype" else _of_values(value)
            for key, value in settings.items()
            if key not in TRAINING_ONLY and not str(key).endswith(TRAINING_ONLY_ENDINGS)
        }
    if isinstance(settings, (list, tuple)):
        return [_of_values(value) for value in settings]
    return settings
