"""How columns share a width."""

from __future__ import annotations

from typing import Any

import pytest

from engine.common.text import Column
from tui.panels.tables.columns import (
    WIDEST,
    TableColumns,
    arranged,
    in_view,
    last_first,
    measured,
)


def column(key: str, importance: int) -> Column:
    return Column(key, key, lambda row: str(row[key]), importance)


COLUMNS = [column("a", 5), column("b", 1), column("c", 3), column("d", 1)]
WIDTHS = {"a": 4, "b": 6, "c": 3, "d": 2}


def keys(columns: list[Column]) -> str:
    return "".join(column.key for column in columns)


@pytest.mark.parametrize(
    ("room", "order", "fitting"),
    [(23, "abcd", 4), (22, "abcd", 3), (18, "acbd", 2), (10, "abcd", 1), (0, "abcd", 0)],
)
def test_the_least_important_columns_leave_first_and_stand_behind_the_others(
    room: int, order: str, fitting: int
) -> None:
    found, count = arranged(COLUMNS, WIDTHS, room)
    assert (keys(found), count) == (order, fitting)


def test_scrolling_ends_where_the_last_column_is_whole() -> None:
    assert last_first(COLUMNS, WIDTHS, 9) == 2
    assert in_view(COLUMNS, WIDTHS, 2, 9) == 2
    assert last_first(COLUMNS, WIDTHS, 100) == 0
    assert last_first(COLUMNS, WIDTHS, 1) == 3
    assert last_first([], {}, 10) == 0


def test_widths_are_those_of_the_longest_texts_also_far_below() -> None:
    rows: list[dict[str, Any]] = [{"a": 1, "b": "x", "c": None, "d": "y" * 90}] * 500
    rows.append({"a": 12_345_678, "b": "a long name", "c": None, "d": ""})
    assert measured(COLUMNS, rows) == {"a": 8, "b": 11, "c": 4, "d": WIDEST}
    assert measured(COLUMNS, []) == dict.fromkeys("abcd", 2)


def test_the_first_column_stays_where_the_others_move() -> None:
    columns = TableColumns()
    rows = [{"a": 1_234, "b": 123_456, "c": 123, "d": 12}]
    columns.show(COLUMNS, rows, lead_width=1, width=23)
    assert places(columns, 23) == [("a", 1, 4), ("b", 7, 6), ("c", 15, 3)]
    assert columns.are_hidden(23) == (False, True)
    columns.move(9, 23)
    assert places(columns, 23) == [("a", 1, 4), ("c", 7, 3), ("d", 12, 2)]
    assert columns.are_hidden(23) == (True, False)
    columns.arrange(80)
    assert [key for key, _, _ in places(columns, 80)] == list("abcd")
    assert columns.fitting == list("abcd")


def places(columns: TableColumns, width: int) -> list[tuple[str, int, int]]:
    return [(it.column.key, it.left, it.width) for it in columns.in_view(width)]
