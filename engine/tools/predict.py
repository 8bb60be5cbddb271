"""Predictions of a finished run: the five most probable classes of any image."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.backend.devices import choose_device, on_device
from engine.datasets.image_file import decode_image
from engine.datasets.sample_ranges import scaling
from engine.errors import InputError
from engine.runs.listing import RunRecord, check_exported
from engine.runs.reading import recorded_data

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TOP = 5


@dataclass(frozen=True, eq=False, slots=True)
class Prediction:
    """The prediction of a model for one image."""

    path: Path | None
    """The file; None of a test image that is in none."""
    name: str
    """The path as a text; of a test image in no file its data set and number: `cifar10/test/42`."""
    classes: tuple[tuple[str, float], ...]
    """The five most probable classes, most probable first, each with its probability."""
    pixels: NDArray[np.uint8] = field(repr=False)
    """(height, width, 3): the image as the model saw it."""
    note: str = ""
    """What the user should know about how its samples were scaled."""
    truth: str = ""
    """The class that a test image shows; empty for an image file, of which it is not known."""


class Predictor:
    """A run's exported model, loaded once for any number of images."""

    def __init__(self, run: RunRecord) -> None:
        """Load `model.keras`; takes seconds where TensorFlow is not loaded yet.

        Raises:
            InputError: the run has exported no model, or one that cannot be read.
        """
        self._run = run
        # One image is quick on the CPU, and a training running alongside keeps its GPU's memory.
        self._device = "cpu:0"
        self._model = load_model(run, self._device)
        shape = self._model.input_shape
        self._height, self._width = int(shape[1]), int(shape[2])
        self._names = class_names(run, int(self._model.output_shape[-1]))
        self._data = data = recorded_data(run.directory.events)
        self._ranges = data.ranges if data is not None else ()
        self._range_of = scaling(self._ranges)

    def predict(self, image: Path) -> Prediction:
        """Return the five most probable classes of an image file of any size and mode.

        Raises:
            InputError: it cannot be read as an image, or the model fails at it.
        """
        decoded = decode_image(image, self._height, self._width, self._range_of)
        classes = self._classify(str(image), decoded.pixels)
        return Prediction(image, str(image), classes, decoded.pixels, self._note(decoded.format))

    def predict_test_image(
        self, choose: Callable[[Sequence[int]], int] = random.choice
    ) -> Prediction:
        """Return the five most probable classes of one of the run's test images, and the true one.

        Args:
            choose: returns one of the images' numbers; at random as a rule.

        Raises:
            InputError: the test images are not on this machine, or are others by now.
        """
        from engine.analysis.test_images import read_test_split

        spec = self._run.file.spec
        split = read_test_split(spec, self._data)
        number = choose(range(len(split.images)))
        pixels = split.images[number]
        path = Path(spec.data_path or "", split.files[number]) if split.files else None
        name = str(path) if path is not None else f"{spec.dataset}/test/{number}"
        truth = split.class_names[split.labels[number]]
        return Prediction(path, name, self._classify(name, pixels), pixels, truth=truth)

    def _classify(self, image: str, pixels: NDArray[np.uint8]) -> tuple[tuple[str, float], ...]:
        import numpy as np

        try:
            with on_device(self._device):
                predicted = self._model.predict_on_batch(pixels[np.newaxis])
        # A backend may raise anything, above all when memory runs out.
        except Exception as error:
            found = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:120]}"
            raise InputError("", "the model to classify it", found, place=image) from error
        probabilities = np.asarray(predicted)[0]
        if not np.isfinite(probabilities).all():
            found = f"NaN or infinity from the model of {self._run.run_id}"
            raise InputError("", "finite probabilities", found, "train it again", place=image)
        order = np.argsort(-probabilities, kind="stable")[:TOP]
        return tuple((self._names[i], float(probabilities[i])) for i in order)

    def _note(self, kind: str) -> str:
        """Return how samples of more than 8 bits were scaled where the run does not record it."""
        if not kind:
            return ""
        if self._ranges is None:
            return (
                f"{kind} image scaled by its own largest sample, as when this run was recorded; "
                "one odd pixel can change the answer: train again"
            )
        if all(each.format != kind for each in self._ranges):
            return f"{kind} image scaled by itself: the run was trained on none of this format"
        return ""


def load_model(run: RunRecord, device: str | None = None) -> Any:
    """Return a run's exported Keras model: uint8 images in, probabilities out.

    Args:
        run: a finished one.
        device: as `engine.backend.devices.choose_device` returns it; the best one when None.

    Raises:
        InputError: the run is not finished, or its model cannot be read.
    """
    path = run.directory.model
    check_exported(run)
    # Before the first tensor: TensorFlow would take all of a GPU's memory.
    best = choose_device("auto")
    from engine.keras_setup.loaded import keras

    try:
        with on_device(device or best):
            model = keras.models.load_model(path, compile=False)
        shape, classes = model.input_shape, model.output_shape[-1]
        if len(shape) != 4 or shape[3] != 3 or None in shape[1:] or classes is None:
            raise ValueError(f"images {shape}")
    # Keras may raise anything on a damaged archive.
    except Exception as error:
        raise InputError(
            "",
            f"an image classifier in {path.name}",
            f"something that Keras cannot load ({type(error).__name__})",
            "train the run again",
            place=run.run_id,
        ) from error
    return model


def class_names(run: RunRecord, classes: int) -> tuple[str, ...]:
    """Return the names of a run's classes as it recorded them; numbers where it did not."""
    data = recorded_data(run.directory.events)
    if data is not None and len(data.class_names) == classes:
        return data.class_names
    return tuple(f"class {i}" for i in range(classes))
