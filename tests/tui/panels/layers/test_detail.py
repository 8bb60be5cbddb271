"""The line that tells all of the row under the cursor."""

from __future__ import annotations

import pytest

from engine.protocol.facts import LayerNode
from tui.panels.layers.detail import LOCK_REASON, row_detail
from tui.panels.layers.rows import LayerRow
from tui.panels.layers.state import RowState

CONV = LayerNode("block6d_expand_conv", "Conv2D", (4, 4, 1152), 221_184, True)
BN = LayerNode("block6d_expand_bn", "BatchNormalization", (4, 4, 1152), 4_608, False)
RELU = LayerNode("block6d_relu", "ReLU", (4, 4, 1152), 0, False)
BLOCK = LayerNode("block 6d", "block", (4, 4, 192), 481_152, True, (CONV, BN, RELU))
LAYER = LayerRow(CONV, "expand_conv", (CONV.name,))
GROUP = LayerRow(BLOCK, "block 6d", (CONV.name, BN.name), (LAYER,), 3)


def words(row: LayerRow, state: RowState, width: int = 200) -> str:
    return row_detail(row, state, width).plain


@pytest.mark.parametrize(
    ("width", "told"),
    [
        (200, "block6d_expand_conv · Conv2D · 4×4×1152 · 221,184 · moved 2.1e-03"),
        (60, "expand_conv · Conv2D · 4×4×1152 · 221,184 · 2.1e-03"),
        (43, "expand_conv · Conv2D · 4×4×1152 · 2.1e-03"),
        (40, "expand_conv · Conv2D · 2.1e-03"),
        (5, "expand_conv · 2.1e-03"),
    ],
)
def test_a_layer_in_the_room_there_is(width: int, told: str) -> None:
    assert words(LAYER, RowState("trains", "trains", 0, train=1, moved=2.14e-3), width) == told


def test_of_a_layer_that_did_not_move_no_number_is_told() -> None:
    state = RowState("frozen", "frozen", 0)
    assert words(LAYER, state) == "block6d_expand_conv · Conv2D · 4×4×1152 · 221,184"
    assert words(LAYER, state, 43) == "expand_conv · Conv2D · 4×4×1152 · 221,184"
    relu = LayerRow(RELU, "relu", ())
    assert words(relu, RowState("none", "none", 0)) == "block6d_relu · ReLU · 4×4×1152 · no weights"


@pytest.mark.parametrize(
    ("width", "told"),
    [
        (
            200,
            "block 6d · 3 layers, 1 of 2 with weights train, 1 locked · 4×4×192"
            " · 481,152 parameters · moved up to 1.0e-02",
        ),
        (66, "block 6d · 1 of 2 train, 1 locked · 481,152 · 1.0e-02"),
        (43, "block 6d · 1 of 2 train · 481,152 · 1.0e-02"),
        (35, "block 6d · 1 of 2 train · 1.0e-02"),
    ],
)
def test_a_group_tells_how_many_of_its_layers_train(width: int, told: str) -> None:
    state = RowState("trains", "trains", 0, train=1, locked=1, moved=1e-2)
    assert words(GROUP, state, width) == told


def test_a_group_without_weights_says_so() -> None:
    row = LayerRow(LayerNode("input", "input", (8,), 0, False, (RELU,)), "input", (), (LAYER,))
    assert words(row, RowState("none", "none", 0)) == "input · 1 layer · 8 · no weights"


def test_a_locked_layer_tells_why() -> None:
    row = LayerRow(BN, "expand_bn", (BN.name,))
    state = RowState("locked", "locked", 0, locked=1)
    kind = "block6d_expand_bn · BatchNormalization · 4×4×1152 · 4,608"
    assert words(row, state) == f"{kind} · locked: {LOCK_REASON}"
    assert words(row, state, 90) == f"block6d_expand_bn · locked: {LOCK_REASON}"
    assert len(words(row, state, 43)) <= 43
    assert words(row, state, 43).startswith("locked")


def test_a_lock_that_waits_is_told() -> None:
    row = LayerRow(BN, "expand_bn", (BN.name,))
    kind = "block6d_expand_bn · BatchNormalization · 4×4×1152 · 4,608"
    assert words(row, RowState("locked", "trains", 1, locked=1)) == f"{kind} · lock to be released"
    assert words(row, RowState("locked", "frozen", 0, locked=1), 43).endswith("lock to be released")
    assert words(row, RowState("trains", "locked", 1)).startswith(
        "block6d_expand_bn · to be locked:"
    )


def test_what_moved_while_frozen_is_told_in_red() -> None:
    state = RowState("frozen", "frozen", 0, broken=1, moved=1e-3)
    told = row_detail(LAYER, state, 60)
    assert told.plain == "block6d_expand_conv · moved while frozen · 1.0e-03"
    assert [span.style for span in told.spans] == ["$error"]
    assert words(GROUP, state, 60) == "block 6d · 1 layer moved while frozen"
    assert words(LAYER, state, 10) == "moved while frozen"
