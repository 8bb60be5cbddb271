"""Compare what reaches a backbone with what its weights were trained on.

A wrong scale or channel order raises nothing and costs a few points of accuracy: it is measured,
on a batch of the run's own images and on images of one colour, through the network that trains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.backbones.entry import Backbone, ExpectedInput
from engine.protocol.events import LogLine

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.model.build import Classifier

PROBED_IMAGES = 32
_TOLERANCE = 0.02
"""Tolerance of the expected range: half precision rounds 255 to within 1."""


_COLOURS = {"black": (0, 0, 0), "white": (255, 255, 255), "red": (255, 0, 0)}


def probe_preprocessing(
    backbone: Backbone, classifier: Classifier, images: NDArray[np.uint8]
) -> LogLine | None:
    """Measure what reaches the backbone; None for one without published weights.

    Args:
        backbone: the catalogue's entry.
        classifier: the network that trains.
        images: uint8 (n, height, width, 3), n at least 1.

    Returns:
        A line of level `info` if it is as expected, else of level `error`.
    """
    import numpy as np

    expected = backbone.expects
    if expected is None or not classifier.backbone:
        return None
    colours = np.empty((len(_COLOURS), *images.shape[1:]), "uint8")
    colours[:] = np.array(list(_COLOURS.values()), "uint8")[:, None, None]
    arrived = _arriving(classifier, np.concatenate([colours, images[:PROBED_IMAGES]]))
    measured = arrived[: len(colours)].mean(axis=(1, 2))
    wrong = _differences(expected, measured)
    real = arrived[len(colours) :]
    figures = f"min {real.min():.3g}, mean {real.mean():.3g}, max {real.max():.3g}"
    text = f"{backbone.name} receives {figures}, channels {_order(measured)}"
    wanted = f"{expected.words}, {expected.order}"
    if wrong:
        return LogLine(
            level="error",
            text=f"preprocessing mismatch: {text}; its weights expect {wanted}: {wrong}",
        )
    return LogLine(level="info", text=f"{text}, as its weights expect ({wanted})")


def _arriving(classifier: Classifier, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the input of the backbone's first layer, float32 (n, height, width, 3)."""
    from engine.keras_setup.loaded import keras

    network = classifier.network
    first = network.get_layer(classifier.backbone[0])
    probe: Any = keras.Model(network.input, first.input)
    arrived: NDArray[np.float32] = keras.ops.convert_to_numpy(
        keras.ops.cast(probe(images, training=False), "float32")
    )
    return arrived


def _differences(expected: ExpectedInput, measured: NDArray[np.float32]) -> str:
    """Return a phrase of what arrives other than expected; empty if nothing does."""
    import numpy as np

    tolerance = _TOLERANCE * (max(expected.of((255,) * 3)) - min(expected.of((0,) * 3)))
    for (name, colour), found in zip(_COLOURS.items(), measured, strict=True):
        wanted = expected.of(colour)
        if not np.allclose(found, wanted, rtol=0, atol=tolerance):
            return f"{name} arrives as {_triple(found)} instead of {_triple(wanted)}"
    return ""


def _triple(values: Any) -> str:
    return "(" + ", ".join(f"{value:.3g}" for value in values) + ")"


def _order(measured: NDArray[np.float32]) -> str:
    """Return the channel order, by where red is furthest above black."""
    black, red = measured[0], measured[2]
    return ("RGB", "mixed", "BGR")[int((red - black).argmax())]
