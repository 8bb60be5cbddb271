"""The data that a run's tabs are drawn from, and reading those parts that are large."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.analysis.predictions import class_names
from engine.common.text import fine_duration
from engine.config.spec import RunSpec
from engine.errors import InputError
from engine.runs.listing import RunRecord
from engine.runs.summary import Summary, summarize
from engine.state.snapshot import RunSnapshot
from tui.panels.run_detail.palette import Palette
from tui.settings.option_names import as_flag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.analysis.predictions import Calibration, Mistake

ALIVE = frozenset({"queued", "running", "paused"})
"""States of a run whose final test is still to come."""


@dataclass(frozen=True, eq=False, slots=True)
class Outcome:
    """The results of the predictions for the test images."""

    matrix: NDArray[np.int64]
    """(classes, classes): images by true class (rows) and predicted class."""
    accuracies: tuple[float, ...]
    """By class; NaN for a class without an image."""
    calibration: Calibration
    mistakes: tuple[Mistake, ...]
    """The most confident first."""
    images: int
    files: tuple[str, ...] = ()
    """The file of each test image in a folder of images; empty for other data sets."""


@dataclass(frozen=True, eq=False, slots=True)
class Material:
    """A run as far as it has been read, and the room to draw it in.

    A missing part is a line that says why; None while it is being read.
    """

    run: RunRecord
    snapshot: RunSnapshot | None
    tested: Outcome | str | None
    pictures: tuple[NDArray[np.uint8], ...] | str | None
    """The images of `Outcome.mistakes`, each (height, width, 3)."""
    palette: Palette
    width: int
    height: int
    usual: RunSpec | None = None
    """What recipe and catalogue alone would make of it; None while or where that is unknown."""
    corner: tuple[int, int] = (0, 0)
    """The first row and column that are drawn, if not all of a page fits."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names in the record, or else numbers."""
        classes = len(self.tested.accuracies) if isinstance(self.tested, Outcome) else 0
        data = self.snapshot.data if self.snapshot is not None else None
        return class_names(data.class_names if data is not None else (), classes)


def summary_of(run: RunRecord, snapshot: RunSnapshot | None) -> Summary:
    """Return a run's summary; without one that of its record, once `snapshot` has been read."""
    if snapshot is not None and not run.summary.wall_seconds:
        return summarize(snapshot)
    return run.summary


def stages_of(snapshot: RunSnapshot | None) -> Iterable[tuple[int, str, float, str]]:
    """Return of each stage with an epoch: its number, what trained, its seconds, an epoch's."""
    if snapshot is None:
        return
    for number, trained in enumerate(snapshot.stages_trained, 1):
        epochs = [epoch for epoch in snapshot.ended_epochs if epoch.stage == number]
        if epochs:
            seconds = sum(epoch.train_seconds + epoch.validation_seconds for epoch in epochs)
            yield number, trained, seconds, f"{fine_duration(seconds / len(epochs))} per epoch"


def read_tested(run: RunRecord) -> Outcome | str:
    """Read a run's predictions and compute what its tabs show; slow, as it imports scikit-learn.

    Returns:
        The results; or a line that says why there are none.
    """
    from engine.analysis import predictions as analysis
    from engine.runs.image_files import tested_files

    if not run.directory.predictions.exists():
        return _why_none(run)
    try:
        predictions = analysis.load_predictions(run.directory)
    except InputError as error:
        return error.line(as_flag)
    return Outcome(
        matrix=analysis.confusion(predictions),
        accuracies=tuple(float(share) for share in analysis.class_accuracies(predictions)),
        calibration=analysis.calibration(predictions),
        mistakes=analysis.worst_mistakes(predictions),
        images=len(predictions.labels),
        files=tested_files(run.directory, len(predictions.labels)),
    )


def _why_none(run: RunRecord) -> str:
    if run.state in ALIVE:
        return "this run has not ended: its predictions come with its final test"
    if run.summary.test_accuracy is not None:
        return f"this run was tested, but {run.directory.predictions.name} is no longer there"
    return "this run was not tested, so there are no predictions"


def read_pictures(run: RunRecord, tested: Outcome) -> tuple[NDArray[np.uint8], ...] | str:
    """Read the images of a run's mistakes from where its data lies on this machine.

    Returns:
        The images; or a line that says why there are none.
    """
    from engine.analysis.test_images import read_test_images
    from engine.runs.reading import recorded_data

    try:
        images = read_test_images(run.file.spec, recorded_data(run.directory.events))
    except InputError as error:
        return error.line(as_flag)
    if len(images) != tested.images:
        return (
            f"expected the {tested.images:,} images that this run was tested on, "
            f"found {len(images):,} on this machine"
        )
    return tuple(images[mistake.index] for mistake in tested.mistakes)
