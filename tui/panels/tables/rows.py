"""The rows of a table: which are shown, in what order, and which one has the cursor."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from engine.common.text import Row
from tui.panels.tables.columns import is_missing


class TableRows:
    """Rows from top to bottom; the cursor stays on its row through sorting and filtering.

    Args:
        key: which of a row's values identifies it.
    """

    def __init__(self, key: str) -> None:
        self.all: Sequence[Row] = ()
        """All rows, shown or not."""
        self.shown: Sequence[Row] = ()
        """The rows shown, from top to bottom."""
        self.only: Collection[str] | None = None
        """The keys of those to show; None for all."""
        self.cursor = 0
        """The index of the cursor's row."""
        self._key = key
        self._places: dict[str, int] = {}

    def arrange(self, in_order: Callable[[Iterable[Row]], Sequence[Row]]) -> None:
        """Show the rows in this order, with the cursor on the same row, else at the same place."""
        current, before, only = self.current_key, self.cursor, self.only
        rows = self.all if only is None else [row for row in self.all if row[self._key] in only]
        self.shown = in_order(rows)
        self._places = {self.key_of(row): place for place, row in enumerate(self.shown)}
        wanted = self._places.get(current or "", 0 if current is None else before)
        self.cursor = self._nearest(wanted)

    def move_to(self, place: int) -> bool:
        """Put the cursor on a row, or on the nearest one; return whether it has moved."""
        before, self.cursor = self.cursor, self._nearest(place)
        return self.cursor != before

    def key_of(self, row: Row) -> str:
        """Return what identifies a row."""
        return str(row[self._key])

    def with_key(self, key: str) -> Row:
        """Return the row shown that has this key."""
        return self.shown[self._places[key]]

    @property
    def keys(self) -> list[str]:
        """Of the rows shown, from top to bottom."""
        return [self.key_of(row) for row in self.shown]

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self.shown[self.cursor] if self.cursor < len(self.shown) else None

    @property
    def current_key(self) -> str | None:
        """The key of the row under the cursor."""
        row = self.current
        return None if row is None else self.key_of(row)

    def _nearest(self, place: int) -> int:
        return max(min(place, len(self.shown) - 1), 0)


def sorted_rows(rows: Iterable[Row], key: str, descending: bool) -> list[Row]:
    """Sort the rows by one of their values; those without it come last either way."""
    known: list[Row] = []
    missing: list[Row] = []
    for row in rows:
        (missing if is_missing(row.get(key)) else known).append(row)
    return [*sorted(known, key=lambda row: _comparable(row[key]), reverse=descending), *missing]


def _comparable(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value
