"""The table of runs: sortable by any column, the best and the fastest marked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import DataTable

from engine.report import COLUMNS, ON_TEST, Column, Row

FIRST = ("test_accuracy", "wall_seconds")
"""The columns that sorting begins with."""
HIGH_FIRST = frozenset({"test_accuracy", "val_accuracy", "images_per_second"})
ORDER = (
    "model",
    "dataset",
    "test_accuracy",
    "val_accuracy",
    "train_seconds",
    "wall_seconds",
    "status",
    "parameters",
    "flops",
    "images_per_second",
    "recipe",
)
"""From left to right: on 80 columns the first seven are in view."""
UP, DOWN = "▴", "▾"


class RunTable(DataTable[Text]):
    """One row a run, under its run id; knows by which column it is sorted."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select_cursor", "detail")]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, cursor_type="row", zebra_stripes=False)
        self.sort_key = FIRST[0]
        self.is_descending = True
        self._rows: Sequence[Row] = ()
        self._marks: Mapping[str, str] = {}

    def show(self, rows: Sequence[Row], marks: Mapping[str, str]) -> None:
        """Show these runs, the cursor on the same run as before or else on the first."""
        self._rows, self._marks = rows, marks
        self._draw()

    @property
    def run_ids(self) -> list[str]:
        """From top to bottom."""
        return [str(key.value) for key in self.rows]

    @property
    def current_run(self) -> str | None:
        """The run under the cursor."""
        ids = self.run_ids
        return ids[self.cursor_row] if 0 <= self.cursor_row < len(ids) else None

    def sort_by(self, key: str) -> None:
        """Sort by a column in its usual direction; by the same one again, the other way round."""
        if key == self.sort_key:
            self.is_descending = not self.is_descending
        else:
            self.sort_key, self.is_descending = key, key in HIGH_FIRST
        self._draw()

    def sort_by_next(self) -> None:
        """Sort by the next column: accuracy and wall time first, then from left to right."""
        keys = [*FIRST, *(column.key for column in self._shown() if column.key not in FIRST)]
        place = keys.index(self.sort_key) if self.sort_key in keys else -1
        self.sort_by(keys[(place + 1) % len(keys)])

    @property
    def sorted_by(self) -> str:
        """The title of the sorted column with its mark."""
        titles = {column.key: column.title for column in COLUMNS}
        return f"{titles[self.sort_key]} {DOWN if self.is_descending else UP}"

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        key = event.column_key.value
        if key in ORDER:
            self.sort_by(str(key))

    def _shown(self) -> list[Column]:
        columns = {column.key: column for column in COLUMNS}
        mixed = len({row["dataset"] for row in self._rows}) > 1
        return [columns[key] for key in ORDER if mixed or key != "dataset"]

    def _draw(self) -> None:
        current = self.current_run
        self.clear(columns=True)
        self.add_column(Text(""), key="mark")
        for column in self._shown():
            self.add_column(self._title(column), key=column.key)
        self.fixed_columns = 2
        for row in sorted_rows(self._rows, self.sort_key, self.is_descending):
            self.add_row(*self._cells(row), key=str(row["run_id"]))
        if current in self.run_ids:
            self.move_cursor(row=self.run_ids.index(current), animate=False)

    def _title(self, column: Column) -> Text:
        mark = (DOWN if self.is_descending else UP) if column.key == self.sort_key else ""
        return _text(f"{column.title}{mark}", column.right, "bold" if mark else "")

    def _cells(self, row: Row) -> list[Text]:
        style = "" if row["status"] == "completed" else "dim"
        mark = self._marks.get(row["run_id"], "")
        cells = [_text(mark, False, "bold")]
        for column in self._shown():
            text = column.text(row)
            if column.right and not text.endswith(ON_TEST):
                text += " "
            cells.append(_text(text, column.right, style))
        return cells


def sorted_rows(rows: Sequence[Row], key: str, descending: bool) -> list[Row]:
    """The rows by one of their values; those without it come last either way."""
    known = [row for row in rows if row[key] is not None]
    missing = [row for row in rows if row[key] is None]
    order: Callable[[Row], Any] = lambda row: _comparable(row[key])  # noqa: E731
    return [*sorted(known, key=order, reverse=descending), *missing]


def _comparable(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _text(text: str, right: bool, style: str) -> Text:
    return Text(text, style=style, justify="right" if right else "left", no_wrap=True)
