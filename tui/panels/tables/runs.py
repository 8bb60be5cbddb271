"""The table of runs, sortable by any column, with marks of the best, the fastest and the user's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from engine.common.text import Column, Row, byte_size, cell_width
from engine.ranking.row import is_so_far
from engine.ranking.table import HIGH_FIRST, NOT_FINAL
from engine.report.table import BEST, COLUMNS, FOOTNOTES, METRIC_COLUMNS
from tui.panels.tables.columns import is_missing
from tui.panels.tables.virtual_table import Piece, VirtualTable

ORDER = (
    "model",
    "dataset",
    "test_accuracy",
    "accuracy_low",
    "val_accuracy",
    "train_seconds",
    "wall_seconds",
    "to_80",
    "to_85",
    "status",
    "tags",
    "differs",
    "parameters",
    "flops",
    "images_per_second",
    "peak_memory_bytes",
    "recipe",
    "timeline",
    "note",
)
"""Columns from left to right; those that are not named here follow."""
ON_SCREEN = (
    Column("tags", "tags", lambda row: ", ".join(row["tags"]), 4, right=False),
    Column("peak_memory_bytes", "memory", lambda row: byte_size(row["peak_memory_bytes"]), 0),
    Column("timeline", "layers trained", lambda row: str(row["timeline"]), -1, right=False),
    Column("note", "note", lambda row: str(row["note"]), -2, right=False),
)
"""Columns that other forms of the ranking do not have."""
_ONLY_WHERE_KNOWN = ("tags", "differs", "note")
MARKED, PINNED, DIFFERS = "✓", "◆", "≠"
_IMPORTANCE = {"accuracy_low": 3, "to_85": 2, "differs": -3}
_NOTHING_TO_SAY = -9
_ALWAYS = ("model", "test_accuracy", "train_seconds", "wall_seconds", "status")
"""Columns in view even while their values are unknown, as users look for them."""
_QUIET = frozenset({"accuracy_low", "recipe", "timeline", "differs", "tags", "note"})
_STATUS_STYLES = {
    "completed": "table--quiet",
    "failed": "table--error",
    "interrupted": "table--error",
    "stopped": "table--warning",
    "paused": "table--warning",
    "running": "table--best",
}


class RunTable(VirtualTable):
    """One row a run; pinned runs on top, marked ones ticked."""

    HIGH_FIRST: ClassVar[frozenset[str]] = HIGH_FIRST
    SORTED_FIRST: ClassVar[tuple[str, ...]] = ("test_accuracy", "wall_seconds")

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__("run_id", self.SORTED_FIRST[0], id=id)
        self._marks: Mapping[str, str] = {}
        self._marked: list[str] = []
        self._marks_width = 0
        self._shows_pins = self._shows_differing = False
        self._with_footnotes: frozenset[str] = frozenset()

    def show(self, rows: Sequence[Row], marks: Mapping[str, str]) -> None:
        """Show these runs, with the cursor on the same run as before, else on the first.

        Args:
            rows: as `engine.ranking.table` returns them, best first.
            marks: of the best and of the fastest, by run id.
        """
        self._marks = marks
        ids = {row["run_id"] for row in rows}
        self._marked = [run_id for run_id in self._marked if run_id in ids]
        self._marks_width = max(map(cell_width, marks.values()), default=0)
        self._shows_pins = any(row.get("pinned") for row in rows)
        self._shows_differing = any(row.get("differs") for row in rows)
        footnotes = {
            "val_accuracy": any(row["validation"] == "test" for row in rows),
            "test_accuracy": any(row["test_time_flip"] for row in rows),
        }
        self._with_footnotes = frozenset(key for key, has_one in footnotes.items() if has_one)
        self.fill(rows)

    @property
    def marked(self) -> tuple[str, ...]:
        """Ids of the marked runs, in the order of marking."""
        return tuple(self._marked)

    def toggle_mark(self) -> None:
        """Mark the run under the cursor, or remove its mark."""
        run_id = self.current_key
        if run_id in self._marked:
            self._marked.remove(run_id)
        elif run_id is not None:
            self._marked.append(run_id)
        self.refresh()

    # What the base class asks for.

    def columns_of(self, rows: Sequence[Row]) -> list[Column]:
        sparse = (*_ONLY_WHERE_KNOWN, *(column.key for column in METRIC_COLUMNS))
        left_out = {key for key in sparse if all(is_missing(row.get(key)) for row in rows)}
        if len({row["dataset"] for row in rows}) <= 1:
            left_out.add("dataset")
        more = [column for column in ON_SCREEN if column.key not in {c.key for c in COLUMNS}]
        places = {key: place for place, key in enumerate(ORDER)}
        columns = sorted([*COLUMNS, *more], key=lambda column: places.get(column.key, len(ORDER)))
        return [_weighed(column, rows) for column in columns if column.key not in left_out]

    def in_order(self, rows: Iterable[Row]) -> list[Row]:
        ordered = super().in_order(rows)
        if self.sort_key == NOT_FINAL:
            ordered.sort(key=_is_below_the_final)
        return sorted(ordered, key=lambda row: not row.get("pinned"))

    def lead(self, row: Row) -> list[Piece]:
        is_marked = row["run_id"] in self._marked
        marks = self._marks.get(row["run_id"], "")
        blank = " " * (self._marks_width - cell_width(marks))
        pieces = [(MARKED if is_marked else " ", "table--marked")]
        pieces += [(mark, "table--best" if mark == BEST else "table--fast") for mark in marks]
        pieces.append((blank, ""))
        if self._shows_pins:
            pieces.append((PINNED if row.get("pinned") else " ", "table--marked"))
        if self._shows_differing:
            pieces.append((DIFFERS if row.get("differs") else " ", "table--warning"))
        return [*pieces, (" ", "")]

    def text_of(self, column: Column, row: Row) -> str:
        text = column.text(row)
        if column.key in self._with_footnotes and not text.endswith(FOOTNOTES):
            text += " "
        return text

    def style_of(self, column: Column, row: Row) -> str:
        if column.key == "status":
            return _STATUS_STYLES.get(row["status"], "table--quiet")
        if row["status"] != "completed":
            return "table--quiet"
        return "table--quiet" if column.key in _QUIET else ""


def _is_below_the_final(row: Row) -> int:
    """Return the place of a validation accuracy: final ones first, unknown ones last."""
    return 2 if is_missing(row[NOT_FINAL]) else int(is_so_far(row))


def _weighed(column: Column, rows: Sequence[Row]) -> Column:
    """Set a column's importance on a screen, which shows by marks what `differs`."""
    importance = _IMPORTANCE.get(column.key, column.importance)
    if all(is_missing(row.get(column.key)) for row in rows) and column.key not in _ALWAYS:
        importance = _NOTHING_TO_SAY
    return replace(column, importance=importance)
