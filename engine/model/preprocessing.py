"""Compare what reaches a backbone with what its weights were trained on.

A wrong scale or channel order raises nothing and costs a few points of accuracy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.backbones.entry import Backbone
from engine.keras_setup.loaded import keras
from engine.model.build import Classifier
from engine.protocol.events import LogLine

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHECKED_IMAGES = 32
TOLERANCE = 0.05
"""Tolerance of a channel's mean, of the expected range: resizing weighs edges differently."""


def check_input(
    backbone: Backbone, classifier: Classifier, images: NDArray[np.uint8]
) -> LogLine | None:
    """Send images through the network's preprocessing; None for one without published weights.

    Args:
        backbone: the catalogue's entry.
        classifier: the network that trains.
        images: uint8 (n, height, width, 3), n at least 1.

    Returns:
        A line of level `info` if each channel's mean is as expected, else of level `error`.
    """
    import numpy as np

    expected = backbone.expects
    if expected is None or not classifier.backbone:
        return None
    network = classifier.network
    probe: Any = keras.Model(network.input, network.get_layer(classifier.backbone[0]).input)
    arrived = keras.ops.convert_to_numpy(keras.ops.cast(probe(images, training=False), "float32"))
    wanted, found = expected.of(images.mean(axis=(0, 1, 2))), arrived.mean(axis=(0, 1, 2))
    tolerance = TOLERANCE * (max(expected.of((255,) * 3)) - min(expected.of((0,) * 3)))
    if np.allclose(found, wanted, rtol=0, atol=tolerance):
        figures = f"{arrived.min():.3g} to {arrived.max():.3g} for {expected.words}"
        text = f"{backbone.name}: input check passed ({figures}, {expected.order})"
        return LogLine(level="info", text=text)
    text = (
        f"{backbone.name}: input check failed: its weights expect {expected.words}, "
        f"{expected.order}, so channel means of {_triple(wanted)}, and receive {_triple(found)}"
    )
    return LogLine(level="error", text=text)


def _triple(values: Any) -> str:
    return "(" + ", ".join(f"{value:.3g}" for value in values) + ")"
