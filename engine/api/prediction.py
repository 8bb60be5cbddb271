"""The exported classifier of a run, for any number of images."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.api.results import Folder, Run, record_of
from engine.common.folders import expanded
from engine.config.kinds import unexpected
from engine.keras_setup.loading import check_can_compute, users_settings_kept
from engine.runs.listing import RunRecord, check_exported

if TYPE_CHECKING:
    from engine.tools.predict import Prediction, Predictor


class Classifier:
    """A run's exported network, loaded once; computes on the CPU."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def predict(self, images: Folder | Iterable[Folder]) -> list[Prediction]:
        """Return the five most probable classes of each image.

        Args:
            images: paths of image files of any size and mode, or one path.

        Returns:
            One prediction per image, in order.

        Raises:
            InputError: the first that cannot be read as an image.
        """
        paths = [images] if isinstance(images, (str, os.PathLike)) else images
        if not isinstance(paths, Iterable):
            raise unexpected("images", "paths of image files", images)
        with users_settings_kept():
            return [self._predictor.predict(_file(path)) for path in paths]


def load(run: Run | Folder, *, runs_dir: Folder = "runs") -> Classifier:
    """Load the classifier that a run exported; takes seconds where Keras is not loaded yet.

    Args:
        run: a finished one: a `Run`, its path, its id or a part of it that no other run has.
        runs_dir: where runs are kept, for an id.

    Raises:
        InputError: there is no such run, it has exported no model or one that cannot be read, or
            `KERAS_BACKEND` names one that does not work here.
    """
    with users_settings_kept():
        return open_classifier(record_of(run, runs_dir))


def open_classifier(record: RunRecord) -> Classifier:
    """Return the classifier of a run, after all quick checks.

    Raises:
        InputError: as `load`.
    """
    check_exported(record)
    check_can_compute()
    from engine.tools.predict import Predictor

    return Classifier(Predictor(record))


def _file(path: Folder) -> Path:
    if not isinstance(path, (str, os.PathLike)):
        raise unexpected("images", "the path of an image file", path)
    return expanded(path) if isinstance(path, str) else Path(path)
