"""A finished run's model or figures in other programs' formats, checked and written whole."""

from __future__ import annotations

import csv
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engine.common.codec import from_plain
from engine.common.regular_file import read_regular
from engine.common.text import one_line_name
from engine.errors import InputError
from engine.keras_setup.loading import check_backend
from engine.protocol.facts import SampleRange
from engine.runs.directory import write_json
from engine.runs.image_files import tested_files
from engine.runs.listing import RunRecord, check_exported
from engine.runs.reading import recorded_data
from engine.tools.predict import class_names, load_model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Format = Literal["keras", "savedmodel", "onnx", "csv"]
CHECKED_IMAGES = 256
LARGEST_DIFFERENCE = 0.02
"""Of a probability: more is a wrong weight, less the rounding of another order of sums."""
CSV_FILES = ("metrics.csv", "predictions.csv")
SAVED_MODEL = frozenset(
    {"saved_model.pb", "fingerprint.pb", "keras_metadata.pb", "variables", "assets", "assets.extra"}
)
"""What TensorFlow writes into the folder of one."""
SUFFIXES: dict[Format, str] = {"keras": ".keras", "onnx": ".onnx"}
"""Of the formats that are a file; the others are a folder."""
DESCRIPTION = "assets.extra/model.json"
"""Where a SavedModel holds what it takes and gives; that of a file lies beside it, `.json` more."""
MAX_DESCRIPTION = 1 << 20
ONNX_MODULES = ("tf2onnx", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Description:
    """What an exported model takes and gives."""

    run: str
    model: str
    input: str
    input_shape: tuple[int | None, ...]
    """Height, width and channels, after the batch."""
    output: str
    classes: tuple[str, ...]
    """In the order of the probabilities."""
    ranges: tuple[SampleRange, ...]
    """Samples of more than 8 bits that become 0 and 255, as at the training."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and how far it agrees with the run."""

    path: Path
    bytes: int
    images: int
    """How many were predicted to check it."""
    largest_difference: float
    """Of any probability."""
    against: str
    """What it was compared with, in words."""


def export_run(run: RunRecord, form: Format, to: Path, *, force: bool = False) -> Exported:
    """Write a run's model, or its figures, in a format; nothing is left where the check fails.

    Args:
        run: a finished one.
        form: `keras` and `onnx` write a file, `savedmodel` a folder for TensorFlow, `csv` a folder
            with `metrics.csv` (a row an epoch) and `predictions.csv` (a row a test image).
        to: the file or folder to make.
        force: replace what stands there, if it is an earlier export of the same kind.

    Raises:
        InputError: the run is not finished, `to` cannot be used, a package is missing, the backend
            is none that works here, or what was written predicts something else.
    """
    _check_target(form, to, force)
    beside = to.with_name(f"{to.name}.json") if form in SUFFIXES else None
    if beside is not None:
        _check_description(beside, force)
    if form != "csv":
        check_backend()
        check_exported(run)
    if form == "onnx":
        _check_onnx()
    with _beside(to) as aside:
        if form == "csv":
            images, difference, against = _write_csv(run, aside)
        else:
            images, difference, against = _write_model(run, form, aside)
        if not difference <= LARGEST_DIFFERENCE:  # NaN, too
            raise InputError(
                f"{run.run_id}: expected the exported model to predict the same, found a "
                f"probability that differs by {difference:.3g}; nothing was written"
            )
        if form != "csv":
            described = aside.with_name("described") if beside else aside / DESCRIPTION
            described.parent.mkdir(exist_ok=True)
            write_json(described, _describe(run))
        size = _bytes(aside)
        _put(aside, to)
        if beside is not None:
            _put(described, beside)
    return Exported(to, size, images, difference, against)


def _check_target(form: Format, to: Path, force: bool) -> None:
    suffix = SUFFIXES.get(form)
    if suffix and to.suffix != suffix:
        raise InputError(f"--output: expected a file that ends in {suffix}, found {to}")
    if not to.absolute().parent.is_dir():
        raise InputError(f"--output: expected a place in a folder that is there, found {to}")
    _check_free(to, force)
    if not os.path.lexists(to):
        return
    if suffix and not to.is_file():
        raise InputError(f"--force: expected a file to replace, found {to}, which is not one")
    if not suffix and not _is_earlier_export(form, to):
        raise InputError(
            f"--force: expected an earlier {form} export to replace, found {to}, which holds other "
            "things; choose another name"
        )


def _check_free(to: Path, force: bool) -> None:
    if os.path.lexists(to) and not force:
        raise InputError(
            f"--output: expected a name that is free, found {to} there; choose another, "
            "or give --force to replace it"
        )


def _check_description(beside: Path, force: bool) -> None:
    """See that what describes a model may lie beside it: only its like is replaced."""
    _check_free(beside, force)
    if not os.path.lexists(beside):
        return
    try:
        from_plain(Description, json.loads(read_regular(beside, MAX_DESCRIPTION)))
    except (OSError, ValueError, RecursionError, InputError) as error:
        raise InputError(
            f"--force: expected the description of an earlier export to replace, found {beside}, "
            "which is none; choose another name"
        ) from error


def _describe(run: RunRecord) -> Description:
    """What the run's model takes and gives."""
    model = load_model(run)
    data = recorded_data(run.directory.events)
    _, height, width, channels = model.input_shape
    deep = "scaled by the range of their format and clipped"
    if data is not None and data.ranges is None:
        deep = "scaled so that the least of 255, 4095 and 65535 that holds the largest is white"
    return Description(
        run=run.run_id,
        model=run.file.spec.model,
        input=(
            "uint8 RGB, 0 to 255, turned as the EXIF says, cut to its middle in the proportions of "
            f"the input, resized by Lanczos' filter; samples of more than 8 bits are first {deep}"
        ),
        input_shape=(height, width, channels),
        output="probabilities, float32, one a class",
        classes=class_names(run, int(model.output_shape[-1])),
        ranges=(data.ranges or ()) if data is not None else (),
    )


def _is_earlier_export(form: Format, to: Path) -> bool:
    if to.is_symlink() or not to.is_dir():
        return False
    names = {entry.name for entry in to.iterdir()}
    if form == "csv":
        return names <= set(CSV_FILES)
    return "saved_model.pb" in names and names <= SAVED_MODEL


def _check_onnx() -> None:
    import importlib.util

    missing = [name for name in ONNX_MODULES if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"--format onnx: expected the packages {' and '.join(ONNX_MODULES)}, found no "
            f"{missing[0]}; `pip install 'cifar-tui[onnx]'` brings them"
        )


def _write_model(run: RunRecord, form: Format, aside: Path) -> tuple[int, float, str]:
    import numpy as np

    images, is_test = _images(run)
    if form == "keras":
        shutil.copyfile(run.directory.model, aside)
        predict = _keras_predictor(aside)
        expected, against = _expected(run, images, is_test, predict)
    else:
        model = load_model(run)
        write, load = (_save, _saved) if form == "savedmodel" else (_save_onnx, _onnx)
        try:
            write(model, aside)
            predict = load(aside)
        # The exporters raise whatever a layer that they do not know leads to.
        except Exception as error:
            raise InputError(
                f"{run.run_id}: expected Keras to export its model as {form}, found "
                f"{type(error).__name__}: {str(error).partition(chr(10))[0][:120]}; "
                "choose another format"
            ) from error
        expected, against = _expected(
            run, images, is_test, lambda x: np.asarray(model.predict_on_batch(x))
        )
    found = predict(images)
    return len(images), float(np.abs(found - expected).max()), against


def _expected(
    run: RunRecord, images: NDArray[Any], is_test: bool, model: Predict
) -> tuple[NDArray[Any], str]:
    """What the images should give: the run's own predictions, where they are on record."""
    from engine.analysis.predictions import load_predictions

    if is_test:
        try:
            stored = load_predictions(run.directory).probabilities[: len(images)]
            if len(stored) == len(images):
                return stored, f"the run's predictions for the first {len(images)} test images"
        except InputError:
            pass
        return model(images), f"model.keras on the first {len(images)} test images"
    return model(images), f"model.keras on {len(images)} random images, the data not being here"


def _images(run: RunRecord) -> tuple[NDArray[np.uint8], bool]:
    """Images to check with, and whether they are the run's test images."""
    import numpy as np

    from engine.analysis.test_images import read_test_images, recorded_images

    try:
        return read_test_images(run.file.spec, recorded_images(run))[:CHECKED_IMAGES], True
    except InputError:
        shape = (CHECKED_IMAGES, *load_model(run).input_shape[1:])
        return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8), False


