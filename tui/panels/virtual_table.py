"""A table of any number of rows with keys and mouse; draws only the rows in view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.panels.drawn_table import DrawnTable
from tui.panels.table_columns import GAP, last_first


class VirtualTable(DrawnTable):
    """Moves the cursor and the columns, sorts by a click on the header; says what changed."""

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

    @dataclass
    class Highlighted(Message):
        """The cursor is on another row, or on the same one with other values."""

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

    def action_move(self, rows: int) -> None:
        """Move the cursor so many rows down, or up."""
        self._go(self._cursor + rows)

    def action_move_page(self, pages: int) -> None:
        """Move the cursor so many pages down, or up."""
        self._go(self._cursor + pages * max(self._page, 1))

    def action_go_to(self, row: int) -> None:
        """Move the cursor to a row; -1 is the last."""
        self._go(row if row >= 0 else len(self._rows) + row)

    def action_columns(self, step: int) -> None:
        """Move the columns behind the fixed one by one."""
        last = last_first(self._columns[1:], self._widths, self._room)
        self._first = max(min(self._first + step, last), 0)
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
        if row >= len(self._rows):
            return
        if row == self._cursor:
            self.post_message(self.Opened(self, self.current_key or ""))
        self._go(row)

    def _click_header(self, x: int) -> None:
        left = self._lead_width
        for number, column in enumerate(self._drawn_columns()):
            width = self._width_of(column) if number else self._fixed_width
            if number:
                left += GAP
            if left <= x < left + width:
                self.sort_by(column.key)
                self.post_message(self.Sorted(self))
                return
            left += width

    def _go(self, row: int) -> None:
        row = max(min(row, len(self._rows) - 1), 0)
        if row == self._cursor:
            return
        self._cursor = row
        self._reveal()
        self.refresh()
        self._tell()

    def _tell(self) -> None:
        key = self.current_key
        if key is not None:
            self.post_message(self.Highlighted(self, key))
