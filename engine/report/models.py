"""A ranking grouped by model, as text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from engine.common.text import MISSING, Row, accuracy, cell_width, duration, printable
from engine.config.dataset_names import short
from engine.report.table import records

if TYPE_CHECKING:
    from pandas import DataFrame

TITLES = ("model", "data", "runs", "best acc", "mean acc", "std", "mean train")
_WIDEST_NAME = 40


def models_to_json(frame: DataFrame) -> str:
    """Make an array with an object a model; null where nothing is known."""
    return json.dumps(records(frame), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def models_to_csv(frame: DataFrame) -> str:
    """Make a header and a line a model; an empty field where nothing is known."""
    return str(frame.to_csv(index=False, lineterminator="\n"))


def models_to_markdown(frame: DataFrame) -> str:
    """Make a table for a README."""
    lines = ["| " + " | ".join(TITLES) + " |", "|:--|:--" + "|--:" * (len(TITLES) - 2) + "|"]
    for row in records(frame):
        cells = [cell.replace("|", "\\|") for cell in _cells(row)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def models_text(frame: DataFrame, *, ascii_only: bool = False) -> str:
    """Make an aligned table; a single run has no standard deviation."""
    grid = [TITLES, *map(_cells, records(frame))]
    widths = [max(map(cell_width, column)) for column in zip(*grid, strict=True)]
    lines = []
    for cells in grid:
        room = [" " * (width - cell_width(cell)) for cell, width in zip(cells, widths, strict=True)]
        names = [cell + space for space, cell in zip(room[:2], cells[:2], strict=True)]
        numbers = [space + cell for space, cell in zip(room[2:], cells[2:], strict=True)]
        lines.append("  ".join([*names, *numbers]) + "\n")
    text = "".join(lines)
    return text.replace(MISSING, "-") if ascii_only else text


def _cells(row: Row) -> tuple[str, ...]:
    return (
        printable(row["model"])[:_WIDEST_NAME],
        printable(short(row["dataset"]))[:_WIDEST_NAME],
        str(row["runs"]),
        accuracy(row["best_accuracy"]),
        accuracy(row["mean_accuracy"]),
        accuracy(row["std_accuracy"]),
        duration(row["mean_train_seconds"]),
    )