Predict = Callable[[Any], Any]


def _keras_predictor(path: Path) -> Predict:
    import numpy as np

    from engine.keras_setup.loaded import keras

    model = keras.models.load_model(path, compile=False)
    return lambda images: np.asarray(model.predict_on_batch(images))


def _save(model: Any, path: Path) -> None:
    model.export(path, format="tf_saved_model", verbose=False)


def _saved(path: Path) -> Predict:
    import numpy as np
    import tensorflow

    loaded = tensorflow.saved_model.load(str(path))
    return lambda images: np.asarray(loaded.serve(images))


def _save_onnx(model: Any, path: Path) -> None:
    import numpy as np

    # Keras refuses a model that was loaded and never called.
    model.predict_on_batch(np.zeros((1, *model.input_shape[1:]), np.uint8))
    model.export(path, format="onnx", verbose=False)


def _onnx(path: Path) -> Predict:
    import numpy as np
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path))
    name = session.get_inputs()[0].name
    return lambda images: np.asarray(session.run(None, {name: images})[0])


def _write_csv(run: RunRecord, aside: Path) -> tuple[int, float, str]:
    import numpy as np

    from engine.analysis.predictions import load_predictions

    predictions = load_predictions(run.directory)
    names = class_names(run, predictions.classes)
    aside.mkdir()
    if not run.directory.metrics.is_file():
        raise InputError(f"{run.run_id}: expected its metrics.csv, found none; train it again")
    shutil.copyfile(run.directory.metrics, aside / CSV_FILES[0])
    files = tested_files(run.directory, len(predictions.labels))
    head = ("image", *(["file"] if files else []), "truth", "predicted")
    with (aside / CSV_FILES[1]).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*head, *names))
        rows = zip(
            predictions.labels, predictions.predicted, predictions.probabilities, strict=True
        )
        for i, (truth, predicted, shares) in enumerate(rows):
            shown = (f"{share:.6f}" for share in shares)
            place = (i, one_line_name(files[i])) if files else (i,)
            writer.writerow((*place, names[truth], names[predicted], *shown))
    with (aside / CSV_FILES[1]).open(encoding="utf-8", newline="") as file:
        _, *read = csv.reader(file)
    written = np.array([row[len(head) :] for row in read], np.float64)
    difference = float(np.abs(written - predictions.probabilities).max())
    return len(written), difference, "the run's predictions, rounded to six decimals"


@contextmanager
def _beside(to: Path) -> Iterator[Path]:
    """A name to write to that is renamed later: in a hidden folder beside `to`, then removed."""
    folder = Path(tempfile.mkdtemp(prefix=".export-", dir=to.absolute().parent))
    try:
        yield folder / to.name
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _put(aside: Path, to: Path) -> None:
    """Rename what was written into place; a folder that it replaces goes with the hidden one."""
    if aside.is_dir() and to.is_dir():
        to.rename(aside.with_name(f"old-{to.name}"))
    aside.replace(to)


def _bytes(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(entry.stat().st_size for entry in path.rglob("*") if entry.is_file())
