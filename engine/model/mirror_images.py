"""A network that averages what it predicts for an image and for its mirror image."""

from __future__ import annotations

from engine.keras_setup.loaded import keras, ops
from engine.model.subgraph import Forward

AXIS = 2
"""Of (batch, height, width, channels): mirrored are the columns."""


def with_mirror_images(network: keras.Model) -> keras.Model:
    """Return a network over the same layers that predicts the mean over both views of an image.

    The layers are called once more, so that a layer of it has two outputs from then on.

    Args:
        network: from images (batch, height, width, 3) to probabilities (batch, classes).
    """
    (images,), (seen,) = network.inputs, network.outputs
    (mirrored,) = Forward(network, [images], [seen])([ops.flip(images, axis=AXIS)])
    return keras.Model(images, (seen + mirrored) / 2, name=network.name)
