"""The order of rows, and the cursor that stays on one of them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from tui.panels.tables.rows import TableRows, sorted_rows


def test_what_is_not_known_comes_last_either_way() -> None:
    rows: list[dict[str, Any]] = [{"a": None}, {"a": 1}, {"a": math.nan}, {"a": 3}, {}]
    assert [row.get("a") for row in sorted_rows(rows, "a", True)][:2] == [3, 1]
    assert [row.get("a") for row in sorted_rows(rows, "a", False)][:2] == [1, 3]


def test_names_are_sorted_whatever_their_case() -> None:
    rows = [{"a": name} for name in ("b", "C", "A")]
    assert [row["a"] for row in sorted_rows(rows, "a", False)] == ["A", "b", "C"]


def test_the_cursor_stays_on_its_row_or_goes_where_that_was() -> None:
    rows = TableRows("a")
    rows.all = [{"a": key} for key in "abcd"]
    rows.arrange(list)
    assert rows.move_to(2)
    assert not rows.move_to(2)
    rows.arrange(backwards)
    assert (rows.keys, rows.current_key) == (list("dcba"), "c")
    rows.only = {"a", "b"}
    rows.arrange(backwards)
    assert (rows.keys, rows.current_key) == (["b", "a"], "a")
    rows.only = set()
    rows.arrange(backwards)
    assert (rows.keys, rows.current_key, rows.current) == ([], None, None)
    rows.only = None
    rows.arrange(backwards)
    assert rows.current_key == "d"
    assert rows.with_key("b") == {"a": "b"}
    assert rows.move_to(99)
    assert rows.current_key == "a"


def backwards(rows: Iterable[Any]) -> list[Any]:
    return list(rows)[::-1]
