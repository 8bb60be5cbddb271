"""What is counted in a recorded layer tree."""

from __future__ import annotations

import pytest

from engine.analysis.architecture import describe_architecture
from engine.protocol.facts import LayerNode, ModelFacts

FACTS = ModelFacts(parameters=1_000, depth=7, flops=2_000, image_size=96, backbone_layers=9)


def tree(*layers: tuple[str, str]) -> LayerNode:
    """The layers in a block of a backbone, with a head beside it."""
    leaves = tuple(LayerNode(name, kind, (1,), 0, False) for name, kind in layers)
    block = LayerNode("block", "block", (1,), 0, False, leaves)
    backbone = LayerNode("backbone", "backbone", (1,), 0, False, (block,))
    head = LayerNode("head_dense", "Dense", (10,), 10, True)
    return LayerNode("net", "model", (10,), 10, True, (backbone, head))


def test_an_inverted_bottleneck_with_squeeze_and_excitation() -> None:
    found = describe_architecture(
        "EfficientNetB0",
        tree(
            ("expand_conv", "Conv2D"),
            ("bn", "BatchNormalization"),
            ("dwconv", "DepthwiseConv2D"),
            ("block1a_se_squeeze", "GlobalAveragePooling2D"),
            ("block1a_se_reduce", "Conv2D"),
            ("block1a_se_expand", "Conv2D"),
            ("block1a_se_excite", "Multiply"),
            ("block1a_add", "Add"),
        ),
        FACTS,
    )
    assert (found.convolutions, found.depthwise, found.depthwise_share) == (4, 1, 0.25)
    assert (found.additions, found.squeeze_excite, found.batch_normalizations) == (1, 1, 1)
    assert (found.depth, found.parameters, found.flops, found.image_size) == (7, 1_000, 2_000, 96)
    assert found.imagenet_top1 == 0.771


def test_a_plain_network_has_none_of_it() -> None:
    found = describe_architecture("CustomCNN", tree(("pool", "MaxPooling2D")), FACTS)
    assert found.depthwise_share is None
    assert found.imagenet_top1 is None
    assert (found.additions, found.concatenations, found.squeeze_excite) == (0, 0, 0)


@pytest.mark.parametrize(
    ("name", "kind", "depthwise"),
    [
        ("sepconv", "SeparableConv2D", 1),
        ("convnext_tiny_stage_0_block_0_depthwise_conv", "Conv2D", 1),
        ("stem_conv", "Conv2D", 0),
        ("expanded_conv_mul", "Multiply", 0),
    ],
)
def test_depthwise_convolutions_of_other_kinds(name: str, kind: str, depthwise: int) -> None:
    assert describe_architecture("X", tree((name, kind)), FACTS).depthwise == depthwise


def test_convnext_adds_behind_its_layer_scales() -> None:
    layers = tree(("block_0_layer_scale", "LayerScale"), ("block_1_layer_scale", "LayerScale"))
    assert describe_architecture("ConvNeXtTiny", layers, FACTS).additions == 2


def test_dense_blocks_concatenate() -> None:
    found = describe_architecture("DenseNet121", tree(("concat", "Concatenate")), FACTS)
    assert found.concatenations == 1
