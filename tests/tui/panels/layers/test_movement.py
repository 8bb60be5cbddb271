"""The bar that shows how far weights went."""

from __future__ import annotations

import math

import pytest

from tui.panels.layers.movement import LEAST, MOST, movement_bar, movement_number, movement_share


@pytest.mark.parametrize(
    ("moved", "share"),
    [(0, 0), (LEAST, 0), (1e-9, 0), (1e-5, 0.2), (1e-3, 0.6), (MOST, 1), (5.0, 1), (math.inf, 1)],
)
def test_each_power_of_ten_is_a_fifth_of_the_bar(moved: float, share: float) -> None:
    assert movement_share(moved) == pytest.approx(share)


@pytest.mark.parametrize(
    ("moved", "bar"),
    [
        (0.0, "   "),
        (1e-9, "▏  "),
        (1e-6, "▏  "),
        (1e-5, "▋  "),
        (1e-3, "█▊ "),
        (1e-2, "██▍"),
        (1e-1, "███"),
        (math.inf, "███"),
    ],
)
def test_a_bar_of_three_cells(moved: float, bar: str) -> None:
    assert movement_bar(moved, 3) == bar


@pytest.mark.parametrize(("moved", "bar"), [(0, " "), (1e-9, "▁"), (1e-3, "▅"), (1, "█")])
def test_a_bar_of_one_cell_fills_upwards(moved: float, bar: str) -> None:
    assert movement_bar(moved, 1) == bar


def test_nothing_is_written_of_what_did_not_move() -> None:
    assert movement_number(0.0) == ""
    assert movement_number(2.14e-3) == "2.1e-03"
