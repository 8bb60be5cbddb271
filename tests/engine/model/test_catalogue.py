"""The layer trees of all patterns of names, and the depth and work of known networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.backbones.catalogue import find_backbone
from engine.model.build import Classifier, build_classifier
from engine.model.graph import leaf_layers
from engine.model.measure import measure_depth, measure_flops, model_facts
from engine.model.trainable import apply_trainable, select_last
from engine.model.tree import layer_tree
from engine.protocol.facts import LayerNode, ModelFacts

Build = Callable[[str], Classifier]
QUICK = ("EfficientNetLite0", "CustomCNN", "MobileNetV2")
"""Built in the fast tier."""
FAMILIES = (
    *QUICK,
    "MobileNet",
    "MobileNetV3Small",
    "ResNet50V2",
    "VGG16",
    "EfficientNetB0",
    "DenseNet121",
    "InceptionV3",
    "InceptionResNetV2",
    "Xception",
    "NASNetMobile",
    "ConvNeXtTiny",
)


def case(name: str, *values: Any) -> Any:
    """The parameters of a test that builds this backbone."""
    slow = pytest.mark.slow("the patterns of names and the graphs of the whole catalogue")
    return pytest.param(name, *values, marks=() if name in QUICK else slow)


def build_at(name: str, image_size: int) -> Classifier:
    return build_classifier(
        find_backbone(name),
        image_shape=(32, 32, 3),
        image_size=image_size,
        classes=10,
        seed=0,
        load_weights=None,
    )


@pytest.fixture(scope="module")
def built() -> Build:
    """Classifiers at 96 px, each built once."""
    known: dict[str, Classifier] = {}

    def get(name: str) -> Classifier:
        if name not in known:
            known[name] = build_at(name, 96)
        return known[name]

    return get


def rows(node: LayerNode) -> Iterator[LayerNode]:
    if not node.children:
        yield node
    for child in node.children:
        yield from rows(child)


def groups(node: LayerNode, kind: str) -> list[LayerNode]:
    below = [group for child in node.children for group in groups(child, kind)]
    return [node, *below] if node.kind == kind else below


@pytest.mark.parametrize("name", [case(name) for name in FAMILIES])
def test_every_layer_stands_in_the_tree_once(built: Build, name: str) -> None:
    classifier = built(name)
    tree = layer_tree(classifier)
    leaves = [row.name for row in rows(tree)]
    layers = leaf_layers(classifier.network)
    assert len(leaves) == len(set(leaves))
    assert layers.keys() <= set(leaves)
    # What is no layer is preprocessing.
    first = tree.children[0]
    assert set(leaves) - layers.keys() <= {row.name for row in rows(first)}
    assert (first.kind, tree.children[-1].kind) == ("input", "head")
    assert tree.name == name
    assert tree.parameters == classifier.network.count_params()
    assert tree.output_shape == (10,)
    assert tree.flops == measure_flops(classifier.network)
    for row in rows(tree):
        if row.name in layers:
            assert row.kind == type(layers[row.name]).__name__
            assert row.parameters == layers[row.name].count_params()


def test_a_leaf_has_the_flops_of_its_own_kernel_and_a_group_those_below_it(built: Build) -> None:
    classifier = built("EfficientNetLite0")
    tree = layer_tree(classifier)
    flops = {row.name: row.flops for row in rows(tree)}
    assert flops["stem_conv"] == 2 * (3 * 3 * 3 * 32) * 48 * 48
    assert flops["stem_bn"] == 0
    assert flops["head_dense"] == 2 * 1_280 * 10
    head = tree.children[-1]
    assert head.flops == flops["head_dense"]
    for block in groups(tree, "block"):
        assert block.flops == sum(row.flops for row in rows(block)) > 0


@pytest.mark.parametrize("name", [case(name) for name in FAMILIES])
def test_blocks_are_named_once_a_stage_and_hold_what_belongs_together(
    built: Build, name: str
) -> None:
    tree = layer_tree(built(name))
    blocks = groups(tree, "block")
    assert len(blocks) > 2
    parents = [node for kind in ("backbone", "stage") for node in groups(tree, kind)]
    for parent in parents or [tree]:
        names = [child.name for child in parent.children]
        assert len(names) == len(set(names))
    # Layers that a name places stand beside others; no block swallowed the nameless ones.
    sizes = sorted(len(block.children) for block in blocks)
    assert sizes[-1] <= 4 * max(sizes[len(sizes) // 2], 5)


EXPECTED = {
    "MobileNetV2": ("stage 5/block 13", "block_13_depthwise"),
    "MobileNet": ("stage 2/block 3", "conv_dw_3"),
    "MobileNetV3Small": ("stage 3/block 4", "expanded_conv_4_project"),
    "ResNet50V2": ("stage 5/block 3", "conv5_block3_2_conv"),
    "DenseNet121": ("stage 2/transition", "pool2_conv"),
    "EfficientNetB0": ("stage 6/block 6a", "block6a_dwconv"),
    "EfficientNetLite0": ("stage 6/block 6a", "block6a_dwconv"),
    "VGG16": ("block 1", "block1_conv1"),
    "Xception": ("stage 2/block 2", "block2_sepconv1"),
    "InceptionV3": ("stage 2/mixed 7", "mixed7"),
    "InceptionResNetV2": ("stage 1/block35 3", "block35_3_conv"),
    "NASNetMobile": ("stage 3/cell 5", "normal_conv_1_5"),
    "ConvNeXtTiny": ("stage 3/block 2", "convnext_tiny_stage_3_block_2_depthwise_conv"),
}
NAMELESS = {
    # A shortcut's convolution in Xception, a cell's activation, a branch of Inception.
    "Xception": ("stage 2/block 2", "conv2d"),
    "InceptionV3": ("stem", "conv2d_4"),
    "InceptionResNetV2": ("stage 1/block35 1", "custom_scale_layer"),
    "MobileNetV3Small": ("top", "activation_17"),
    "ConvNeXtTiny": ("stage 1/downsampling 0", "convnext_tiny_downsampling_conv_0"),
    "DenseNet121": ("top", "relu"),
    "EfficientNetB0": ("stem", "rescaling"),
}


@pytest.mark.parametrize(
    ("name", "path", "layer"),
    [case(name, *place) for table in (EXPECTED, NAMELESS) for name, place in table.items()],
)
def test_layers_stand_where_their_names_and_neighbours_say(
    built: Build, name: str, path: str, layer: str
) -> None:
    node = next(x for x in layer_tree(built(name)).children if x.kind == "backbone")
    for part in path.split("/"):
        node = next(child for child in node.children if child.name == part)
    assert layer in [row.name for row in rows(node)]


def test_a_tree_shows_what_trains(built: Build) -> None:
    classifier = built("EfficientNetLite0")
    apply_trainable(classifier, select_last(classifier, 30), locked=True)
    shown = {row.name for row in rows(layer_tree(classifier)) if row.trainable}
    assert {"top_conv", "head_dense"} <= shown
    assert not shown & {"top_bn", "top_relu6", "head_dropout", "stem_conv"}
    given = layer_tree(classifier, {"stem_conv", "stem_relu6"})
    assert [row.name for row in rows(given) if row.trainable] == ["stem_conv"]
    _, backbone, head = given.children
    assert [backbone.trainable, head.trainable] == [True, False]


@pytest.mark.parametrize(
    ("name", "flops", "depth"),
    [
        # Published multiply-adds at 224 px with 1,000 classes, less the classifier's.
        case("MobileNetV2", 2 * (300.8e6 - 1.28e6), 53),
        case("ResNet50V2", 2 * (3.49e9 - 2.05e6), 50),
        case("VGG16", 2 * 15.35e9, 14),
        case("EfficientNetLite0", 2 * (385e6 - 1.28e6), 50),
    ],
)
def test_work_and_depth_are_the_published_ones(name: str, flops: float, depth: int) -> None:
    network = build_at(name, 224).network
    assert measure_flops(network) == pytest.approx(flops, rel=0.015)
    assert measure_depth(network) == depth


@pytest.mark.slow("how Xception's separable convolutions and shortcuts are counted")
def test_a_separable_convolution_counts_twice_and_a_shortcut_not_at_all(built: Build) -> None:
    # 2 plain convolutions, 34 separable ones, the classifier; the shortcuts' are beside them.
    assert measure_depth(built("Xception").network) == 2 + 34 * 2 + 1


def test_facts_are_those_of_the_network(built: Build) -> None:
    classifier = built("MobileNetV2")
    facts = model_facts(classifier, 96)
    assert facts == ModelFacts(2_257_984 + 12_810, 53, 110_043_904, 96, 154)
