"""Results of trainings: one run, and all runs of a folder as a table."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.common.folders import expanded
from engine.config.kinds import Text, unexpected
from engine.config.spec import RunSpec
from engine.ranking.index import RankingRows, ranking_rows
from engine.ranking.row import KINDS, ranking_row
from engine.runs.directory import check_runs_dir
from engine.runs.listing import RunRecord, load_run, load_snapshot
from engine.runs.notes import Notes
from engine.runs.recorder import METRICS
from engine.runs.selecting import choose_run
from engine.runs.summary import Summary

if TYPE_CHECKING:
    from pandas import DataFrame

Folder = str | os.PathLike[str]


@dataclass(frozen=True, slots=True, repr=False)
class Run:
    """A run as its folder was when it was opened; `engine.open_run` reads it again.

    Figures are None where the run has none, such as one stopped before its test.
    """

    _record: RunRecord

    @property
    def path(self) -> Path:
        """Its folder, absolute."""
        return self._record.directory.path.absolute()

    @property
    def run_id(self) -> str:
        """The folder's name: when it began, and the model."""
        return self._record.run_id

    @property
    def status(self) -> str:
        """`completed`, `stopped`, `interrupted`, `failed`, `running` or `paused`."""
        return self._record.state

    @property
    def test_accuracy(self) -> float | None:
        """Accuracy on the test images, with the exported weights: a share from 0 to 1."""
        return self._figure("test_accuracy")

    @property
    def val_accuracy(self) -> float | None:
        """Accuracy on the validation images, with the exported weights, or so far: 0 to 1."""
        return self._figure("val_accuracy")

    @property
    def train_seconds(self) -> float | None:
        """Seconds of training: validation, loading, tests and pauses left out."""
        return self._figure("train_seconds")

    @property
    def wall_seconds(self) -> float | None:
        """Seconds from the run's start to its end, without those in which it was stopped."""
        return self._figure("wall_seconds")

    @property
    def curves(self) -> DataFrame:
        """One row per epoch that ended, with the columns of `metrics.csv`.

        Returns:
            `epoch` (from 1 through all stages, as events and `kept_epoch` count; the file counts
            from 0), `accuracy` and `val_accuracy` (shares from 0 to 1), `loss` and `val_loss`
            (cross-entropy), `learning_rate` (at the epoch's end). Read again each time.
        """
        import pandas

        epochs = load_snapshot(self._record).ended_epochs
        columns = {name: [getattr(epoch, name) for epoch in epochs] for name in METRICS}
        kinds = {name: "int64" if name == "epoch" else "float64" for name in METRICS}
        return pandas.DataFrame(columns).astype(kinds)

    @property
    def summary(self) -> Summary:
        """All figures that the run ended with: `summary.json`."""
        return self._record.summary

    @property
    def spec(self) -> RunSpec:
        """All that it was asked to do: the spec in `spec.json`."""
        return self._record.file.spec

    def __repr__(self) -> str:
        said = [f"{self.spec.model} on {self.spec.dataset}", self.status]
        if self.test_accuracy is not None:
            said.append(f"test accuracy {self.test_accuracy:.4f}")
        if self.train_seconds is not None:
            said.append(f"trained {self.train_seconds:.1f} s")
        return f"<Run {self.run_id}: {', '.join(said)}>"

    def _figure(self, column: str) -> float | None:
        """Return a figure as the ranking shows it."""
        figure: float | None = ranking_row(self._record, Notes())[column]
        return figure


def open_run(run: Run | Folder, *, runs_dir: Folder = "runs") -> Run:
    """Open a run in any state, or read one again.

    Args:
        run: its path, its id or a part of it that no other run has; or a `Run`.
        runs_dir: where runs are kept, for an id.

    Raises:
        InputError: there is no such run, the name is ambiguous, or the run cannot be read.
    """
    return Run(record_of(run, runs_dir))


def record_of(run: Run | Folder, runs_dir: Folder) -> RunRecord:
    """Return the record of a run that is named in any way; see `open_run`."""
    if isinstance(run, Run):
        return load_run(run.path)
    return choose_run(folder("runs_dir", runs_dir), named("run", run))


def named(keyword: str, run: Run | Folder) -> str:
    """Return the id or path that names a run, as text.

    Raises:
        InputError: it is not of a kind that can.
    """
    if isinstance(run, Run):
        return str(run.path)
    if not isinstance(run, (str, os.PathLike)):
        raise unexpected(keyword, "a run, its id or its path", run)
    name: str = Text().read(keyword, os.fspath(run))
    return name


def folder(keyword: str, path: Folder) -> Path:
    """Return the path of a folder, which may begin with `~`.

    Raises:
        InputError: it is not a path.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise unexpected(keyword, "the path of a folder", path)
    return expanded(Text().check(keyword, os.fspath(path)))


def rank(runs_dir: Folder = "runs") -> DataFrame:
    """Return all runs of a folder as a table, best first: what `cifar-tui rank` shows.

    Ranked runs come first, by test accuracy and then by the seconds they trained; the others
    follow, newest first. A missing folder counts as one without runs.

    Args:
        runs_dir: where runs are kept.

    Returns:
        One row per run with the columns of `engine.ranking.row.KINDS`: accuracies are shares from 0
        to 1, all times seconds, memory bytes, `flops` those of one image, `image_size` pixels,
        `created_at` a Unix time. Unknown values are NaN or `pandas.NA`.

    Raises:
        InputError: the path is a file.

    Warns:
        UserWarning: a run cannot be read and is left out.
    """
    import pandas

    from engine.ranking.table import rank_rows

    found = read_rows(folder("runs_dir", runs_dir))
    for line in found.broken:
        warnings.warn(f"left out {line}", stacklevel=2)
    rows = rank_rows(found.rows).rows
    # A column of its own kind keeps whole numbers exact where some are unknown.
    columns: dict[str, Any] = {
        key: pandas.Series([row[key] for row in rows], dtype=kind) for key, kind in KINDS.items()
    }
    return pandas.DataFrame(columns)


def read_rows(runs_dir: Path) -> RankingRows:
    """Return the ranking rows of a folder, and what could not be read; none if it is missing.

    Raises:
        InputError: it is a file.
    """
    check_runs_dir(runs_dir)
    return ranking_rows(runs_dir)
