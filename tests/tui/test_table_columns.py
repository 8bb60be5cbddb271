"""How columns share a width, and the order of rows."""

from __future__ import annotations

import math
from typing import Any

import pytest

from engine.common.columns import Column, cell_width
from tui.panels.table_columns import (
    WIDEST,
    arranged,
    cell,
    in_view,
    last_first,
    measured,
    sorted_rows,
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


@pytest.mark.parametrize("text", ["", "abc", "★⚡", "more than fits", "⚡⚡⚡⚡⚡⚡"])
@pytest.mark.parametrize("right", [True, False])
def test_a_cell_has_its_width(text: str, right: bool) -> None:
    assert cell_width(cell(text, 8, right)) == 8


def test_numbers_stand_to_the_right_and_long_texts_are_shortened() -> None:
    assert cell("7", 3, True) == "  7"
    assert cell("7", 3, False) == "7  "
    assert cell("abcdef", 4, False) == "abc…"


def test_what_is_not_known_comes_last_either_way() -> None:
    rows: list[dict[str, Any]] = [{"a": None}, {"a": 1}, {"a": math.nan}, {"a": 3}, {}]
    assert [row.get("a") for row in sorted_rows(rows, "a", True)][:2] == [3, 1]
    assert [row.get("a") for row in sorted_rows(rows, "a", False)][:2] == [1, 3]


def test_names_are_sorted_whatever_their_case() -> None:
    rows = [{"a": name} for name in ("b", "C", "A")]
    assert [row["a"] for row in sorted_rows(rows, "a", False)] == ["A", "b", "C"]
