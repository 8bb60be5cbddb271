"""A run's predictions for the test images, and their metrics."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.common.regular_file import open_regular
from engine.common.text import byte_size
from engine.errors import InputError
from engine.runs.directory import RunDirectory

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_BYTES = 2**28
"""Of the unpacked arrays: 10,000 images of ten classes take 480 KB."""
MAX_CLASSES = 1_000
ARRAYS = ("labels", "probabilities")
ROUNDING = 0.05
"""How far the sum of an image's probabilities may be from 1: bfloat16 keeps three digits."""
CALIBRATION_BINS = 15
"""As in the experiments of Guo et al. 2017."""


@dataclass(frozen=True, eq=False, slots=True)
class Predictions:
    """What a model predicted for each test image, in the order of the data set."""

    labels: NDArray[np.int64]
    """(n,), the true classes."""
    probabilities: NDArray[np.float32]
    """(n, classes)."""

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return int(self.probabilities.shape[1])

    @property
    def predicted(self) -> NDArray[np.int64]:
        """(n,), the most probable class of each."""
        chosen: NDArray[np.int64] = self.probabilities.argmax(axis=1)
        return chosen


def class_names(recorded: Sequence[str], classes: int) -> tuple[str, ...]:
    """Return the names in a record if they are of so many classes, or else numbers."""
    if len(recorded) == classes:
        return tuple(recorded)
    return tuple(f"class {number}" for number in range(classes))


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """The images whose confidence is above `low` and at most `high`."""

    low: float
    high: float
    images: int
    confidence: float
    """Mean probability of the predicted class; NaN without images."""
    accuracy: float
    """Share of them that is correct; NaN without images."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How well confidence agrees with accuracy."""

    ece: float
    """Expected calibration error, 0 to 1."""
    bins: tuple[CalibrationBin, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A test image that was taken for another class."""

    index: int
    """0-based, in the test split."""
    truth: int
    predicted: int
    confidence: float
    """Probability of the predicted class."""


def load_predictions(directory: RunDirectory) -> Predictions:
    """Read `predictions.npz`, and trust nothing in it.

    Raises:
        InputError: it is not there, cannot be read, or holds no predictions.
    """
    path = directory.predictions
    where = f"{directory.run_id}: {path.name}"
    try:
        with open_regular(path) as file:
            labels, probabilities = _read_arrays(file)
        for expected, found, hint in _faults(labels, probabilities):
            raise InputError("", expected, found, hint)
    except FileNotFoundError as error:
        hint = "a run writes them when it is tested at its end"
        raise InputError("", "test predictions", "none", hint, directory.run_id) from error
    except OSError as error:
        found = error.strerror or str(error)
        raise InputError("", "a file that can be read", found, place=where) from error
    except InputError as error:
        # The place is the file's name, or none.
        raise InputError("", error.expected, error.found, error.hint, where) from error
    # Cut short, compressed wrongly, encrypted, objects in it, a false header: each raises another.
    except Exception as error:
        found = f"a damaged or foreign file ({type(error).__name__})"
        hint = "train the run again"
        raise InputError("", "predictions", found, hint, where) from error
    return Predictions(labels.astype("int64"), probabilities.astype("float32"))


def confusion(predictions: Predictions) -> NDArray[np.int64]:
    """Count images by true class (rows) and predicted class (columns), (classes, classes)."""
    from sklearn.metrics import confusion_matrix

    classes = list(range(predictions.classes))
    matrix: NDArray[np.int64] = confusion_matrix(
        predictions.labels, predictions.predicted, labels=classes
    )
    return matrix


def class_accuracies(predictions: Predictions) -> NDArray[np.float64]:
    """Share of each class's images that is correct, (classes,); NaN for a class without images."""
    import numpy as np

    matrix = confusion(predictions)
    with np.errstate(invalid="ignore"):
        shares: NDArray[np.float64] = matrix.diagonal() / matrix.sum(axis=1)
    return shares


def calibration(predictions: Predictions, bins: int = CALIBRATION_BINS) -> Calibration:
    """Compute the expected calibration error over bins of equal width.

    Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", 2017, equation 3:
    the gap between accuracy and mean confidence in each bin, weighted by its images.
    """
    import numpy as np

    confidences = predictions.probabilities.max(axis=1).astype(np.float64)
    right = predictions.predicted == predictions.labels
    places = np.clip(np.ceil(confidences * bins) - 1, 0, bins - 1).astype(int)
    found = []
    for place in range(bins):
        inside = places == place
        count = int(inside.sum())
        confidence = float(confidences[inside].mean()) if count else float("nan")
        accuracy = float(right[inside].mean()) if count else float("nan")
        found.append(CalibrationBin(place / bins, (place + 1) / bins, count, confidence, accuracy))
    images = len(confidences)
    gaps = (b.images / images * abs(b.accuracy - b.confidence) for b in found if b.images)
    return Calibration(float(sum(gaps)), tuple(found))


def worst_mistakes(predictions: Predictions, count: int = 24) -> tuple[Mistake, ...]:
    """Find at most `count` wrong predictions, the most confident first."""
    import numpy as np

    predicted = predictions.predicted
    confidences = predictions.probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != predictions.labels)
    order = wrong[np.argsort(-confidences[wrong], kind="stable")][:count]
    return tuple(
        Mistake(int(i), int(predictions.labels[i]), int(predicted[i]), float(confidences[i]))
        for i in order
    )


def _read_arrays(file: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    import numpy as np

    with zipfile.ZipFile(file) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > MAX_BYTES:
        raise InputError("", f"{byte_size(MAX_BYTES)} of predictions at most", byte_size(size))
    file.seek(0)
    with np.load(file, allow_pickle=False) as archive:
        for name in ARRAYS:
            if name not in archive:
                raise InputError("", f"the arrays {' and '.join(ARRAYS)}", f"no {name}")
        labels, probabilities = (archive[name] for name in ARRAYS)
    return labels, probabilities


def _faults(labels: NDArray[Any], probabilities: NDArray[Any]) -> Iterator[tuple[str, str, str]]:
    """Find what is wrong with arrays: what was expected, what was found, what to do.

    After the first one the next need not make sense.
    """
    import numpy as np

    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        yield "one integer label per image", f"{labels.dtype} {labels.shape}", ""
    if probabilities.ndim != 2 or probabilities.dtype.kind != "f":
        found = f"{probabilities.dtype} {probabilities.shape}"
        yield "probabilities (images, classes)", found, ""
    images, classes = probabilities.shape
    if images == 0 or len(labels) != images:
        found = f"{len(labels)} labels and {images} images"
        yield "a label for each of the images", found, ""
    if not 2 <= classes <= MAX_CLASSES:
        yield f"2 to {MAX_CLASSES} classes", str(classes), ""
    if labels.min() < 0 or labels.max() >= classes:
        yield f"labels 0 to {classes - 1}", f"{labels.min()} to {labels.max()}", ""
    unknown = int((~np.isfinite(probabilities)).any(axis=1).sum())
    if unknown:
        found = f"NaN for {unknown:,} of {images:,} images, as the training diverged"
        yield "probabilities", found, "train the run again"
    sums = probabilities.sum(axis=1, dtype=np.float64)
    if probabilities.min() < 0 or np.abs(sums - 1).max() > ROUNDING:
        found = f"sums of {sums.min():.3g} to {sums.max():.3g}"
        least = f"and a least value of {probabilities.min():.3g}"
        yield "probabilities that add up to 1", f"{found} {least}", ""
