"""Scales of a chart."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.panels.axis import Axis, axis_over


def test_ticks_are_round_and_within_the_ends() -> None:
    assert Axis(0.0, 8.0).labels(10) == [(float(i), str(i)) for i in range(9)]
    assert [text for _, text in Axis(0.43, 0.97).labels(3)] == ["0.6", "0.8"]
    assert [text for _, text in Axis(0.0, 0.05).labels(5)] == [
        "0.00",
        "0.01",
        "0.02",
        "0.03",
        "0.04",
        "0.05",
    ]


@pytest.mark.parametrize("values", [[], [math.nan], [math.inf, math.nan]])
def test_without_a_number_the_axis_is_the_whole_range(values: list[float]) -> None:
    assert axis_over(values, 0.1, 0.0, 1.0) == Axis(0.0, 1.0)
    assert axis_over(values, 0.1, 0.0, math.inf) == Axis(0.0, 1.0)


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=20), st.integers(1, 12))
def test_an_axis_holds_its_values_and_few_ticks(values: list[float], most: int) -> None:
    axis = axis_over(values, 0.2, 0.0, math.inf)
    assert axis.low < axis.high
    slack = (axis.high - axis.low) * 1e-9
    assert axis.low - slack <= min(values)
    assert max(values) <= axis.high + slack
    assert len(axis.ticks(most)) <= most + 1
