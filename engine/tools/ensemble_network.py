"""One network of several: over all of them, with the mean of their outputs, or of their weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.keras_setup.loaded import keras

if TYPE_CHECKING:
    from numpy.typing import NDArray

BATCH_SIZE = 32
"""Images at a time: what Keras' `predict` takes by itself, so that it gives the same to the bit."""
NAME = "ensemble"

Weights = list[Any]
"""The arrays of a network, in its order."""


def with_mean_output(networks: Sequence[keras.Model], shape: tuple[int, ...]) -> keras.Model:
    """Return a network over others whose output is the mean of theirs; their layers are shared.

    Args:
        networks: each uint8 images (batch, height, width, 3) to probabilities (batch, classes).
        shape: (height, width, 3) of the images that it takes; a network of another size gets them
            resized.
    """
    images = keras.Input(shape, dtype="uint8", name="images")
    outputs = [
        # Each is a layer now, whose name must be its own, as two may be of one architecture.
        keras.Model(network.inputs[0], network.outputs[0], name=f"member_{number}_{network.name}")(
            _resized(images, network.input_shape[1:3])
        )
        for number, network in enumerate(networks, 1)
    ]
    mean = keras.layers.Average(name="average")(outputs) if len(outputs) > 1 else outputs[0]
    return keras.Model(images, mean, name=NAME)


def _resized(images: Any, size: tuple[int, int]) -> Any:
    """Return images of this height and width, as whole pixels again."""
    if tuple(images.shape[1:3]) == tuple(size):
        return images
    pixels = keras.ops.image.resize(
        keras.ops.cast(images, "float32"), size, interpolation="lanczos3", antialias=True
    )
    return keras.ops.cast(keras.ops.round(keras.ops.clip(pixels, 0.0, 255.0)), "uint8")


def mean_weights(sets: Sequence[Weights]) -> Weights:
    """Return the mean of each array over networks of one architecture; whole numbers of the first.

    Args:
        sets: of each network, `get_weights()`; arrays of equal shapes.
    """
    return [_mean(arrays) for arrays in zip(*sets, strict=True)]


def _mean(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    first = arrays[0]
    if not np.issubdtype(first.dtype, np.floating):
        return first
    mean: NDArray[Any] = np.mean(np.stack(arrays), axis=0, dtype=np.float64).astype(first.dtype)
    return mean


def have_same_shapes(sets: Sequence[Weights]) -> bool:
    """Return whether networks have the same arrays, in the same order."""
    return len({tuple((array.shape, array.dtype.str) for array in each) for each in sets}) <= 1


def predict(
    network: keras.Model, images: NDArray[np.uint8], tell: Callable[[int], None]
) -> NDArray[np.float32]:
    """Return the probabilities of images, (n, classes).

    Args:
        network: what predicts.
        images: uint8 (n, height, width, 3), n at least 1.
        tell: called after each batch with the images that are done.
    """
    parts = []
    for start in range(0, len(images), BATCH_SIZE):
        batch = images[start : start + BATCH_SIZE]
        parts.append(np.asarray(network.predict_on_batch(batch), np.float32))
        tell(start + len(batch))
    return np.concatenate(parts)
