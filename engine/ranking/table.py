"""A table of runs: which is the most accurate, which the fastest, and what each took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.config.dataset_names import short
from engine.errors import InputError
from engine.metrics.catalogue import METRICS
from engine.ranking.row import KINDS, TARGETS, ranking_row, seconds_to
from engine.runs.listing import RunListing
from engine.runs.notes import read_notes

if TYPE_CHECKING:
    from pandas import DataFrame

HIGH_FIRST = frozenset(
    {
        "test_accuracy",
        "accuracy_low",
        "accuracy_high",
        "val_accuracy",
        "images_per_second",
        "ranked",
        "pinned",
        "created_at",
        *(metric.key for metric in METRICS if metric.is_high_first),
    }
)
"""Columns whose largest value comes first by default."""
TARGET = "to_"
"""Prefix of the columns of seconds to an accuracy."""
ASKED_TARGETS = "asked_targets"
"""The attribute of a table that names those of these columns that the user asked for."""
UNSORTABLE = frozenset({"curve"})


def rank_runs(listing: RunListing) -> DataFrame:
    """Return one row per run, best first; see `rank_rows`."""
    return rank_rows([ranking_row(run, read_notes(run.directory)) for run in listing.runs])


def rank_rows(rows: Sequence[Mapping[str, Any]]) -> DataFrame:
    """Return the table of rows that hold the keys of `KINDS`, best first.

    Ranked runs come first, by test accuracy and then by the seconds they trained; the others
    follow in the order given. `differs` compares with the best one.
    """
    import numpy
    import pandas

    frame = pandas.DataFrame({key: _column([row[key] for row in rows], key) for key in KINDS})
    ranked = frame["ranked"].to_numpy()
    accuracy = numpy.where(ranked, -frame["test_accuracy"].to_numpy(), 0.0)
    seconds = numpy.where(ranked, frame["train_seconds"].to_numpy(), 0.0)
    # Stable, the most important key last; unknown seconds sort after all others.
    order = numpy.lexsort((seconds, accuracy, ~ranked))
    frame = frame.iloc[order].reset_index(drop=True)
    frame["differs"] = _column(_differences(frame), "differs")
    return frame


def add_targets(frame: DataFrame, accuracies: Sequence[float]) -> DataFrame:
    """Return the table with a column of seconds for each of these accuracies, not the usual ones.

    Args:
        frame: a ranking.
        accuracies: shares from 0 to 1; 0.9 gives the column `to_90`, 0.925 `to_92.5`.

    Returns:
        The table; its attribute `ASKED_TARGETS` names these columns.
    """
    place = list(frame.columns).index(next(iter(TARGETS)))
    frame = frame.drop(columns=[key for key in TARGETS if key in frame])
    for i, accuracy in enumerate(accuracies):
        seconds = [seconds_to(curve, accuracy) for curve in frame["curve"]]
        frame.insert(place + i, target_key(accuracy), _column(seconds, "to_80"))
    frame.attrs[ASKED_TARGETS] = tuple(map(target_key, accuracies))
    return frame


def target_key(accuracy: float) -> str:
    """Return the name of the column with the seconds until a share was reached."""
    return f"{TARGET}{accuracy * 100:g}"


def sort_ranking(frame: DataFrame, column: str) -> DataFrame:
    """Return the table sorted by a column, unknown values last; text regardless of case.

    Args:
        frame: a ranking.
        column: one of its columns in the usual direction, or in reverse after a `-`.

    Raises:
        InputError: there is no such column.
    """
    key = column.removeprefix("-")
    if key not in frame or key in UNSORTABLE:
        names = ", ".join(str(name) for name in frame.columns if name not in UNSORTABLE)
        raise InputError("sort", f"a column ({names})", repr(column[:40]))
    values = frame[key]
    if values.dtype == object:
        values = values.map(_comparable)
    ascending = (key not in HIGH_FIRST) != column.startswith("-")
    ordered = values.sort_values(ascending=ascending, kind="stable", na_position="last")
    return frame.loc[ordered.index].reset_index(drop=True)


def group_by_model(frame: DataFrame) -> DataFrame:
    """Return one row per model and data set, that of the most accurate run first.

    Returns:
        Columns `model`, `dataset`, `runs` (the ranked ones, over which the rest is taken),
        `best_accuracy`, `mean_accuracy`, `std_accuracy` (of the sample: unknown for a single run)
        and `mean_train_seconds`.
    """
    # Only ranked runs have figures; a model without any stays, without figures.
    figures = frame[["test_accuracy", "train_seconds"]].where(frame["ranked"])
    named = figures.assign(model=frame["model"], dataset=frame["dataset"])
    groups = named.groupby(["model", "dataset"], sort=False)
    table = groups.agg(
        runs=("test_accuracy", "count"),
        best_accuracy=("test_accuracy", "max"),
        mean_accuracy=("test_accuracy", "mean"),
        std_accuracy=("test_accuracy", "std"),
        mean_train_seconds=("train_seconds", "mean"),
    ).reset_index()
    ordered = table.sort_values("best_accuracy", ascending=False, kind="stable")
    return ordered.reset_index(drop=True)


def best(frame: DataFrame) -> str | None:
    """Return the run id of the highest test accuracy; among equals, of the fastest training."""
    ranked = frame[frame["ranked"]]
    if not len(ranked):
        return None
    ordered = ranked.sort_values(
        ["test_accuracy", "train_seconds"], ascending=[False, True], kind="stable"
    )
    return str(ordered["run_id"].iloc[0])


def fastest(frame: DataFrame) -> str | None:
    """Return the run id of the ranked, completed run that trained in the least seconds."""
    timed = frame["ranked"] & (frame["status"] == "completed") & frame["train_seconds"].notna()
    done = frame[timed]
    return str(done.sort_values("train_seconds")["run_id"].iloc[0]) if len(done) else None


def _column(values: list[Any], key: str) -> Any:
    """Return a column of its own kind, whole numbers exact."""
    import pandas

    kind = KINDS[key]
    if kind == "object":
        return pandas.Series(values, dtype=object)
    return pandas.Series(pandas.array(values, dtype=kind))  # type: ignore[call-overload]


def _comparable(value: Any) -> Any:
    if isinstance(value, list):
        value = " ".join(map(str, value))
    return str(value).casefold() or None


def _differences(frame: DataFrame) -> list[str]:
    if not frame["ranked"].any():
        return [""] * len(frame)
    first = int(frame["ranked"].to_numpy().argmax())
    limits = [None if limit == 0 else limit for limit in frame["train_limit"].fillna(0).tolist()]
    rows = list(zip(frame["dataset"], limits, frame["image_size"].tolist(), strict=True))
    told = {row: _difference(row, rows[first]) for row in {*rows}}
    return [told[row] for row in rows]


_Data = tuple[str, int | None, int]
"""Data set, limit of the training images, image size."""


def _difference(run: _Data, best_run: _Data) -> str:
    (dataset, limit, size), (its_dataset, its_limit, its_size) = run, best_run
    words = []
    if dataset != its_dataset:
        words.append(short(dataset))
    elif limit != its_limit:
        words.append("all training images" if limit is None else f"{limit:,} training images")
    if size != its_size:
        words.append(f"{size} px")
    return ", ".join(words)
