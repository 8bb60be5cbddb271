"""A ranking as text: JSON, CSV, Markdown, and an aligned table for a terminal of any width."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from engine.backbones.catalogue import CATALOGUE
from engine.common.text import (
    MISSING,
    Column,
    Row,
    accuracy,
    cell_width,
    count,
    duration,
    printable,
    whole,
)
from engine.config.dataset_names import short
from engine.metrics.catalogue import METRICS, Metric
from engine.ranking.table import ASKED_TARGETS, TARGET, best, fastest

if TYPE_CHECKING:
    from pandas import DataFrame, Series

BEST, FASTEST, ON_TEST = "★", "⚡", "†"
_ASCII = str.maketrans(
    {"★": "*", "⚡": "+", "†": "t", "–": "-", "·": ";", "…": "~", "±": "+", "→": ">"}
)
_FROM_SCRATCH = frozenset(entry.name for entry in CATALOGUE if entry.from_scratch)
_MODEL_AT_LEAST = 12


def model_label(row: Row) -> str:
    """The model's name, with a note if its weights are random although pretrained ones exist."""
    name = _printable(row["model"])
    random = row["weights"] == "none" and row["model"] not in _FROM_SCRATCH
    return f"{name} (random weights)" if random else name


def validation_text(row: Row) -> str:
    """The validation accuracy; marked where the test split was its validation split."""
    mark = ON_TEST if row["validation"] == "test" else ""
    return accuracy(row["val_accuracy"]) + mark


def interval_text(row: Row) -> str:
    """Half of the 95 % interval of the test accuracy."""
    low, high = row["accuracy_low"], row["accuracy_high"]
    return MISSING if low is None or high is None else f"±{(high - low) / 2:.4f}"


def _printable(value: Any) -> str:
    return printable(str(value))


def _metric_column(metric: Metric) -> Column:
    return Column(metric.key, metric.title, lambda row: metric.text(row[metric.key]), -3)


METRIC_COLUMNS = tuple(map(_metric_column, METRICS))
"""Shown where some run has them."""
COLUMNS = (
    Column("model", "model", model_label, 10, right=False),
    Column("dataset", "data", lambda row: _printable(short(row["dataset"])), 5, right=False),
    Column("test_accuracy", "test acc", lambda row: accuracy(row["test_accuracy"]), 9),
    Column("accuracy_low", "± 95 %", interval_text, -1),
    Column("val_accuracy", "val acc", validation_text, 4),
    *METRIC_COLUMNS,
    Column("train_seconds", "train", lambda row: duration(row["train_seconds"]), 8),
    Column("to_85", "to 0.85", lambda row: duration(row["to_85"]), -2),
    Column("wall_seconds", "wall", lambda row: duration(row["wall_seconds"]), 6),
    Column("parameters", "params", lambda row: count(row["parameters"]), 3),
    Column("flops", "FLOPs", lambda row: count(row["flops"]), 2),
    Column("images_per_second", "img/s", lambda row: whole(row["images_per_second"]), 1),
    Column("recipe", "recipe", lambda row: _printable(row["recipe"]), 0, right=False),
    Column("status", "status", lambda row: _printable(row["status"]), 7, right=False),
    Column("differs", "differs", lambda row: _printable(row["differs"]), 5, right=False),
)
"""The columns of a table, from left to right."""
_READ_BESIDE = ["run_id", "weights", "validation", "accuracy_high"]
"""Further columns of the ranking that the texts of a table are made from."""


