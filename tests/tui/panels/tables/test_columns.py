"""How columns share a width, and the order of rows."""

from __future__ import annotations

import math
from typing import Any

import pytest

from engine.common.text import Column
from tui.panels.tables.columns import HINT_WIDTH, WIDEST, TableColumns, measured, sorted_rows


def column(key: str, importance: int) -> Column:
    return Column(key, key, lambda row: str(row[key]), importance)


COLUMNS = [column("a", 5), column("b", 1), column("c", 3), column("d", 1)]


ROW = {"a": "1234", "b": "123456", "c": "123", "d": "12", "name": "name"}
NAMED = [column("name", 9), *COLUMNS]


@pytest.mark.parametrize(
    ("room", "order", "fitting"),
    [(23, "abcd", 4), (22, "abcd", 3), (18, "acbd", 2), (10, "abcd", 1), (0, "abcd", 0)],
)
def test_the_least_important_columns_leave_first_and_stand_behind_the_others(
    room: int, order: str, fitting: int
) -> None:
    columns = TableColumns()
    columns.show(NAMED, [ROW], lead_width=0, width=room + 5 + HINT_WIDTH)
    assert columns.fitting == ["name", *order[:fitting]]
    found = set(columns.fitting)
    for _ in order:
        found |= {it.column.key for it in columns.in_view(16)}
        columns.move(1, 16)
    assert found == {"name", *order}


def test_scrolling_ends_where_the_last_column_is_whole() -> None:
    columns = TableColumns()
    columns.move(1, 10)  # before anything is there
    assert columns.in_view(10) == []
    columns.show(NAMED, [ROW], lead_width=0, width=80)
    columns.move(99, 16)
    assert [it.column.key for it in columns.in_view(16)] == ["name", "c", "d"]
    columns.move(99, 80)
    assert len(columns.in_view(80)) == 5
    columns.move(99, 1)
    columns.move(-1, 1)
    assert columns.are_hidden(1) == (True, True)


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


def test_what_is_not_known_comes_last_either_way() -> None:
    rows: list[dict[str, Any]] = [{"a": None}, {"a": 1}, {"a": math.nan}, {"a": 3}, {}]
    assert [row.get("a") for row in sorted_rows(rows, "a", True)][:2] == [3, 1]
    assert [row.get("a") for row in sorted_rows(rows, "a", False)][:2] == [1, 3]


def test_names_are_sorted_whatever_their_case() -> None:
    rows = [{"a": name} for name in ("b", "C", "A")]
    assert [row["a"] for row in sorted_rows(rows, "a", False)] == ["A", "b", "C"]
