"""Values that are no record's: refused with one line, whatever they are."""

from __future__ import annotations

import math
from typing import Any

import pytest

from engine.common.codec import from_plain, to_plain
from engine.errors import InputError
from engine.protocol.facts import LayerNode


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (float, 10**400),
        (int, 2**63),
        (int, -(10**400)),
        (str, "half \ud800"),
        (dict[str, float], {"\udcff": 1.0}),
        (tuple[int, ...], [1, "x" * 10**6]),
        (int | None, [[[[]]]]),
        (bool, 1),
    ],
)
def test_what_no_file_or_table_can_hold_is_refused_in_one_line(kind: Any, value: Any) -> None:
    with pytest.raises(InputError, match=r"^value.*: expected") as raised:
        from_plain(kind, value)
    assert len(str(raised.value)) < 200
    assert "\n" not in str(raised.value)


def test_a_tree_without_an_end_is_refused() -> None:
    leaf: dict[str, Any] = to_plain(LayerNode("leaf", "Dense", (1,), 1, True))
    for _ in range(5_000):
        leaf = {**leaf, "children": [leaf]}
    with pytest.raises(InputError, match="nested too deeply"):
        from_plain(LayerNode, leaf)


def test_the_largest_and_the_unknown_numbers_are_kept() -> None:
    assert from_plain(int, 2**63 - 1) == 2**63 - 1
    assert from_plain(str, "läßt 例 👍") == "läßt 例 👍"
    assert math.isnan(from_plain(float, None))
    assert to_plain([math.nan, math.inf, 1.5]) == [None, None, 1.5]
