"""How the columns of a table share its width: which fit, how wide each is, where each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def arranged(
    columns: Sequence[Column], widths: Mapping[str, int], room: int
) -> tuple[list[Column], int]:
    """Order the columns from left to right, those that fit first.

    Args:
        columns: in the order in which they are wanted.
        widths: cells of each, by key.
        room: cells for them, the gap before each included.

    Returns:
        The most important columns that fit into `room`, then the others, both in the order wanted;
        and how many fit.
    """
    kept = most_important(columns, widths, room)
    keys = {column.key for column in kept}
    return [*kept, *(column for column in columns if column.key not in keys)], len(kept)


def in_view(columns: Sequence[Column], widths: Mapping[str, int], first: int, room: int) -> int:
    """Count the columns from `first` on that fit into `room` cells."""
    count = 0
    for column in columns[first:]:
        room -= widths[column.key] + GAP
        if room < 0:
            break
        count += 1
    return count


def last_first(columns: Sequence[Column], widths: Mapping[str, int], room: int) -> int:
    """Find the first column from which on all the rest fits: scrolling ends there."""
    first = len(columns)
    while first > 0:
        room -= widths[columns[first - 1].key] + GAP
        if room < 0:
            break
        first -= 1
    return min(first, max(len(columns) - 1, 0))


def is_missing(value: Any) -> bool:
    """Tell whether a value is unknown: None, NaN, an empty text or list."""
    return value is None or value != value or value == "" or value == []


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
        others, self._fitting = arranged(self._wanted[1:], self._widths, self._room(width))
        self._columns = [self._wanted[0], *others]
        self._first = min(self._first, self._last_first(width))

    def move(self, step: int, width: int) -> None:
        """Scroll the columns behind the fixed one by a number to the left, or to the right."""
        self._first = max(min(self._first + step, self._last_first(width)), 0)

    def find(self, key: str) -> Column | None:
        """Find the column with this key, in view or not."""
        return next((column for column in self._columns if column.key == key), None)

    @property
    def fitting(self) -> list[str]:
        """Keys of those that fit, from left to right."""
        return [column.key for column in self._columns[: self._fitting + 1]]

    def in_view(self, width: int) -> list[PlacedColumn]:
        """List the columns to draw, from left to right."""
        others = self._columns[1:]
        count = in_view(others, self._widths, self._first, self._room(width))
        placed: list[PlacedColumn] = []
        left = self.lead_width
        for column in [*self._columns[:1], *others[self._first : self._first + count]]:
            taken = self._widths[column.key] if placed else self._fixed_width(width)
            placed.append(PlacedColumn(column, left, taken))
            left += taken + GAP
        return placed

    def are_hidden(self, width: int) -> tuple[bool, bool]:
        """Whether there are more columns to the left and to the right of those in view."""
        others = len(self._columns) - 1
        behind = others - self._first - (len(self.in_view(width)) - 1)
        return self._first > 0, behind > 0

    def _last_first(self, width: int) -> int:
        return last_first(self._columns[1:], self._widths, self._room(width))

    def _room(self, width: int) -> int:
        """Cells for the columns behind the fixed one."""
        return max(width - self.lead_width - self._fixed_width(width) - HINT_WIDTH, 0)

    def _fixed_width(self, width: int) -> int:
        """The width of the first column: as its texts need, less on a narrow terminal."""
        if not self._wanted:
            return 0
        most = max(width // 3, _FIXED_AT_LEAST)
        return min(self._widths[self._wanted[0].key], most)
