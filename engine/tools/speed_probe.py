"""The speed of this machine, measured in a few seconds by a process of its own.

`python -m engine.tools.speed_probe` prints one JSON object. It is a process of its own, since
loading Keras would block the screen that asks, and so that its memory is freed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from typing import Any

from engine.common.codec import to_plain

SECONDS = 3.0
"""Time of measuring both networks together; loading and tracing come on top."""
BATCH = 64
SIZE = 48


@dataclass(frozen=True, slots=True)
class Speed:
    """FLOPs a second, forwards, of the two kinds of networks."""

    dense: float
    """Speed of plain convolutions, as in VGG and ResNet."""
    separable: float
    """Speed of depthwise ones, as in MobileNet and EfficientNet: they wait for memory."""
    device: str


def measure(seconds: float = SECONDS) -> Speed:
    """Measure each kind of network for half of the time."""
    from engine.backend import devices as backend

    device = backend.choose_device("auto")
    with backend.on_device(device):
        dense, separable = (_flops_per_second(kind, seconds / 2) for kind in (False, True))
    return Speed(dense=dense, separable=separable, device=device)


def _flops_per_second(is_separable: bool, seconds: float) -> float:
    import numpy as np

    from engine.keras_setup.loaded import keras
    from engine.model.measure import measure_flops

    network = _network(is_separable)
    images = np.zeros((BATCH, SIZE, SIZE, 3), "float32")
    network.predict_on_batch(images)
    batches, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        network.predict_on_batch(images)
        batches += 1
    flops = measure_flops(network)
    keras.backend.clear_session()
    return flops * BATCH * batches / spent


def _network(is_separable: bool) -> Any:
    from engine.keras_setup.loaded import keras, layers

    inputs = keras.Input((SIZE, SIZE, 3))
    x = layers.Conv2D(64, 3, strides=2, padding="same", activation="relu")(inputs)
    for _ in range(4):
        if is_separable:
            x = layers.Conv2D(192, 1, activation="relu")(x)
            x = layers.DepthwiseConv2D(3, padding="same", activation="relu")(x)
            x = layers.Conv2D(64, 1)(x)
        else:
            x = layers.Conv2D(64, 3, padding="same", activation="relu")(x)
    return keras.Model(inputs, layers.GlobalAveragePooling2D()(x))


if __name__ == "__main__":
    os.nice(10)
    sys.stdout.write(json.dumps(to_plain(measure())) + "\n")
