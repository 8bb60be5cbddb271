"""A table of any number of rows, with keys and mouse; draws only the rows in view."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from engine.common.text import GAP, Column, Row, cell_width, fitted
from tui.panels.tables.columns import HINT_WIDTH, TableColumns, sorted_rows

Piece = tuple[str, str]
"""A text, and the component class it is drawn in; empty for the table's own colours."""
UP, DOWN = "▴", "▾"
_HEADER, _SORTED, _QUIET = "table--header", "table--sorted", "table--quiet"
_MORE_LEFT, _MORE_RIGHT = "‹", "›"
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

    ALLOW_SELECT = False  # what is drawn line by line would not show what is marked
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
        _HEADER,
        _SORTED,
        _QUIET,
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

    class Highlighted(Message):
        """The cursor is on another row, or on the same row with other values."""

    class Opened(Message):
        """The row under the cursor was clicked."""

    class Sorted(Message):
        """The rows are in another order."""

    def __init__(self, key: str, sort_key: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.sort_key = sort_key
        self.is_descending = sort_key in self.HIGH_FIRST
        self._key = key
        self._all: Sequence[Row] = ()
        self._only: Collection[str] | None = None
        """The keys of the rows to show; None for all."""
        self._shown: Sequence[Row] = ()
        """The rows shown, from top to bottom."""
        self._cursor = 0
        self._columns = TableColumns()

    # What a subclass defines.

    def columns_of(self, rows: Sequence[Row]) -> list[Column]:
        """Return the columns for these rows, the fixed one first, in the order wanted."""
        raise NotImplementedError

    def lead(self, row: Row) -> list[Piece]:
        """Return the marks before the fixed column, of all rows equally wide."""
        return [(" ", "")]

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
        self._all = rows
        lead_width = sum(cell_width(text) for row in rows[:1] for text, _ in self.lead(row))
        self._columns.show(self.columns_of(rows), rows, lead_width, self._width)
        self._arrange_rows()

    def show_only(self, keys: Collection[str] | None) -> None:
        """Show only the rows whose key is among these; None shows all."""
        if keys != self._only:
            self._only = keys
            self._arrange_rows()

    @property
    def keys(self) -> list[str]:
        """Of the rows shown, from top to bottom."""
        return [str(row[self._key]) for row in self._shown]

    @property
    def rows(self) -> Sequence[Row]:
        """The rows shown, from top to bottom."""
        return self._shown

    @property
    def row_count(self) -> int:
        """Of the rows shown."""
        return len(self._shown)

    @property
    def current_row(self) -> Row | None:
        """The row under the cursor."""
        return self._shown[self._cursor] if self._cursor < len(self._shown) else None

    @property
    def current_key(self) -> str | None:
        """The key of the row under the cursor."""
        row = self.current_row
        return None if row is None else str(row[self._key])

    def _arrange_rows(self) -> None:
        """Order the rows, with the cursor on the same one as before, else at the same place."""
        current, only = self.current_key, self._only
        rows = self._all if only is None else [row for row in self._all if row[self._key] in only]
        self._shown = self.in_order(rows)
        keys = self.keys
        if current in keys:
            self._cursor = keys.index(current)
        else:
            self._cursor = self._nearest(0 if current is None else self._cursor)
        self._show_rows()
        if rows:
            self.post_message(self.Highlighted())

    def _nearest(self, place: int) -> int:
        return max(min(place, len(self._shown) - 1), 0)

    def _show_rows(self) -> None:
        self.virtual_size = Size(self.size.width, self.row_count + 1)
        self._reveal()
        self.refresh()

    # Columns.

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
        self.post_message(self.Sorted())

    def action_turn_order(self) -> None:
        """Sort the other way round."""
        self.sort_by(self.sort_key)

    def action_sort(self) -> None:
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
        self._go(self._cursor + rows)

    def action_move_page(self, pages: int) -> None:
        """Move the cursor by a number of pages, down or up."""
        self._go(self._cursor + pages * max(self._page, 1))

    def action_go_to(self, row: int) -> None:
        """Move the cursor to a row; -1 is the last."""
        self._go(row if row >= 0 else self.row_count + row)

    def go_to_key(self, key: str) -> bool:
        """Move the cursor to the row of this key; return whether it is shown."""
        keys = self.keys
        if key in keys:
            self._go(keys.index(key))
        return key in keys

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
        if row == self._cursor:
            self.post_message(self.Opened())
        self._go(row)

    def _click_header(self, x: int) -> None:
        for placed in self._columns.in_view(self._width):
            if placed.left <= x < placed.left + placed.width:
                self.sort_by(placed.column.key)
                return

    def _go(self, row: int) -> None:
        before, self._cursor = self._cursor, self._nearest(row)
        if self._cursor != before:
            self._reveal()
            self.refresh()
            self.post_message(self.Highlighted())

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

    def _reveal(self) -> None:
        top, page, cursor = round(self.scroll_y), self._page, self._cursor
        if page < 1:
            return
        top = min(top, cursor, max(self.row_count - page, 0))
        top = max(top, cursor - page + 1)
        if top != self.scroll_y:
            self.scroll_to(y=top, animate=False, force=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        # By all rows, so that nothing moves while a filter is typed.
        return len(self._all) + 1

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        return Strip(self._segments(y)).adjust_cell_length(self._width, base).apply_style(base)

    def _segments(self, y: int) -> list[Segment]:
        row = y - 1 + self.scroll_offset.y
        if y == 0:
            return self._styled(self._header()) if self._all else []
        if row < self.row_count:
            return self._line(self._shown[row], is_current=row == self._cursor)
        if y == 1 and self._all and not self._shown:
            return self._styled([(f" {_NOTHING_FITS}", _QUIET)])
        return []

    def _header(self) -> list[Piece]:
        """Make the titles of the columns in view, and signs of further ones."""

        def title(column: Column) -> Piece:
            return self.title_of(column.key), _SORTED if column.key == self.sort_key else _HEADER

        blank = (" " * self._columns.lead_width, _HEADER)
        pieces = self._cells([blank], title, _HEADER)
        is_left, is_right = self._columns.are_hidden(self._width)
        hint = (_MORE_LEFT if is_left else " ") + (_MORE_RIGHT if is_right else " ")
        return [*pieces, (" " * self._left_over(pieces, HINT_WIDTH) + hint, _HEADER)]

    def _line(self, row: Row, *, is_current: bool) -> list[Segment]:
        def cell(column: Column) -> Piece:
            return self.text_of(column, row), self.style_of(column, row)

        pieces = self._cells(self.lead(row), cell)
        if not is_current:
            return self._styled(pieces)
        # On the cursor's background, over the whole width, all is equally bright.
        cursor = self.get_component_rich_style("table--cursor")
        under = Style(bgcolor=cursor.bgcolor)
        styles = {name: style + under for name, style in self._styles(pieces).items()}
        styles |= {"": cursor, _QUIET: cursor}
        filled = [*pieces, (" " * self._left_over(pieces), "")]
        return [Segment(text, styles[name]) for text, name in filled]

    def _cells(
        self, lead: Sequence[Piece], cell_of: Callable[[Column], Piece], gap: str = ""
    ) -> list[Piece]:
        """Make a line's cells of the columns in view, behind the text before the first one."""
        pieces = list(lead)
        for number, placed in enumerate(self._columns.in_view(self._width)):
            text, style = cell_of(placed.column)
            if number:
                pieces.append((" " * GAP, gap))
            pieces.append((fitted(text, placed.width, placed.column.right), style))
        return pieces

    def _left_over(self, pieces: Sequence[Piece], kept: int = 0) -> int:
        return max(self._width - sum(cell_width(text) for text, _ in pieces) - kept, 0)

    def _styled(self, pieces: Sequence[Piece]) -> list[Segment]:
        styles = self._styles(pieces)
        return [Segment(text, styles[name]) for text, name in pieces]

    def _styles(self, pieces: Sequence[Piece]) -> dict[str, Style]:
        own, names = self.rich_style, {name for _, name in pieces}
        return {name: self.get_component_rich_style(name) if name else own for name in names}
