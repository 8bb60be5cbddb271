"""Writers and checkers of the formats of `engine.tools.export_formats`.

A writer takes a run and the path to write to. A checker takes the run and the path written, and
predicts with what is there: any error in writing shows in the probabilities.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.common.text import one_line_name
from engine.errors import InputError
from engine.runs.image_files import tested_files
from engine.runs.listing import RunRecord
from engine.tools.predict import class_names, load_model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHECKED_IMAGES = 256
METRICS, PREDICTIONS = "metrics.csv", "predictions.csv"
Predict = Callable[[Any], Any]
"""uint8 images (n, height, width, 3) to probabilities (n, classes)."""


class Check(NamedTuple):
    """The agreement of what was written with the run."""

    images: int
    """Images predicted."""
    largest_difference: float
    """Largest difference of any probability."""
    against: str
    """A phrase of what it was compared with."""


def check_model(run: RunRecord, predict: Predict) -> Check:
    """Compare the predictions of an exported model with the run's own.

    Those are recorded for its test images if data and predictions are here; else they come from
    its `model.keras`.
    """
    import numpy as np

    images, is_test = _images(run)
    expected, against = _expected(run, images, is_test)
    return Check(len(images), float(np.abs(predict(images) - expected).max()), against)


def _expected(run: RunRecord, images: NDArray[Any], is_test: bool) -> tuple[NDArray[Any], str]:
    """Return the expected probabilities of the images, and where they come from."""
    from engine.analysis.predictions import load_predictions

    if is_test:
        try:
            stored = load_predictions(run.directory).probabilities[: len(images)]
            if len(stored) == len(images):
                return stored, f"the run's predictions for the first {len(images)} test images"
        except InputError:
            pass
    which = "the first {} test images" if is_test else "{} random images, the data not being here"
    against = f"model.keras on {which.format(len(images))}"
    return _predictor(load_model(run))(images), against


def _images(run: RunRecord) -> tuple[NDArray[np.uint8], bool]:
    """Return images to check with, and whether they are the run's test images."""
    import numpy as np

    from engine.analysis.test_images import read_test_images
    from engine.runs.reading import recorded_data

    try:
        images = read_test_images(run.file.spec, recorded_data(run.directory.events))
        return images[:CHECKED_IMAGES], True
    except InputError:
        shape = (CHECKED_IMAGES, *load_model(run).input_shape[1:])
        return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8), False


def _predictor(model: Any) -> Predict:
    import numpy as np

    return lambda images: np.asarray(model.predict_on_batch(images))


def write_keras(run: RunRecord, path: Path) -> None:
    """Copy the run's model."""
    shutil.copyfile(run.directory.model, path)


def check_keras(run: RunRecord, path: Path) -> Check:
    """Predict with the copy, loaded by Keras."""
    from engine.keras_setup.loaded import keras

    return check_model(run, _predictor(keras.models.load_model(path, compile=False)))


def write_saved_model(run: RunRecord, path: Path) -> None:
    """Write a folder that TensorFlow serves without Keras."""
    load_model(run).export(path, format="tf_saved_model", verbose=False)


def check_saved_model(run: RunRecord, path: Path) -> Check:
    """Predict with the folder, loaded by TensorFlow."""
    import numpy as np
    import tensorflow

    loaded = tensorflow.saved_model.load(str(path))
    return check_model(run, lambda images: np.asarray(loaded.serve(images)))


def write_onnx(run: RunRecord, path: Path) -> None:
    """Write a file of ONNX."""
    import numpy as np

    model = load_model(run)
    # Keras rejects a model that was loaded and never called.
    model.predict_on_batch(np.zeros((1, *model.input_shape[1:]), np.uint8))
    model.export(path, format="onnx", verbose=False)


def check_onnx(run: RunRecord, path: Path) -> Check:
    """Predict with the file in ONNX Runtime."""
    import numpy as np
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path))
    name = session.get_inputs()[0].name
    return check_model(run, lambda images: np.asarray(session.run(None, {name: images})[0]))


def write_csv(run: RunRecord, path: Path) -> None:
    """Write a folder with the metrics of each epoch and the prediction for each test image.

    Raises:
        InputError: the run has no metrics or no predictions.
    """
    from engine.analysis.predictions import load_predictions

    predictions = load_predictions(run.directory)
    names = class_names(run, predictions.classes)
    path.mkdir()
    if not run.directory.metrics.is_file():
        raise InputError("", "its metrics.csv", "none", "train it again", place=run.run_id)
    shutil.copyfile(run.directory.metrics, path / METRICS)
    files = tested_files(run.directory, len(predictions.labels))
    head = ("image", *(["file"] if files else []), "truth", "predicted")
    with (path / PREDICTIONS).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*head, *names))
        rows = zip(
            predictions.labels, predictions.predicted, predictions.probabilities, strict=True
        )
        for i, (truth, predicted, shares) in enumerate(rows):
            shown = (f"{share:.6f}" for share in shares)
            place = (i, one_line_name(files[i])) if files else (i,)
            writer.writerow((*place, names[truth], names[predicted], *shown))


def check_csv(run: RunRecord, path: Path) -> Check:
    """Read the probabilities again."""
    import numpy as np

    from engine.analysis.predictions import load_predictions

    expected = load_predictions(run.directory).probabilities
    with (path / PREDICTIONS).open(encoding="utf-8", newline="") as file:
        _, *read = csv.reader(file)
    written = np.array([row[-expected.shape[1] :] for row in read], np.float64)
    difference = float(np.abs(written - expected).max())
    return Check(len(written), difference, "the run's predictions, rounded to six decimals")
