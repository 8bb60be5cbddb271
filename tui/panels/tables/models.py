"""The table of models: the runs of each taken together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from engine.common.text import MISSING, Column, Row, accuracy, duration
from tui.panels.tables.columns import is_missing
from tui.panels.tables.virtual_table import VirtualTable

_SPREAD_WIDTH = len(" ± 0.0000")


def mean_text(row: Row) -> str:
    """Format the mean accuracy and, of two or more runs, its deviation, in a fixed width."""
    if is_missing(row["mean_accuracy"]):
        return f"{MISSING:<{_SPREAD_WIDTH + 1}}"
    spread = row["std_accuracy"]
    about = "" if is_missing(spread) else f" ± {spread:.4f}"
    return accuracy(row["mean_accuracy"]) + f"{about:<{_SPREAD_WIDTH}}"


COLUMNS = (
    Column("model", "model", lambda row: str(row["model"]), 10, right=False),
    Column("dataset", "data", lambda row: str(row["dataset"]), 7, right=False),
    Column("best_accuracy", "best acc", lambda row: accuracy(row["best_accuracy"]), 9),
    Column("mean_accuracy", "mean ± std", mean_text, 8),
    Column("runs", "runs", lambda row: str(row["runs"]), 6),
    Column("mean_train_seconds", "mean train", lambda row: duration(row["mean_train_seconds"]), 7),
)


class ModelTable(VirtualTable):
    """One row a model and data set, as `engine.ranking.table` groups them, and a `group`."""

    HIGH_FIRST: ClassVar[frozenset[str]] = frozenset({"best_accuracy", "mean_accuracy", "runs"})

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__("group", "best_accuracy", id=id)

    def columns_of(self, rows: Sequence[Row]) -> list[Column]:
        is_one = len({row["dataset"] for row in rows}) <= 1
        return [column for column in COLUMNS if not (is_one and column.key == "dataset")]
