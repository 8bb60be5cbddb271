"""Runs side by side: their records, and what their predictions show."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from engine.analysis.comparison import chance_in_words, differing_settings, mcnemar
from engine.analysis.predictions import Predictions, class_accuracies, class_names, load_predictions
from engine.errors import InputError
from engine.runs.listing import RunRecord, load_snapshot
from engine.runs.summary import summarize
from engine.state.series import Point
from engine.state.snapshot import RunSnapshot
from tui.panels.charts.overlay import LETTERS
from tui.settings.option_names import as_flag


@dataclass(frozen=True, eq=False, slots=True)
class Compared:
    """One run of a comparison, as far as its record can be read."""

    letter: str
    run: RunRecord
    snapshot: RunSnapshot
    class_accuracies: tuple[float, ...] = ()
    """NaN where a class has no image; empty without predictions."""

    @property
    def name(self) -> str:
        """`A EfficientNetLite0`."""
        return f"{self.letter} {self.run.file.spec.model}"

    @property
    def tested_on(self) -> str:
        """The fingerprint of its test images; empty where there is none."""
        return self.snapshot.data.test_fingerprint if self.snapshot.data is not None else ""

    @property
    def by_epoch(self) -> tuple[Point, ...]:
        """Validation accuracy at each epoch's end."""
        return _known((float(e.epoch), e.val_accuracy) for e in self.snapshot.ended_epochs)

    @property
    def by_minute(self) -> tuple[Point, ...]:
        """The same over minutes of training."""
        curve = summarize(self.snapshot).curve
        return _known((seconds / 60, reached) for seconds, reached in curve)


def _known(points: Iterable[Point]) -> tuple[Point, ...]:
    return tuple((x, y) for x, y in points if math.isfinite(x) and math.isfinite(y))


@dataclass(frozen=True, eq=False, slots=True)
class Comparison:
    """Runs side by side, the most accurate first."""

    runs: tuple[Compared, ...]
    settings: tuple[tuple[str, tuple[str, ...]], ...]
    class_names: tuple[str, ...] = ()
    chance: tuple[str, ...] | None = None
    """Sentences; None until the predictions are read."""


def read_records(runs: Sequence[RunRecord]) -> Comparison:
    """Read the records of runs, without their predictions; for a worker thread."""
    ordered = sorted(runs, key=lambda run: run.summary.test_accuracy or 0.0, reverse=True)
    compared = tuple(
        Compared(letter, run, load_snapshot(run))
        for letter, run in zip(LETTERS, ordered, strict=False)
    )
    return Comparison(compared, tuple(differing_settings([one.run for one in compared])))


def read_predictions(comparison: Comparison) -> Comparison:
    """Add what the predictions show; slow, as it imports scikit-learn and SciPy.

    `Comparison.chance` says what a run lacks.
    """
    tested = [_predictions(one.run) for one in comparison.runs]
    # The classes of other data have other names: only those of the first tested run are shown.
    pairs = list(zip(comparison.runs, tested, strict=True))
    data = (one.run.file.spec.dataset for one, found in pairs if isinstance(found, Predictions))
    first = next(data, "")
    compared = tuple(
        replace(one, class_accuracies=tuple(map(float, class_accuracies(found))))
        if isinstance(found, Predictions) and one.run.file.spec.dataset == first
        else one
        for one, found in pairs
    )
    return replace(
        comparison,
        runs=compared,
        class_names=_class_names(compared),
        chance=tuple(_chance(compared, tested)),
    )


def _predictions(run: RunRecord) -> Predictions | str:
    if not run.directory.predictions.exists():
        return "it has no test predictions"
    try:
        return load_predictions(run.directory)
    except InputError as error:
        return error.line(as_flag)


def _class_names(runs: Sequence[Compared]) -> tuple[str, ...]:
    classes = max((len(run.class_accuracies) for run in runs), default=0)
    recorded = (run.snapshot.data.class_names for run in runs if run.snapshot.data is not None)
    return class_names(next((it for it in recorded if len(it) == classes), ()), classes)


def _chance(runs: Sequence[Compared], tested: Sequence[Predictions | str]) -> list[str]:
    """Compare the best run with each other one, a sentence each, with the reason if it cannot."""
    pairs = list(zip(runs, tested, strict=False))
    known = [(run, found) for run, found in pairs if isinstance(found, Predictions)]
    lines = []
    for run, found in known[1:]:
        best, right = known[0]
        try:
            test = mcnemar(right, found, (best.tested_on, run.tested_on))
            lines.append(chance_in_words(test, best.name, run.name))
        except InputError as error:
            lines.append(f"{best.name} and {run.name}: {error.line(as_flag)}")
    for run, why in pairs:
        if isinstance(why, str):
            lines.append(f"{run.name} is left out: {why}.")
    return lines
