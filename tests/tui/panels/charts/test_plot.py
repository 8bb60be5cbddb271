"""Where the axes of a chart stand, and a point between them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.common.axis import Axis, LogAxis
from tui.panels.charts.plot import area_on

UNIT = Axis(0.0, 1.0)


@pytest.mark.parametrize("size", [(9, 20), (20, 3), (0, 0)])
def test_on_a_canvas_that_is_too_small_there_is_no_plot(size: tuple[int, int]) -> None:
    assert area_on(UNIT, UNIT, *size) is None


def test_long_labels_take_their_room_from_the_plot() -> None:
    short, long = area_on(UNIT, UNIT, 40, 10), area_on(UNIT, Axis(123e6, 123.0009e6), 40, 10)
    assert short is not None
    assert long is not None
    assert short.left == 6
    assert long.left == 1 + max(len(text) for _, text in long.y_labels) > 6
    assert (long.right, long.bottom) == (short.right, short.bottom) == (40, 8)


def test_the_ends_of_the_axes_are_the_corners_of_the_plot() -> None:
    area = area_on(Axis(0.0, 8.0), LogAxis(0.1, 10.0), 40, 10)
    assert area is not None
    assert area.cell(0.0, 10.0) == (area.left, 0)
    assert area.cell(8.0, 0.1) == (area.right - 1, area.bottom - 1)
    assert area.row(1.0) == area.cell(3.0, 1.0)[1] == 3
    assert area.column(4.0) == area.cell(4.0, 5.0)[0]


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.integers(10, 200), st.integers(4, 60))
def test_every_point_stands_in_the_plot(x: float, y: float, width: int, height: int) -> None:
    area = area_on(Axis(0.0, 8.0), UNIT, width, height)
    assert area is not None
    column, row = area.cell(x, y)
    assert area.left <= column < area.right
    assert 0 <= row < area.bottom
