"""A table that draws only the rows in view: ten thousand cost no more than fifty."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from engine.common.columns import Column, Row
from tui.panels.table_columns import (
    DOWN,
    GAP,
    UP,
    arranged,
    cell,
    in_view,
    last_first,
    measured,
    sorted_rows,
)

Piece = tuple[str, str]
"""A text, and the component class it is drawn in."""
_MORE_LEFT, _MORE_RIGHT = "‹", "›"
_HINT_WIDTH = 2
_NOTHING_FITS = "nothing fits the filter"
_FIRST_AT_LEAST = 12


class DrawnTable(ScrollView, can_focus=True):
    """Rows under a header, the first column fixed, the most important others in view.

    What does not fit stands to the right of what does and is reached with the right arrow, so
    that nothing moves but what the person moves. The cursor stays on its row, by the row's key,
    over sorting, filtering and new rows.

    Args:
        key: which of a row's values tells it from all others.
        sort_key: the column to sort by at first, in its usual direction.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--sorted",
        "table--cursor",
        "table--quiet",
        "table--best",
        "table--fast",
        "table--marked",
        "table--warning",
        "table--error",
    }
    DEFAULT_CSS = """
    DrawnTable {
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
    }
    """
    HIGH_FIRST: ClassVar[frozenset[str]] = frozenset()
    """Columns whose usual direction is from high to low."""
    SORTED_FIRST: ClassVar[tuple[str, ...]] = ()
    """The columns that sorting by the next one begins with."""

    def __init__(self, key: str, sort_key: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.sort_key = sort_key
        self.is_descending = sort_key in self.HIGH_FIRST
        self._key = key
        self._all: Sequence[Row] = ()
        self._only: Collection[str] | None = None
        self._rows: list[Row] = []
        self._place: dict[str, int] = {}
        self._cursor = 0
        self._wanted: list[Column] = []
        self._columns: list[Column] = []
        self._widths: dict[str, int] = {}
        self._lead_width = 0
        self._fitting = self._first = 0

    # What a table of something fills in.

    def columns_of(self, rows: Sequence[Row]) -> list[Column]:
        """The columns for these rows, the fixed one first, in the order wanted."""
        raise NotImplementedError

    def lead_width(self, rows: Sequence[Row]) -> int:
        """Cells before the fixed column, for marks."""
        return 0

    def lead(self, row: Row) -> list[Piece]:
        """The marks of a row, `lead_width` cells of them."""
        return []

    def text_of(self, column: Column, row: Row) -> str:
        """What a cell says."""
        return column.text(row)

    def style_of(self, column: Column, row: Row) -> str:
        """The component class a cell is drawn in; empty for the table's own colours."""
        return ""

    def in_order(self, rows: Iterable[Row]) -> list[Row]:
        """The rows as they stand from top to bottom."""
        return sorted_rows(rows, self.sort_key, self.is_descending)

    # Rows.

    def fill(self, rows: Sequence[Row]) -> None:
        """Show these rows, the cursor on the same one as before or else on the first."""
        self._all = rows
        self._wanted = self.columns_of(rows)
        self._widths = measured(self._wanted, rows)
        self._lead_width = self.lead_width(rows)
        self._arrange_columns()
        self._arrange_rows()

    def show_only(self, keys: Collection[str] | None) -> None:
        """Leave out the rows whose key is not among these; None shows all."""
        if keys != self._only:
            self._only = keys
            self._arrange_rows()

    @property
    def keys(self) -> list[str]:
        """Of the rows shown, from top to bottom."""
        return [str(row[self._key]) for row in self._rows]

    @property
    def row_count(self) -> int:
        """Of the rows shown."""
        return len(self._rows)

    @property
    def current_row(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self._cursor] if self._cursor < len(self._rows) else None

    @property
    def current_key(self) -> str | None:
        """The key of the row under the cursor."""
        row = self.current_row
        return None if row is None else str(row[self._key])

    def cell_text(self, row_key: str, key: str) -> str:
        """What a cell says; `mark` is what stands before the first column."""
        row = self._rows[self._place[row_key]]
        if key == "mark":
            return "".join(text for text, _ in self.lead(row)).strip()
        column = next(column for column in self._columns if column.key == key)
        return self.text_of(column, row).strip()

    def _arrange_rows(self) -> None:
        current, before = self.current_key, self._cursor
        only = self._only
        rows = self._all if only is None else [row for row in self._all if row[self._key] in only]
        self._rows = self.in_order(rows)
        self._place = {str(row[self._key]): at for at, row in enumerate(self._rows)}
        self._cursor = self._place.get(current or "", 0 if current is None else before)
        self._cursor = max(min(self._cursor, len(self._rows) - 1), 0)
        self.virtual_size = Size(self.size.width, len(self._rows) + 1)
        self._reveal()
        self.refresh()
        self._tell()

    # Columns.

    @property
    def columns_in_view(self) -> list[str]:
        """Keys of the columns drawn, from left to right."""
        return [column.key for column in self._drawn_columns()]

    def title_of(self, key: str) -> str:
        """A column's title, with the mark of the order if the rows stand by it."""
        title = next(column.title for column in self._columns if column.key == key)
        return title + (self._order_mark if key == self.sort_key else "")

    @property
    def sorted_by(self) -> str:
        """The title of the sorted column with its mark."""
        titles = [column.title for column in self._columns if column.key == self.sort_key]
        return f"{(titles or [self.sort_key])[0]} {self._order_mark}"

    def sort_by(self, key: str) -> None:
        """Sort by a column in its usual direction; by the same one again, the other way round."""
        if key == self.sort_key:
            self.is_descending = not self.is_descending
        else:
            self.sort_key, self.is_descending = key, key in self.HIGH_FIRST
        self._arrange_rows()

    def sort_by_next(self) -> None:
        """Sort by the next column: the foremost ones first, then those that fit, left to right."""
        fitting = [column.key for column in self._columns[: self._fitting + 1]]
        keys = list(dict.fromkeys((*self.SORTED_FIRST, *fitting)))
        place = keys.index(self.sort_key) if self.sort_key in keys else -1
        self.sort_by(keys[(place + 1) % len(keys)] if keys else self.sort_key)

    @property
    def _order_mark(self) -> str:
        return DOWN if self.is_descending else UP

    @property
    def _room(self) -> int:
        """Cells for the columns behind the fixed one."""
        width = self.scrollable_content_region.width
        return max(width - self._lead_width - self._fixed_width - _HINT_WIDTH, 0)

    @property
    def _fixed_width(self) -> int:
        """Of the first column: what its texts take, less where the terminal is narrow."""
        if not self._wanted:
            return 0
        most = max(self.scrollable_content_region.width // 3, _FIRST_AT_LEAST)
        return min(self._widths[self._wanted[0].key], most)

    def _arrange_columns(self) -> None:
        if not self._wanted:
            return
        others, self._fitting = arranged(self._wanted[1:], self._widths, self._room)
        self._columns = [self._wanted[0], *others]
        self._first = min(self._first, last_first(others, self._widths, self._room))

    def _drawn_columns(self) -> list[Column]:
        others = self._columns[1:]
        count = in_view(others, self._widths, self._first, self._room)
        return [*self._columns[:1], *others[self._first : self._first + count]]

    def on_resize(self) -> None:
        self._arrange_columns()
        self.virtual_size = Size(self.size.width, len(self._rows) + 1)
        self._reveal()
        self.refresh()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    @property
    def _page(self) -> int:
        return self.scrollable_content_region.height - 1

    def _reveal(self) -> None:
        top, page = round(self.scroll_y), self._page
        if page < 1:
            return
        top = min(top, self._cursor, max(len(self._rows) - page, 0))
        top = max(top, self._cursor - page + 1)
        if top != self.scroll_y:
            self.scroll_to(y=top, animate=False, force=True)

    def _tell(self) -> None:
        """Say which row the cursor is on."""

    # Drawing.

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        # Of all rows, so that nothing moves while a filter is typed.
        return len(self._all) + 1

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        row = y - 1 + self.scroll_offset.y
        if y == 0:
            segments = self._header()
        elif row < len(self._rows):
            segments = self._line(self._rows[row], is_current=row == self._cursor)
        elif y == 1 and self._all and not self._rows:
            segments = [Segment(f" {_NOTHING_FITS}", self._styles("table--quiet")["table--quiet"])]
        else:
            segments = []
        base = self.rich_style
        return Strip(segments).adjust_cell_length(width, base).apply_style(base)

    def _header(self) -> list[Segment]:
        styles = self._styles("table--header", "table--sorted")
        if not self._all:
            return []
        drawn = self._drawn_columns()
        segments = [Segment(" " * self._lead_width, styles["table--header"])]
        for number, column in enumerate(drawn):
            style = "table--sorted" if column.key == self.sort_key else "table--header"
            width = self._width_of(column) if number else self._fixed_width
            if number:
                segments.append(Segment(" " * GAP, styles["table--header"]))
            text = cell(self.title_of(column.key), width, column.right)
            segments.append(Segment(text, styles[style]))
        more = len(self._columns) - 1 - self._first - (len(drawn) - 1)
        hint = (_MORE_LEFT if self._first else " ") + (_MORE_RIGHT if more > 0 else " ")
        used = sum(segment.cell_length for segment in segments)
        blank = " " * max(self.scrollable_content_region.width - used - _HINT_WIDTH, 0)
        return [*segments, Segment(blank + hint, styles["table--header"])]

    def _line(self, row: Row, *, is_current: bool) -> list[Segment]:
        pieces = list(self.lead(row))
        for number, column in enumerate(self._drawn_columns()):
            width = self._width_of(column) if number else self._fixed_width
            if number:
                pieces.append((" " * GAP, ""))
            text = cell(self.text_of(column, row), width, column.right)
            pieces.append((text, self.style_of(column, row)))
        styles = self._styles(*{name for _, name in pieces})
        if not is_current:
            return [Segment(text, styles[name]) for text, name in pieces]
        cursor = self.get_component_rich_style("table--cursor")
        under = Style(bgcolor=cursor.bgcolor)
        width = self.scrollable_content_region.width
        used = sum(Segment(text).cell_length for text, _ in pieces)
        pieces.append((" " * max(width - used, 0), ""))
        return [
            Segment(text, styles[name] + under if name and name != "table--quiet" else cursor)
            for text, name in pieces
        ]

    def _width_of(self, column: Column) -> int:
        return self._widths[column.key]

    def _styles(self, *names: str) -> Mapping[str, Style]:
        own = self.rich_style
        return {name: self.get_component_rich_style(name) if name else own for name in names}
