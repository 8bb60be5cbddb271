"""A ranking as text: JSON, CSV, Markdown, and an aligned table for a terminal of any width.

Every form is of runs, or of models where a ranking is grouped by them.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from engine.analysis.architecture import lacks_weights
from engine.common.text import (
    GAP,
    MISSING,
    Column,
    Row,
    accuracy,
    aligned,
    cell_width,
    count,
    duration,
    fitted,
    most_important,
    printable,
    shortened,
    whole,
)
from engine.config.dataset_names import short
from engine.metrics.catalogue import METRICS, Metric
from engine.ranking.row import is_so_far
from engine.ranking.table import TARGET, RankingTable, best, fastest

BEST, FASTEST, ON_TEST, MIRRORED, SO_FAR = "★", "⚡", "†", "‡", "~"
FOOTNOTES = (ON_TEST, MIRRORED)
"""Marks that stand behind a figure."""
_FIRST_AT_LEAST = 12
"""Cells of the first column, on however narrow a terminal."""


def model_label(row: Row) -> str:
    """The model's name, with a note if its weights are random although pretrained ones exist."""
    name = _printable(row["model"])
    return f"{name} (random weights)" if lacks_weights(row) else name


def validation_text(row: Row) -> str:
    """The validation accuracy; marked where it is not final, or measured on the test split."""
    if row["val_accuracy"] is None:
        return MISSING
    start = SO_FAR if is_so_far(row) else ""
    end = ON_TEST if row["validation"] == "test" else ""
    return start + accuracy(row["val_accuracy"]) + end


def test_text(row: Row) -> str:
    """The test accuracy; marked where mirror images had a part in it."""
    if row["test_accuracy"] is None:
        return MISSING
    return accuracy(row["test_accuracy"]) + (MIRRORED if row["test_time_flip"] else "")


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
    Column("test_accuracy", "test acc", test_text, 9),
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
"""The columns of a table of runs, from left to right."""
MODEL_COLUMNS = (
    Column("model", "model", lambda row: _printable(row["model"]), 9, right=False),
    Column("dataset", "data", lambda row: _printable(short(row["dataset"])), 5, right=False),
    Column("runs", "runs", lambda row: str(row["runs"]), 6),
    Column("best_accuracy", "best acc", lambda row: accuracy(row["best_accuracy"]), 8),
    Column("mean_accuracy", "mean acc", lambda row: accuracy(row["mean_accuracy"]), 7),
    Column("std_accuracy", "std", lambda row: accuracy(row["std_accuracy"]), 3),
    Column("mean_train_seconds", "mean train", lambda row: duration(row["mean_train_seconds"]), 4),
)
"""The same of a table of models, their runs taken together."""


def to_json(table: RankingTable) -> str:
    """Make an array with an object for each row; null where nothing is known."""
    return json.dumps(table.rows, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def to_csv(table: RankingTable) -> str:
    """Make a header and a line for each row; an empty field where nothing is known."""
    forms = {**dict.fromkeys(("members", "stages", "tags"), "; ".join), "curve": _curve_text}
    text = io.StringIO()
    writer = csv.DictWriter(text, table.keys, lineterminator="\n")
    writer.writeheader()
    for row in table.rows:
        writer.writerow(row | {key: forms[key](row[key]) for key in forms if key in row})
    return text.getvalue()


def _curve_text(curve: list[Any]) -> str:
    return json.dumps(curve, separators=(",", ":"))


def to_markdown(table: RankingTable) -> str:
    """Make a table for a README, with all columns."""
    columns, marks = _columns(table), marks_by_run(table)
    if marks:
        columns.insert(0, Column("", "", lambda row: marks.get(row["run_id"], ""), 0, right=False))
    cells = [[column.text(row) for column in columns] for row in table.rows]
    titles, right = [column.title for column in columns], [column.right for column in columns]
    notes = "".join(f"\n- {note}" for note in legend(table))
    return markdown_table(titles, cells, right) + (f"\n{notes}" if notes else "") + "\n"


def markdown_table(
    titles: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[bool]
) -> str:
    """Make a Markdown table, without a newline at its end."""
    marks = ["--:" if is_right else ":--" for is_right in right]
    lines = ["| " + " | ".join(map(_cell, cells)) + " |" for cells in (titles, *rows)]
    return "\n".join([lines[0], f"|{'|'.join(marks)}|", *lines[1:]])


def _cell(text: str) -> str:
    return plain(text).replace("|", "\\|")


def plain(text: str) -> str:
    """Escape a text, so that Markdown does not take names for markup or HTML."""
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)