def records(frame: DataFrame) -> list[dict[str, Any]]:
    """Return the rows as plain values, None where nothing is known."""
    keys = [str(key) for key in frame.columns]
    # A column at a time: a cell at a time takes a second for ten thousand runs.
    columns = [_plain_values(frame[key]) for key in frame.columns]
    return [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain_values(column: Series[Any]) -> list[Any]:
    if column.dtype.kind == "f":
        return [value if math.isfinite(value) else None for value in column.tolist()]
    if column.dtype.kind == "O":
        return [_plain(value) for value in column]
    return column.astype(object).where(column.notna(), None).tolist()


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return list(value) if isinstance(value, tuple) else value


def to_json(frame: DataFrame) -> str:
    """Make an array with an object a run; null where nothing is known."""
    return json.dumps(records(frame), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def to_csv(frame: DataFrame) -> str:
    """Make a header and a line a run; an empty field where nothing is known."""
    lists = {key: ["; ".join(texts) for texts in frame[key]] for key in ("stages", "tags")}
    curves = [json.dumps(curve, separators=(",", ":")) for curve in frame["curve"]]
    joined = frame.assign(**lists, curve=curves)
    return str(joined.to_csv(index=False, lineterminator="\n"))


def to_markdown(frame: DataFrame) -> str:
    """Make a table for a README, with all columns."""
    columns = _columns(frame)
    marks = marks_by_run(frame)
    lines = [
        "|  | " + " | ".join(column.title for column in columns) + " |",
        "|--|" + "|".join("--:" if column.right else ":--" for column in columns) + "|",
    ]
    for row in records(frame):
        cells = [column.text(row).replace("|", "\\|") for column in columns]
        lines.append(f"| {marks.get(row['run_id'], '')} | " + " | ".join(cells) + " |")
    notes = [f"- {note}" for note in legend(frame)]
    return "\n".join([*lines, "", *notes] if notes else lines) + "\n"


def marks_by_run(frame: DataFrame) -> dict[str, str]:
    """Mark the most accurate run `★`, the fastest `⚡`, and a run that is both with both."""
    marks: dict[str, str] = {}
    for run_id, mark in ((best(frame), BEST), (fastest(frame), FASTEST)):
        if run_id is not None:
            marks[run_id] = marks.get(run_id, "") + mark
    return marks


def legend(frame: DataFrame) -> list[str]:
    """Explain the marks of a table, one line each, with the runs that have them."""
    lines = []
    winner, quickest = (_row(frame, run_id) for run_id in (best(frame), fastest(frame)))
    if winner is not None:
        share = accuracy(winner["test_accuracy"])
        lines.append(f"{BEST} most accurate: {model_label(winner)}, {share}")
    if quickest is not None:
        seconds = duration(quickest["train_seconds"])
        lines.append(f"{FASTEST} fastest: {model_label(quickest)}, trained in {seconds}")
    if (frame["validation"] == "test").any():
        lines.append(f"{ON_TEST} validated on the test split")
    return lines


def _row(frame: DataFrame, run_id: str | None) -> Row | None:
    keys = ["model", "weights", "test_accuracy", "train_seconds"]
    return next(iter(records(frame.loc[frame["run_id"] == run_id, keys])), None)


def table_text(frame: DataFrame, width: int, *, ascii_only: bool = False) -> str:
    """Make an aligned table with its legend.

    Args:
        frame: a ranking.
        width: columns of the terminal; the least important columns are left out to fit.
        ascii_only: whether the output can show ASCII only.
    """
    shown = _columns(frame)
    rows = records(frame[[*dict.fromkeys([column.key for column in shown] + _READ_BESIDE)]])
    columns = [(column.title, _cells(column, rows), column) for column in shown]
    marks = marks_by_run(frame)
    if ascii_only:
        marks = {run_id: mark.translate(_ASCII) for run_id, mark in marks.items()}
    lead = _lead([marks.get(row["run_id"], "") for row in rows])
    grid = _fit(columns, width - cell_width(lead[0]))
    lines = [left + "  ".join(cells) for left, cells in zip(lead, grid, strict=True)]
    table = "\n".join(line.rstrip() for line in lines)
    notes = [note for note in legend(frame) if note[0] != ON_TEST or ON_TEST in table]
    text = "\n".join([table, *notes]) + "\n"
    return text.translate(_ASCII) if ascii_only else text


def _columns(frame: DataFrame) -> list[Column]:
    left_out = {
        key
        for key, says_something in (
            ("dataset", frame["dataset"].nunique() > 1),
            ("differs", (frame["differs"] != "").any()),
            *((column.key, frame[column.key].notna().any()) for column in METRIC_COLUMNS),
        )
        if not says_something
    }
    asked = frame.attrs.get(ASKED_TARGETS, ())
    left_out.update(asked)
    columns = [column for column in COLUMNS if column.key in frame and column.key not in left_out]
    return [*columns, *map(_target, asked)]


def _target(key: str) -> Column:
    title = f"to {key.removeprefix(TARGET)} %"
    return Column(key, title, lambda row: duration(row[key]), 5)


def _cells(column: Column, rows: list[dict[str, Any]]) -> list[str]:
    texts = [column.text(row) for row in rows]
    if column.right and any(text.endswith(ON_TEST) for text in texts):
        return [text if text.endswith(ON_TEST) else text + " " for text in texts]
    return texts


def _lead(marks: list[str]) -> list[str]:
    """Make rank and marks before each line; the first is the header's."""
    room = max([cell_width(mark) for mark in {*marks}], default=0)
    digits = len(str(len(marks)))
    lines = [f"{i:>{digits}} {_padded(mark, room)} " for i, mark in enumerate(marks, 1)]
    return [" " * (digits + room + 2), *lines]


_Cells = tuple[str, list[str], Column]


def _fit(columns: list[_Cells], width: int) -> list[list[str]]:
    """Make header and rows of padded cells, with as many of the columns as fit."""
    kept = list(columns)
    # Each once: of ten thousand runs many cells are the same.
    widths = {column.key: _width({title, *texts}) for title, texts, column in kept}
    while len(kept) > 2 and sum(widths[cells[2].key] + 2 for cells in kept) - 2 > width:
        kept.remove(min(kept, key=lambda cells: cells[2].importance))
    spare = width - sum(widths[cells[2].key] + 2 for cells in kept[1:])
    model = kept[0]
    room = min(widths[model[2].key], max(spare, _MODEL_AT_LEAST))
    kept[0] = (model[0], [_shortened(text, room) for text in model[1]], model[2])
    widths[model[2].key] = _width({model[0], *kept[0][1]})
    padded = [
        [_padded(text, widths[column.key], column.right) for text in (title, *texts)]
        for title, texts, column in kept
    ]
    return [list(line) for line in zip(*padded, strict=True)]


def _width(texts: set[str]) -> int:
    return max(map(cell_width, texts))


def _shortened(text: str, room: int) -> str:
    return text if cell_width(text) <= room else text[: room - 1] + "…"


def _padded(text: str, room: int, right: bool = False) -> str:
    if text.isascii():
        return text.rjust(room) if right else text.ljust(room)
    space = " " * (room - cell_width(text))
    return space + text if right else text + space
