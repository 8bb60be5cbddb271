"""The rows of the layer tree and their states."""

from __future__ import annotations

import pytest

from engine.events import LayerNode
from tui.panels.layer_rows import (
    LayerRow,
    layer_rows,
    opened_at_first,
    path_to,
    row_state,
    short_title,
    toggled_value,
)


def test_rows_hold_the_leaves_with_weights_below_them(layers: LayerNode) -> None:
    backbone, head = layer_rows(layers, locks_batchnorm=False)
    assert backbone.leaves == ("stem_conv", "block1_conv", "block1_bn")
    assert head.leaves == ("predictions",)
    assert head.children[0].leaves == ()


@pytest.mark.parametrize(
    ("name", "parent", "title"),
    [
        ("block1_conv", "block1", "conv"),
        ("block1/conv", "block1", "conv"),
        ("block10_conv", "block1", "block10_conv"),
        ("block1", "block1", "block1"),
        ("conv", "stem", "conv"),
    ],
)
def test_a_title_leaves_out_the_name_of_its_group(name: str, parent: str, title: str) -> None:
    assert short_title(name, parent) == title


def test_marks_of_a_group(layers: LayerNode) -> None:
    backbone = layer_rows(layers, locks_batchnorm=False)[0]
    every = set(backbone.leaves)
    assert row_state(backbone, set(), {}).mark == "□ frozen"
    assert row_state(backbone, {"stem_conv"}, {}).mark == "◪ some"
    assert row_state(backbone, every, {}).mark == "■ trains"
    assert row_state(backbone, set(), {"stem_conv": True}).mark == "□ → some"
    assert row_state(backbone, every, dict.fromkeys(every, False)).mark == "■ → frozen"


def test_locked_batchnorm_is_no_part_of_a_toggle(layers: LayerNode) -> None:
    backbone, head = layer_rows(layers, locks_batchnorm=True)
    assert backbone.leaves == ("stem_conv", "block1_conv")
    assert head.leaves == ("predictions",)
    locked = next(row for row in leaves_of(backbone) if row.node.name == "block1_bn")
    assert row_state(locked, set(), {}).mark == "▫ locked"
    state = row_state(backbone, set(backbone.leaves), {})
    assert state.mark == "■ trains"
    assert toggled_value(state) is False


def leaves_of(row: LayerRow) -> list[LayerRow]:
    return [leaf for child in row.children for leaf in leaves_of(child)] or [row]


def test_a_layer_without_weights_has_no_mark(layers: LayerNode) -> None:
    pool = layer_rows(layers, locks_batchnorm=False)[1].children[0]
    assert row_state(pool, set(), {}).mark == ""


def test_a_toggle_freezes_only_what_trains_as_a_whole(layers: LayerNode) -> None:
    backbone = layer_rows(layers, locks_batchnorm=False)[0]
    every = set(backbone.leaves)
    assert toggled_value(row_state(backbone, every, {})) is False
    assert toggled_value(row_state(backbone, {"stem_conv"}, {})) is True
    assert toggled_value(row_state(backbone, set(), dict.fromkeys(every, True))) is False


def test_groups_open_from_the_end_as_far_as_the_lines_reach(layers: LayerNode) -> None:
    rows = layer_rows(layers, locks_batchnorm=False)
    assert opened_at_first(rows, 6) == {"backbone", "head"}
    assert opened_at_first(rows, 7) == {"backbone", "head", "stage1"}
    assert opened_at_first(rows, 9) == {"backbone", "head", "stage1", "stem"}


def test_the_path_to_a_leaf_ends_at_the_outermost_row_that_begins_with_it(
    layers: LayerNode,
) -> None:
    rows = layer_rows(layers, locks_batchnorm=False)
    titles = {
        leaf: [row.title for row in path_to(rows, leaf)]
        for leaf in ("stem_conv", "stem_relu", "block1_conv", "block1_bn", "pool", "unknown")
    }
    assert titles == {
        "stem_conv": ["backbone"],
        "stem_relu": ["backbone", "stem", "relu"],
        "block1_conv": ["backbone", "stage1"],
        "block1_bn": ["backbone", "stage1", "block1", "bn"],
        "pool": ["head"],
        "unknown": [],
    }
