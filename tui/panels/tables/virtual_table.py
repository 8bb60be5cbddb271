"""A table of any number of rows, with keys and mouse; draws only the rows in view."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from engine.common.text import Column, Row
from tui.panels.tables.columns import TableColumns
from tui.panels.tables.drawing import (
    DOWN,
    HEADER,
    QUIET,
    SORTED,
    UP,
    Piece,
    header,
    line,
    segments,
    segments_under_cursor,
)
from tui.panels.tables.rows import TableRows, sorted_rows

_NOTHING_FITS = "nothing fits the filter"


class VirtualTable(ScrollView, can_focus=True):
    """Rows under a header, with the first column fixed and the most important others in view.

    Keys move the cursor and the columns, and a click on the header sorts: ten thousand rows cost
    no more than fifty. Messages report changes. A subclass defines the columns, marks, texts and
    styles of its table.

    Args:
        key: which of a row's values identifies it.
        sort_key: the column to sort by at first, in its usual direction.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "move_page(-1)", "page up", show=False),
        Binding("pagedown", "move_page(1)", "page down", show=False),
        Binding("home", "go_to(0)", "first", show=False),
        Binding("end", "go_to(-1)", "last", show=False),
        Binding("left,h", "columns(-1)", "columns to the left", show=False),
        Binding("right,l", "columns(1)", "columns to the right", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        HEADER,
        SORTED,
        QUIET,
        "table--cursor",
        "table--best",
        "table--fast",
        "table--marked",
        "table--warning",
        "table--error",
    }
    DEFAULT_CSS = """
    VirtualTable {
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
    }
    """
    HIGH_FIRST: ClassVar[frozenset[str]] = frozenset()
    """Columns whose usual direction is from high to low."""
    SORTED_FIRST: ClassVar[tuple[str, ...]] = ()
    """The columns that come first when sorting by the next one."""

    @dataclass
    class Highlighted(Message):
        """The cursor is on another row, or on the same row with other values."""

        table: VirtualTable
        key: str

    @dataclass
    class Opened(Message):
        """The row under the cursor was clicked."""

        table: VirtualTable
        key: str

    @dataclass
    class Sorted(Message):
        """A click on the header changed the order."""

        table: VirtualTable

    def __init__(self, key: str, sort_key: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.sort_key = sort_key
        self.is_descending = sort_key in self.HIGH_FIRST
        self._rows = TableRows(key)
        self._columns = TableColumns()

    # What a subclass defines.

    def columns_of(self, rows: Sequence[Row]) -> list[Column]:
        """Return the columns for these rows, the fixed one first, in the order wanted."""
        raise NotImplementedError

    def lead_width(self, rows: Sequence[Row]) -> int:
        """Number of cells before the fixed column, for marks."""
        return 0

    def lead(self, row: Row) -> list[Piece]:
        """Return the marks of a row, `lead_width` cells wide."""
        return []

    def text_of(self, column: Column, row: Row) -> str:
        """What a cell says."""
        return column.text(row)

    def style_of(self, column: Column, row: Row) -> str:
        """Return the component class of a cell; empty for the table's colours."""
        return ""

    def in_order(self, rows: Iterable[Row]) -> list[Row]:
        """Order the rows from top to bottom."""
        return sorted_rows(rows, self.sort_key, self.is_descending)

    # Rows.

    def fill(self, rows: Sequence[Row]) -> None:
        """Show these rows, with the cursor on the same one as before, else on the first."""
        self._rows.all = rows
        self._columns.show(self.columns_of(rows), rows, self.lead_width(rows), self._width)
        self._arrange_rows()

    def show_only(self, keys: Collection[str] | None) -> None:
        """Show only the rows whose key is among these; None shows all."""
        if keys != self._rows.only:
            self._rows.only = keys
            self._arrange_rows()

    @property
    def keys(self) -> list[str]:
        """Of the rows shown, from top to bottom."""
        return self._rows.keys

    @property
    def row_count(self) -> int:
        """Of the rows shown."""
        return len(self._rows.shown)

    @property
    def current_row(self) -> Row | None:
        """The row under the cursor."""
        return self._rows.current

    @property
    def current_key(self) -> str | None:
        """The key of the row under the cursor."""
        return self._rows.current_key

    def cell_text(self, row_key: str, key: str) -> str:
        """Return the text of a cell; `mark` is the text before the first column."""
        row = self._rows.with_key(row_key)
        if key == "mark":
            return "".join(text for text, _ in self.lead(row)).strip()
        return self.text_of(self._column(key), row).strip()

    def _arrange_rows(self) -> None:
        self._rows.arrange(self.in_order)
        self._show_rows()
        self._tell()

    def _show_rows(self) -> None:
        self.virtual_size = Size(self.size.width, self.row_count + 1)
        self._reveal()
        self.refresh()

    # Columns.

    @property
    def columns_in_view(self) -> list[str]:
        """Keys of the columns drawn, from left to right."""
        return [placed.column.key for placed in self._columns.in_view(self._width)]

    def title_of(self, key: str) -> str:
        """Return a column's title, with the mark of the order if the rows are sorted by it."""
        return self._column(key).title + (self._order_mark if key == self.sort_key else "")

    @property
    def sorted_by(self) -> str:
        """The title of the sorted column with its mark."""
        column = self._columns.find(self.sort_key)
        return f"{column.title if column else self.sort_key} {self._order_mark}"

    def sort_by(self, key: str) -> None:
        """Sort by a column in its usual direction; by the same one again in the other."""
        if key == self.sort_key:
            self.is_descending = not self.is_descending
        else:
            self.sort_key, self.is_descending = key, key in self.HIGH_FIRST
        self._arrange_rows()

    def sort_by_next(self) -> None:
        """Sort by the next column: the first ones first, then those that fit, left to right."""
        keys = list(dict.fromkeys((*self.SORTED_FIRST, *self._columns.fitting)))
        place = keys.index(self.sort_key) if self.sort_key in keys else -1
        self.sort_by(keys[(place + 1) % len(keys)] if keys else self.sort_key)

    def _column(self, key: str) -> Column:
        column = self._columns.find(key)
        if column is None:
            raise KeyError(key)
        return column

    @property
    def _order_mark(self) -> str:
        return DOWN if self.is_descending else UP

    # Keys and mouse.

    def action_move(self, rows: int) -> None:
        """Move the cursor by a number of rows, down or up."""
        self._go(self._rows.cursor + rows)

    def action_move_page(self, pages: int) -> None:
        """Move the cursor by a number of pages, down or up."""
        self._go(self._rows.cursor + pages * max(self._page, 1))

    def action_go_to(self, row: int) -> None:
        """Move the cursor to a row; -1 is the last."""
        self._go(row if row >= 0 else self.row_count + row)

    def action_columns(self, step: int) -> None:
        """Scroll the columns behind the fixed one by one."""
        self._columns.move(step, self._width)
        self.refresh()

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        event.stop()
        self.action_columns(1)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        event.stop()
        self.action_columns(-1)

    def on_click(self, event: events.Click) -> None:
        place = event.get_content_offset(self)
        if place is None:
            return
        if place.y == 0:
            self._click_header(place.x)
            return
        row = place.y - 1 + self.scroll_offset.y
        if row >= self.row_count:
            return
        if row == self._rows.cursor:
            self.post_message(self.Opened(self, self.current_key or ""))
        self._go(row)

    def _click_header(self, x: int) -> None:
        for placed in self._columns.in_view(self._width):
            if placed.left <= x < placed.left + placed.width:
                self.sort_by(placed.column.key)
                self.post_message(self.Sorted(self))
                return

    def _go(self, row: int) -> None:
        if self._rows.move_to(row):
            self._reveal()
            self.refresh()
            self._tell()

    def _tell(self) -> None:
        key = self.current_key
        if key is not None:
            self.post_message(self.Highlighted(self, key))

    # Size and drawing.

    @property
    def _width(self) -> int:
        """Number of cells of a line, without the scroll bar."""
        return self.scrollable_content_region.width

    @property
    def _page(self) -> int:
        return self.scrollable_content_region.height - 1

    def on_resize(self) -> None:
        self._columns.arrange(self._width)
        self._show_rows()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def _reveal(self) -> None:
        top, page, cursor = round(self.scroll_y), self._page, self._rows.cursor
        if page < 1:
            return
        top = min(top, cursor, max(self.row_count - page, 0))
        top = max(top, cursor - page + 1)
        if top != self.scroll_y:
            self.scroll_to(y=top, animate=False, force=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        # By all rows, so that nothing moves while a filter is typed.
        return len(self._rows.all) + 1

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        return Strip(self._segments(y)).adjust_cell_length(self._width, base).apply_style(base)

    def _segments(self, y: int) -> list[Segment]:
        row = y - 1 + self.scroll_offset.y
        if y == 0:
            return self._header() if self._rows.all else []
        if row < self.row_count:
            return self._line(self._rows.shown[row], is_current=row == self._rows.cursor)
        if y == 1 and self._rows.all and not self._rows.shown:
            return segments([(f" {_NOTHING_FITS}", QUIET)], self._styles(QUIET))
        return []

    def _header(self) -> list[Segment]:
        def title(column: Column) -> Piece:
            return self.title_of(column.key), SORTED if column.key == self.sort_key else HEADER

        pieces = header(self._columns, self._width, title)
        return segments(pieces, self._styles(HEADER, SORTED))

    def _line(self, row: Row, *, is_current: bool) -> list[Segment]:
        def cell(column: Column) -> Piece:
            return self.text_of(column, row), self.style_of(column, row)

        pieces = line(self._columns, self._width, self.lead(row), cell)
        styles = self._styles(*{name for _, name in pieces})
        if not is_current:
            return segments(pieces, styles)
        cursor = self.get_component_rich_style("table--cursor")
        return segments_under_cursor(pieces, styles, cursor, self._width)

    def _styles(self, *names: str) -> Mapping[str, Style]:
        own = self.rich_style
        return {name: self.get_component_rich_style(name) if name else own for name in names}
