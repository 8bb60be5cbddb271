"""From the content of a table to the segments of its lines: pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rich.segment import Segment
from rich.style import Style

from engine.common.text import GAP, Column, cell_width, fitted
from tui.panels.tables.columns import HINT_WIDTH, TableColumns

Piece = tuple[str, str]
"""A text, and the component class it is drawn in; empty for the table's own colours."""
CellOf = Callable[[Column], Piece]
"""The text of a cell and its style, by its column."""
UP, DOWN = "▴", "▾"
HEADER, SORTED, QUIET = "table--header", "table--sorted", "table--quiet"
_MORE_LEFT, _MORE_RIGHT = "‹", "›"


def header(columns: TableColumns, width: int, title_of: CellOf) -> list[Piece]:
    """Make the titles of the columns in view, and signs of further ones."""
    blank = (" " * columns.lead_width, HEADER)
    pieces = line(columns, width, [blank], title_of, gap=HEADER)
    is_left, is_right = columns.are_hidden(width)
    hint = (_MORE_LEFT if is_left else " ") + (_MORE_RIGHT if is_right else " ")
    return [*pieces, (" " * max(width - _cells(pieces) - HINT_WIDTH, 0) + hint, HEADER)]


def line(
    columns: TableColumns, width: int, lead: Sequence[Piece], cell_of: CellOf, gap: str = ""
) -> list[Piece]:
    """Make a row's cells of the columns in view.

    Args:
        columns: of the table.
        width: of the table's content.
        lead: the text before the first column.
        cell_of: returns the row's cell of a column.
        gap: the component class of the cells between two columns.
    """
    pieces = list(lead)
    for number, placed in enumerate(columns.in_view(width)):
        if number:
            pieces.append((" " * GAP, gap))
        text, style = cell_of(placed.column)
        pieces.append((fitted(text, placed.width, placed.column.right), style))
    return pieces


def segments(pieces: Sequence[Piece], styles: Mapping[str, Style]) -> list[Segment]:
    """Style the pieces, each by its component class."""
    return [Segment(text, styles[name]) for text, name in pieces]


def segments_under_cursor(
    pieces: Sequence[Piece], styles: Mapping[str, Style], cursor: Style, width: int
) -> list[Segment]:
    """Style the pieces on the cursor's background, over the whole width, all equally bright."""
    under = Style(bgcolor=cursor.bgcolor)
    filled = [*pieces, (" " * max(width - _cells(pieces), 0), "")]
    return [
        Segment(text, styles[name] + under if name not in ("", QUIET) else cursor)
        for text, name in filled
    ]


def _cells(pieces: Sequence[Piece]) -> int:
    return sum(cell_width(text) for text, _ in pieces)
