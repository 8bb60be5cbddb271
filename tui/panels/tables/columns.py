"""How the columns of a table share its width, and its rows are ordered: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.common.text import GAP, Column, Row, cell_width, most_important

HINT_WIDTH = 2
"""Cells at the right end of the header, for the sign of further columns."""
WIDEST = 40
"""No cell is drawn wider: the text of a run's history may be a paragraph."""
_FIXED_AT_LEAST = 12
_MEASURED_ROWS = 200


def measured(columns: Sequence[Column], rows: Sequence[Row]) -> dict[str, int]:
    """Measure the cells that each column takes, by key: its title with a sort mark, and its texts.

    Of many rows only the first ones and those with extreme values are measured: among 10,000 these
    have the longest texts, and formatting all of them would take a second.
    """
    widths = {}
    for column in columns:
        texts = [column.text(row) for row in _telling_rows(column.key, rows)]
        widest = max(map(cell_width, texts), default=0)
        widths[column.key] = min(max(widest, cell_width(column.title) + 1), WIDEST)
    return widths


def _telling_rows(key: str, rows: Sequence[Row]) -> list[Row]:
    first = list(rows[:_MEASURED_ROWS])
    if len(rows) <= _MEASURED_ROWS:
        return first
    values: list[Any] = [row.get(key) for row in rows]
    known = [value for value in values if not is_missing(value)]
    extremes: list[Any] = []
    if known and all(isinstance(value, str) for value in known):
        extremes = [max(known, key=len)]
    elif known and all(isinstance(value, int | float) for value in known):
        extremes = [max(known), min(known)]
    return [*first, *(rows[values.index(value)] for value in extremes)]


def is_missing(value: Any) -> bool:
    """Tell whether a value is unknown: None, NaN, an empty text or list."""
    return value is None or value != value or value == "" or value == []


def sorted_rows(rows: Iterable[Row], key: str, descending: bool) -> list[Row]:
    """Sort the rows by one of their values; those without it come last either way."""
    known: list[Row] = []
    missing: list[Row] = []
    for row in rows:
        (missing if is_missing(row.get(key)) else known).append(row)

    def comparable(row: Row) -> Any:
        value = row[key]
        return value.lower() if isinstance(value, str) else value

    return [*sorted(known, key=comparable, reverse=descending), *missing]


@dataclass(frozen=True, slots=True)
class PlacedColumn:
    """A column and its place."""

    column: Column
    left: int
    """Its first cell."""
    width: int


class TableColumns:
    """Places the columns of a table: the first is fixed, the others scroll past it.

    Columns that do not fit are to the right of those that do, and only the user scrolls.
    A `width` is that of the table's content, which a scroll bar can change at any time.
    """

    def __init__(self) -> None:
        self.lead_width = 0
        """Cells before the fixed column."""
        self._wanted: Sequence[Column] = ()
        self._widths: Mapping[str, int] = {}
        self._columns: list[Column] = []
        self._fitting = self._first = 0

    def show(
        self, columns: Sequence[Column], rows: Sequence[Row], lead_width: int, width: int
    ) -> None:
        """Set the columns, the fixed one first, in the order wanted."""
        self._wanted, self.lead_width = columns, lead_width
        self._widths = measured(columns, rows)
        self.arrange(width)

    def arrange(self, width: int) -> None:
        """Put the columns that fit into this width before the others."""
        if not self._wanted:
            return
        fixed, *others = self._wanted
        fitting = most_important(others, self._widths, self._room(width))
        self._columns = [fixed, *fitting, *(it for it in others if it not in fitting)]
        self._fitting = len(fitting)
        self.move(0, width)

    def move(self, step: int, width: int) -> None:
        """Scroll the columns behind the fixed one, until the last one is whole."""
        if not self._columns:  # nothing was read yet
            return
        room, last = self._room(width), len(self._columns) - 1
        for column in reversed(self._columns[1:]):
            room -= self._widths[column.key] + GAP
            if room < 0:
                break
            last -= 1
        self._first = max(min(self._first + step, last, len(self._columns) - 2), 0)

    def find(self, key: str) -> Column | None:
        """Find the column with this key, in view or not."""
        return next((column for column in self._columns if column.key == key), None)

    @property
    def fitting(self) -> list[str]:
        """Keys of those that fit, from left to right."""
        return [column.key for column in self._columns[: self._fitting + 1]]

    def in_view(self, width: int) -> list[PlacedColumn]:
        """List the columns to draw, from left to right."""
        if not self._columns:
            return []
        placed = [PlacedColumn(self._columns[0], self.lead_width, self._fixed_width(width))]
        end = self.lead_width + placed[0].width + self._room(width)
        for column in self._columns[1 + self._first :]:
            left = placed[-1].left + placed[-1].width + GAP
            if left + self._widths[column.key] > end:
                break
            placed.append(PlacedColumn(column, left, self._widths[column.key]))
        return placed

    def are_hidden(self, width: int) -> tuple[bool, bool]:
        """Whether there are more columns to the left and to the right of those in view."""
        return self._first > 0, self._first + len(self.in_view(width)) < len(self._columns)

    def _room(self, width: int) -> int:
        """Cells for the columns behind the fixed one."""
        return max(width - self.lead_width - self._fixed_width(width) - HINT_WIDTH, 0)

    def _fixed_width(self, width: int) -> int:
        """The width of the first column: as its texts need, less on a narrow terminal."""
        return min(self._widths[self._wanted[0].key], max(width // 3, _FIXED_AT_LEAST))
