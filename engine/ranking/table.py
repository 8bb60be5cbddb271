"""A table of runs: which is the most accurate, which the fastest, and what each took."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.config.dataset_names import short
from engine.errors import InputError
from engine.metrics.catalogue import METRICS
from engine.ranking.row import KINDS, TARGETS, is_so_far, ranking_row, seconds_to
from engine.runs.listing import RunListing
from engine.runs.notes import read_notes

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
NOT_FINAL = "val_accuracy"
"""The column in which a run that can still train has a value that is not final."""
UNSORTABLE = frozenset({"curve"})
MODEL_KEYS = (
    "model",
    "dataset",
    "runs",
    "best_accuracy",
    "mean_accuracy",
    "std_accuracy",
    "mean_train_seconds",
)


@dataclass(frozen=True, slots=True)
class RankingTable:
    """Runs, or models over their runs, in the order to show them."""

    keys: tuple[str, ...]
    """The columns: `KINDS` for runs, `MODEL_KEYS` for models."""
    rows: list[dict[str, Any]]
    """Each with these keys in this order; None where nothing is known."""
    asked_targets: tuple[str, ...] = ()
    """Those of the columns of seconds to an accuracy that the user asked for."""

    @property
    def is_of_runs(self) -> bool:
        """Whether a row is a run."""
        return "run_id" in self.keys

    def column(self, key: str) -> list[Any]:
        """Return the values of one column, row by row."""
        return [row[key] for row in self.rows]

    def only(self, run_ids: Collection[str]) -> RankingTable:
        """Return the rows of these runs."""
        return replace(self, rows=[row for row in self.rows if row["run_id"] in run_ids])


def rank_runs(listing: RunListing) -> RankingTable:
    """Return one row per run, best first; see `rank_rows`."""
    return rank_rows([ranking_row(run, read_notes(run.directory)) for run in listing.runs])


def rank_rows(rows: Iterable[Mapping[str, Any]]) -> RankingTable:
    """Return the table of rows that hold the keys of `KINDS`, best first.

    Ranked runs come first, by test accuracy and then by the seconds they trained; the others
    follow in the order given. `differs` compares with the best one.
    """
    ordered = sorted(rows, key=_place)
    lead = ordered[0] if ordered and ordered[0]["ranked"] else None
    return RankingTable(
        tuple(KINDS), [{**row, "differs": _difference(row, lead)} for row in ordered]
    )


def _place(row: Mapping[str, Any]) -> tuple[bool, float, float]:
    """Sort by accuracy, then by seconds, those that are unknown last; runs not ranked as given."""
    if not row["ranked"]:
        return True, 0.0, 0.0
    seconds = row["train_seconds"]
    return False, -row["test_accuracy"], math.inf if seconds is None else seconds


def add_targets(table: RankingTable, accuracies: Sequence[float]) -> RankingTable:
    """Return the table with a column of seconds for each of these accuracies, not the usual ones.

    Args:
        table: a ranking of runs.
        accuracies: shares from 0 to 1; 0.9 gives the column `to_90`, 0.925 `to_92.5`.
    """
    asked = {f"{TARGET}{accuracy * 100:g}": accuracy for accuracy in accuracies}
    place = table.keys.index(next(iter(TARGETS)))
    usual = [key for key in table.keys if key not in TARGETS]
    keys = (*usual[:place], *asked, *usual[place:])
    rows = []
    for row in table.rows:
        seconds = {key: seconds_to(row["curve"], accuracy) for key, accuracy in asked.items()}
        rows.append({key: seconds[key] if key in seconds else row[key] for key in keys})
    return RankingTable(keys, rows, tuple(asked))


def sort_ranking(table: RankingTable, column: str) -> RankingTable:
    """Return the table sorted by a column, unknown values last; text regardless of case.

    Validation accuracies that are not final follow the final ones.

    Args:
        table: a ranking of runs.
        column: one of its columns in the usual direction, or in reverse after a `-`.

    Raises:
        InputError: there is no such column.
    """
    key = column.removeprefix("-")
    if key not in table.keys or key in UNSORTABLE:
        names = ", ".join(name for name in table.keys if name not in UNSORTABLE)
        raise InputError("sort", f"a column ({names})", repr(column[:40]))
    is_text = KINDS.get(key) == "object"
    values = [_comparable(value) if is_text else value for value in table.column(key)]
    known = [place for place, value in enumerate(values) if value is not None]
    known.sort(
        key=lambda place: values[place], reverse=(key in HIGH_FIRST) != column.startswith("-")
    )
    if key == NOT_FINAL:
        known.sort(key=lambda place: is_so_far(table.rows[place]))
    unknown = [place for place, value in enumerate(values) if value is None]
    return replace(table, rows=[table.rows[place] for place in (*known, *unknown)])


def group_by_model(table: RankingTable) -> RankingTable:
    """Return one row per model and data set, that of the most accurate run first.

    Returns:
        Columns `MODEL_KEYS`: `runs` are the ranked ones, over which the rest is taken;
        `std_accuracy` is that of a sample, unknown for a single run. A model without a ranked run
        comes last, without figures.
    """
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in table.rows:
        ranked = groups.setdefault((row["model"], row["dataset"]), [])
        if row["ranked"]:
            ranked.append(row)
    rows = [
        {"model": model, "dataset": name, **_taken(runs)} for (model, name), runs in groups.items()
    ]
    rows.sort(key=lambda row: -(row["best_accuracy"] or -math.inf))
    return RankingTable(MODEL_KEYS, rows)


def _taken(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    accuracies = [run["test_accuracy"] for run in runs]
    seconds = [run["train_seconds"] for run in runs if run["train_seconds"] is not None]
    return {
        "runs": len(runs),
        "best_accuracy": max(accuracies, default=None),
        "mean_accuracy": statistics.fmean(accuracies) if accuracies else None,
        "std_accuracy": statistics.stdev(accuracies) if len(accuracies) > 1 else None,
        "mean_train_seconds": statistics.fmean(seconds) if seconds else None,
    }


def best(table: RankingTable) -> str | None:
    """Return the run id of the highest test accuracy; among equals, of the fastest training."""
    return _first(table, lambda row: row["ranked"], _place)


def fastest(table: RankingTable) -> str | None:
    """Return the run id of the ranked, completed run that trained in the least seconds."""

    def is_timed(row: Mapping[str, Any]) -> bool:
        is_done = row["ranked"] and row["status"] == "completed"
        return is_done and row["train_seconds"] is not None

    return _first(table, is_timed, lambda row: row["train_seconds"])


def _first(
    table: RankingTable,
    counts: Callable[[Mapping[str, Any]], bool],
    key: Callable[[Mapping[str, Any]], Any],
) -> str | None:
    first = min(filter(counts, table.rows), key=key, default=None)
    return None if first is None else str(first["run_id"])


def _comparable(value: Any) -> Any:
    if isinstance(value, list):
        value = " ".join(map(str, value))
    return str(value).casefold() or None


def _difference(run: Mapping[str, Any], lead: Mapping[str, Any] | None) -> str:
    """Return what sets a run apart from the best one in data or image size."""
    if lead is None:
        return ""
    words = []
    limit = run["train_limit"] or None
    if run["dataset"] != lead["dataset"]:
        words.append(short(run["dataset"]))
    elif limit != (lead["train_limit"] or None):
        words.append("all training images" if limit is None else f"{limit:,} training images")
    if run["image_size"] != lead["image_size"]:
        words.append(f"{run['image_size']} px")
    return ", ".join(words)
