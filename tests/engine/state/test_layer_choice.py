"""Groups of layers of a tree, on the trees of real models."""

from __future__ import annotations

import pytest

from engine.backbones.catalogue import find_backbone
from engine.model.build import Classifier, build_classifier
from engine.model.graph import leaf_layers
from engine.model.trainable import select_last
from engine.model.tree import layer_tree
from engine.protocol.facts import LayerNode
from engine.state.layer_choice import (
    count_blocks,
    describe_layers,
    from_on,
    head_layers,
    last_blocks,
    last_layers,
    leaf_nodes,
    lockable,
    training_parameters,
    up_to,
    weighted,
)


@pytest.fixture(scope="module")
def classifiers() -> dict[str, Classifier]:
    """One with blocks in stages, one without BatchNormalization, one without a backbone."""
    return {
        name: build_classifier(
            find_backbone(name),
            image_shape=(32, 32, 3),
            image_size=32,
            classes=10,
            seed=0,
            load_weights=None,
        )
        for name in ("EfficientNetLite0", "VGG16", "CustomCNN")
    }


@pytest.fixture(scope="module")
def trees(classifiers: dict[str, Classifier]) -> dict[str, LayerNode]:
    """Their layer trees."""
    return {name: layer_tree(classifier) for name, classifier in classifiers.items()}


def node(tree: LayerNode, name: str) -> LayerNode:
    if tree.name == name:
        return tree
    found = (node(child, name) for child in tree.children if name in _names(child))
    return next(found)


def _names(tree: LayerNode) -> set[str]:
    return {tree.name}.union(*(_names(child) for child in tree.children))


def test_weighted_leaves_are_those_with_weights(
    classifiers: dict[str, Classifier], trees: dict[str, LayerNode]
) -> None:
    for name, classifier in classifiers.items():
        layers = leaf_layers(classifier.network)
        assert set(weighted(trees[name])) == {k for k, leaf in layers.items() if leaf.weights}


def test_last_layers_count_as_keras_counts(
    classifiers: dict[str, Classifier], trees: dict[str, LayerNode]
) -> None:
    for last in (0, 1, 2, 5, 10, 1_000):
        selected = select_last(classifiers["VGG16"], last)
        expected = {name for name in weighted(trees["VGG16"]) if name in selected}
        assert set(last_layers(trees["VGG16"], last)) == expected


def test_the_last_block_comes_with_what_follows_it(trees: dict[str, LayerNode]) -> None:
    names = last_blocks(trees["EfficientNetLite0"], 1)
    assert names[0] == "block7a_expand_conv"
    assert names[-2:] == ("top_bn", "head_dense")
    assert last_blocks(trees["CustomCNN"], 1)[0].startswith("block3_")
    assert head_layers(trees["VGG16"]) == ("head_dense",)


def test_all_blocks_are_all_layers(trees: dict[str, LayerNode]) -> None:
    for tree in trees.values():
        blocks = count_blocks(tree)
        assert last_blocks(tree, blocks) == weighted(tree)
        assert len(last_blocks(tree, blocks - 1)) < len(weighted(tree))


def test_a_row_splits_the_layers_with_itself_on_both_sides(trees: dict[str, LayerNode]) -> None:
    for tree in trees.values():
        for row in (tree, *tree.children, *leaf_nodes(tree)):
            before, after = up_to(tree, row), from_on(tree, row)
            both = set(before) & set(after)
            assert both == set(weighted(row))
            assert set(before) | set(after) == set(weighted(tree))


def test_lockable_is_the_backbones_batchnormalization(trees: dict[str, LayerNode]) -> None:
    names = lockable(trees["EfficientNetLite0"])
    assert "top_bn" in names
    assert all(name.endswith("bn") for name in names)
    assert not lockable(trees["VGG16"])
    assert not lockable(trees["CustomCNN"])


def test_moving_statistics_never_train(trees: dict[str, LayerNode]) -> None:
    tree = trees["EfficientNetLite0"]
    bn = node(tree, "top_bn")
    assert (bn.parameters, bn.trainable_parameters) == (4 * 1280, 2 * 1280)
    assert training_parameters(tree, ["top_bn", "head_dense"]) == 2 * 1280 + 12_810


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("block 7a", "block 7a", "stage 7"),
        ("block 6c", "block 6c", "block 6c"),
        ("stage 7", "head", "stage 7 to head"),
        ("top_conv", "top_conv", "top_conv"),
    ],
)
def test_layers_are_called_by_the_largest_groups(
    trees: dict[str, LayerNode], start: str, end: str, words: str
) -> None:
    tree = trees["EfficientNetLite0"]
    names = set(from_on(tree, node(tree, start))) & set(up_to(tree, node(tree, end)))
    assert describe_layers(tree, names) == words


def test_scattered_and_unknown_layers_have_words_too(trees: dict[str, LayerNode]) -> None:
    tree = trees["EfficientNetLite0"]
    assert describe_layers(tree, ["stem_conv", "top_conv"]) == "stem_conv +1"
    assert describe_layers(tree, weighted(tree)) == "all layers"
    assert describe_layers(None, ["a"]) == "a"
    assert describe_layers(None, ["a", "b"]) == "2 layers"
