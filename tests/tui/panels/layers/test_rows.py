"""The rows of the layer tree: what stands below what, and how it is called."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.protocol.facts import LayerNode
from tui.panels.layers.rows import group_of, layer_rows, opened_at_first, path_to, short_title


def test_rows_hold_the_leaves_with_weights_below_them(layers: LayerNode) -> None:
    backbone, head = layer_rows(layers)
    assert backbone.leaves == ("stem_conv", "block1_conv", "block1_bn")
    assert head.leaves == ("predictions",)
    assert head.children[0].leaves == ()


def test_rows_count_the_layers_below_them(layers: LayerNode) -> None:
    backbone, head = layer_rows(layers)
    assert (backbone.layers, head.layers, head.children[0].layers) == (4, 2, 1)


@pytest.mark.parametrize(
    ("name", "parent", "title"),
    [
        ("block1_conv", "block1", "conv"),
        ("block1/conv", "block1", "conv"),
        ("block10_conv", "block1", "block10_conv"),
        ("block1", "block1", "block1"),
        ("conv", "stem", "conv"),
        ("block6d_expand_conv", "block 6d", "expand_conv"),
        ("block_13_depthwise", "block 13", "depthwise"),
        ("conv5_block3_1_conv", "block 3", "1_conv"),
        ("conv5_block31_1_conv", "block 3", "conv5_block31_1_conv"),
        ("stage_2_block_6_expand", "block 6", "expand"),
        ("myblock1_conv", "block 1", "myblock1_conv"),
        ("block1_", "block 1", "block1_"),
    ],
)
def test_a_title_leaves_out_the_name_of_its_group(name: str, parent: str, title: str) -> None:
    assert short_title(name, parent) == title


def test_groups_open_from_the_end_as_far_as_the_lines_reach(layers: LayerNode) -> None:
    rows = layer_rows(layers)
    assert opened_at_first(rows, 6) == {"backbone", "head"}
    assert opened_at_first(rows, 7) == {"backbone", "head", "stage1"}
    assert opened_at_first(rows, 9) == {"backbone", "head", "stage1", "stem"}


def test_a_group_without_weights_stays_closed(layers: LayerNode) -> None:
    cast = LayerNode("cast", "Cast", (8,), 0, False)
    start = LayerNode("input", "input", (8,), 0, False, (cast,))
    rows = layer_rows(replace(layers, children=(start, *layers.children)))
    assert opened_at_first(rows, 99) == {"backbone", "head", "stage1", "stem"}


def test_the_path_to_a_leaf_ends_at_the_outermost_row_that_begins_with_it(
    layers: LayerNode,
) -> None:
    rows = layer_rows(layers)
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


@pytest.mark.parametrize(
    ("leaf", "group"),
    [("stem_conv", "stem"), ("block1_bn", "block1"), ("predictions", "head"), ("unknown", "")],
)
def test_a_leaf_belongs_to_the_innermost_group(layers: LayerNode, leaf: str, group: str) -> None:
    assert group_of(layers, leaf) == group


def test_a_leaf_beside_the_groups_is_its_own() -> None:
    tree = LayerNode("model", "model", (1,), 1, True, (LayerNode("a", "Dense", (1,), 1, True),))
    assert group_of(tree, "a") == "a"
