"""How the columns of a table share its width: what fits, how wide each is, order of rows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.common.columns import Column, Row, cell_width

GAP = 2
"""Blank cells between two columns."""
UP, DOWN = "▴", "▾"
WIDEST = 40
"""No cell is drawn wider: a run's history in words may be a paragraph."""
_MEASURED_ROWS = 200
_ELLIPSIS = "…"


def measured(columns: Sequence[Column], rows: Sequence[Row]) -> dict[str, int]:
    """Cells that each column takes, by key: its title with a sort mark, and its texts.

    Of many rows only the first ones and those with the extreme values are looked at: among 10,000
    these have the longest texts, and writing all of them would take a second.
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
    """The columns from left to right, those that fit first, and how many these are.

    Args:
        columns: in the order in which they are wanted.
        widths: cells of each, by key.
        room: cells there are for them, the gap before each included.

    Returns:
        The columns of which the most important fit into `room`, then the others, both in the
        order wanted; and how many fit.
    """
    kept = list(columns)
    while kept and sum(widths[column.key] + GAP for column in kept) > room:
        # Of equals the one further to the right goes.
        kept.remove(min(reversed(kept), key=lambda column: column.importance))
    keys = {column.key for column in kept}
    return [*kept, *(column for column in columns if column.key not in keys)], len(kept)


def in_view(columns: Sequence[Column], widths: Mapping[str, int], first: int, room: int) -> int:
    """How many columns from `first` on fit into `room` cells."""
    count = 0
    for column in columns[first:]:
        room -= widths[column.key] + GAP
        if room < 0:
            break
        count += 1
    return count


def last_first(columns: Sequence[Column], widths: Mapping[str, int], room: int) -> int:
    """The first column from which on all the rest fits: there is no scrolling beyond."""
    first = len(columns)
    while first > 0:
        room -= widths[columns[first - 1].key] + GAP
        if room < 0:
            break
        first -= 1
    return min(first, max(len(columns) - 1, 0))


def cell(text: str, width: int, right: bool) -> str:
    """The text in exactly `width` cells, shortened where it is longer."""
    size = cell_width(text)
    if size > width:
        while text and cell_width(text) > width - 1:
            text = text[:-1]
        text += _ELLIPSIS
        size = cell_width(text)
    blank = " " * (width - size)
    return blank + text if right else text + blank


def sorted_rows(rows: Iterable[Row], key: str, descending: bool) -> list[Row]:
    """The rows by one of their values; those without it come last either way."""
    known: list[Row] = []
    missing: list[Row] = []
    for row in rows:
        (missing if is_missing(row.get(key)) else known).append(row)
    return [*sorted(known, key=lambda row: _comparable(row[key]), reverse=descending), *missing]


def is_missing(value: Any) -> bool:
    """Whether nothing is known: None, NaN, an empty text or list."""
    return value is None or value != value or value == "" or value == []


def _comparable(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value