def marks_by_run(table: RankingTable) -> dict[str, str]:
    """Mark the most accurate run `★`, the fastest `⚡`, and a run that is both with both."""
    marks: dict[str, str] = {}
    if not table.is_of_runs:
        return marks
    for run_id, mark in ((best(table), BEST), (fastest(table), FASTEST)):
        if run_id is not None:
            marks[run_id] = marks.get(run_id, "") + mark
    return marks


def legend(table: RankingTable) -> list[str]:
    """Explain the marks of a table, one line each, with the runs that have them."""
    lines: list[str] = []
    if not table.is_of_runs:
        return lines
    winner, quickest = (_row(table, run_id) for run_id in (best(table), fastest(table)))
    if winner is not None:
        share = accuracy(winner["test_accuracy"])
        lines.append(f"{BEST} most accurate: {model_label(winner)}, {share}")
    if quickest is not None:
        seconds = duration(quickest["train_seconds"])
        lines.append(f"{FASTEST} fastest: {model_label(quickest)}, trained in {seconds}")
    if any(is_so_far(row) and row["val_accuracy"] is not None for row in table.rows):
        lines.append(f"{SO_FAR} so far: the run can still train")
    if "test" in table.column("validation"):
        lines.append(f"{ON_TEST} validated on the test split")
    if any(row["test_time_flip"] and row["test_accuracy"] is not None for row in table.rows):
        lines.append(f"{MIRRORED} tested with mirror images, too")
    return lines


def _row(table: RankingTable, run_id: str | None) -> Row | None:
    return next((row for row in table.rows if row["run_id"] == run_id), None)


def table_text(table: RankingTable, width: int) -> str:
    """Make an aligned table with its legend.

    Args:
        table: a ranking, of runs or of models.
        width: columns of the terminal; the least important columns are left out to fit.
    """
    first, *others = _columns(table)
    cells = {column.key: _cells(column, table.rows) for column in (first, *others)}
    widths = {key: max(map(cell_width, {*texts})) for key, texts in cells.items()}
    lead = _lead(table)
    room = width - cell_width(lead[0])
    shown = most_important(others, widths, room - widths[first.key])
    shown = shown or [max(others, key=lambda column: column.importance)]
    spare = room - sum(widths[column.key] + GAP for column in shown)
    names = [shortened(name, max(spare, _FIRST_AT_LEAST)) for name in cells[first.key]]
    grid = list(zip(names, *(cells[column.key] for column in shown), strict=True))
    lines = aligned(grid, [column.right for column in (first, *shown)])
    text = "\n".join(map("".join, zip(lead, lines, strict=True)))
    on_figures = (SO_FAR, *FOOTNOTES)  # whose column may be left out
    notes = [note for note in legend(table) if note[0] not in on_figures or note[0] in text]
    return "\n".join([text, *notes]) + "\n"


def _columns(table: RankingTable) -> list[Column]:
    if not table.is_of_runs:
        return list(MODEL_COLUMNS)
    left_out = {
        key
        for key, says_something in (
            ("dataset", len({*table.column("dataset")}) > 1),
            ("differs", any(table.column("differs"))),
            *((metric.key, {*table.column(metric.key)} - {None}) for metric in METRICS),
        )
        if not says_something
    }
    asked = table.asked_targets
    left_out.update(asked)
    columns = [column for column in COLUMNS if column.key in table.keys]
    shown = [column for column in columns if column.key not in left_out]
    return [*shown, *map(_target, asked)]


def _target(key: str) -> Column:
    goal = float(key.removeprefix(TARGET)) / 100
    title = f"to {max(f'{goal:.2f}', f'{goal:g}', key=len)}"
    return Column(key, title, lambda row: duration(row[key]), 5)


def _cells(column: Column, rows: list[dict[str, Any]]) -> list[str]:
    """Return a column's title and texts; where some have a footnote, the others are as wide."""
    texts = [column.text(row) for row in rows]
    if column.right and any(text.endswith(FOOTNOTES) for text in texts):
        texts = [text if text.endswith(FOOTNOTES) else text + " " for text in texts]
    return [column.title, *texts]


def _lead(table: RankingTable) -> list[str]:
    """Make rank and marks before each line, the header's first; models have none."""
    if not table.is_of_runs:
        return [""] * (len(table.rows) + 1)
    marks = marks_by_run(table)
    room = max(map(cell_width, marks.values()), default=0)
    digits = len(str(len(table.rows)))
    lines = [
        f"{place:>{digits}} {fitted(marks.get(run_id, ''), room)} "
        for place, run_id in enumerate(table.column("run_id"), 1)
    ]
    return [" " * (digits + room + 2), *lines]
