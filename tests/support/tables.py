"""What a table shows, by the keys of its rows and columns."""

from __future__ import annotations

from tui.panels.tables.virtual_table import VirtualTable


def cell_text(table: VirtualTable, row_key: str, key: str) -> str:
    """Return the text of a cell; `mark` is the text before the first column."""
    row = table._shown[table.keys.index(row_key)]
    if key == "mark":
        return "".join(text for text, _ in table.lead(row)).strip()
    return table.text_of(table._column(key), row).strip()


def columns_in_view(table: VirtualTable) -> list[str]:
    """Return the keys of the columns drawn, from left to right."""
    return [placed.column.key for placed in table._columns.in_view(table._width)]
