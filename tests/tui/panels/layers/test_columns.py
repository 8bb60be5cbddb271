"""The columns of the layer tree by the room there is, and the bar of how far weights went."""

from __future__ import annotations

import math

import pytest

from engine.protocol.facts import LayerNode
from tui.panels.layers.columns import (
    LEAST_MOVEMENT,
    MOST_MOVEMENT,
    SCALE,
    column_cells,
    column_heads,
    columns,
    movement_bar,
    movement_number,
    movement_share,
    output_shape,
)
from tui.panels.layers.row_state import RowState
from tui.panels.layers.rows import LayerRow

CONV = LayerNode("expand", "Conv2D", (4, 4, 1152), 221_184, True)
ROW = LayerRow(CONV, "expand", ("expand",))
TRAINS = RowState("trains", "trains", 0, moved=1e-2)


def text(row: LayerRow, state: RowState, width: int) -> str:
    return "".join(text for text, _ in column_cells(row, state, columns(width)))


@pytest.mark.parametrize(
    ("width", "words"),
    [
        (30, "  221 K ■   ▃"),
        (36, "  221 K ■ trains   ▃"),
        (43, "  221 K ■ trains   █  "),
        (66, " Conv2D            4×4×1152   221 K ■ trains   █  "),
        (74, " Conv2D            4×4×1152   221 K ■ trains   ███      "),
        (84, " Conv2D            4×4×1152   221 K ■ trains   ███       1.0e-02"),
    ],
)
def test_the_wider_the_more_columns(width: int, words: str) -> None:
    assert text(ROW, TRAINS, width) == words


@pytest.mark.parametrize(
    ("width", "heads"),
    [
        (30, "layer             params state"),
        (36, "layer            params state       "),
        (42, "layer                params state   1e-3…1"),
        (66, "layer            kind                output  params state   1e-3…1"),
        (76, "layer                kind                output  params state   moved 1e-3…1"),
    ],
)
def test_heads_stand_over_their_columns_in_any_width(width: int, heads: str) -> None:
    assert column_heads(width).rstrip() == heads.rstrip()


@pytest.mark.parametrize("width", [8, 20, 36, 40, 43, 66, 70, 74, 84, 200])
def test_heads_are_as_wide_as_the_tree_and_begin_or_end_with_their_columns(width: int) -> None:
    heads, shown = column_heads(width), columns(width)
    assert len(heads) == width
    if width < 36:
        return
    cells = text(ROW, TRAINS, width).rjust(width)
    assert heads.index("state") == cells.index("■")
    assert heads.index("params") + len("params") == cells.index("221 K") + len("221 K")
    if shown.kind:
        assert heads.index("kind") == cells.index("Conv2D")
        assert heads.index("output") + len("output") == cells.index("4×4×1152") + len("4×4×1152")
    if shown.number:
        assert heads.index("moved") == cells.index("█")
    elif shown.bar > 1:
        assert heads.endswith(SCALE)


@pytest.mark.parametrize("width", [10, 36, 43, 66, 84, 200])
def test_every_row_fills_its_columns_exactly(width: int) -> None:
    long = LayerNode("a" * 40, "GlobalAveragePooling2DLayer", (1000, 1000, 10_000), 10**9, True)
    states = (TRAINS, RowState("none", "none", 0), RowState("locked", "trains", 3))
    for node in (CONV, long, LayerNode("b", "ReLU", (4,), 0, False)):
        for state in states:
            row = LayerRow(node, node.name, ())
            assert len(text(row, state, width)) == columns(width).width


def test_a_group_has_no_kind_and_an_open_axis_a_question_mark() -> None:
    group = LayerNode("block 1", "block", (None, 8), 10, True, (CONV,))
    assert "block" not in text(LayerRow(group, "block 1", ()), TRAINS, 70)
    assert output_shape(group) == "?×8"


def test_a_row_that_broke_its_freeze_is_of_one_style() -> None:
    broken = RowState("frozen", "frozen", 0, broken=1, moved=1e-3)
    assert {style for _, style in column_cells(ROW, broken, columns(80))} == {"broken"}


@pytest.mark.parametrize(
    ("moved", "share"),
    [
        (0, 0),
        (LEAST_MOVEMENT, 0),
        (1e-9, 0),
        (1e-2, 1 / 3),
        (1e-1, 2 / 3),
        (MOST_MOVEMENT, 1),
        (5.0, 1),
        (math.inf, 1),
    ],
)
def test_each_power_of_ten_is_a_third_of_the_bar(moved: float, share: float) -> None:
    assert movement_share(moved) == pytest.approx(share)


def test_the_scale_says_the_ends_of_the_bar() -> None:
    assert [float(end) for end in SCALE.split("…")] == [LEAST_MOVEMENT, MOST_MOVEMENT]


@pytest.mark.parametrize(
    ("moved", "bar"),
    [
        (0.0, "   "),
        (1e-9, "▏  "),
        (1e-3, "▏  "),
        (1e-2, "█  "),
        (1e-1, "██ "),
        (0.5, "██▊"),
        (1.0, "███"),
        (math.inf, "███"),
    ],
)
def test_a_bar_of_three_cells(moved: float, bar: str) -> None:
    assert movement_bar(moved, 3) == bar


@pytest.mark.parametrize(("moved", "bar"), [(0, " "), (1e-9, "▁"), (1e-1, "▅"), (1, "█")])
def test_a_bar_of_one_cell_fills_upwards(moved: float, bar: str) -> None:
    assert movement_bar(moved, 1) == bar


def test_nothing_is_written_of_what_did_not_move() -> None:
    assert movement_number(0.0) == ""
    assert movement_number(2.14e-3) == "2.1e-03"
