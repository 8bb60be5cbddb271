"""The layer tree: input, backbone by stage and block, head."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from engine.keras_setup.loaded import keras
from engine.model.blocks import STEM, TOP, place_by_name, place_layers
from engine.model.build import Classifier
from engine.model.graph import Shape, calls, leaf_shapes, own_weights
from engine.model.measure import leaf_flops
from engine.protocol.facts import LayerNode


@dataclass(frozen=True, slots=True)
class _Block:
    stage: str | None
    node: LayerNode


def layer_tree(classifier: Classifier, trainable: Collection[str] | None = None) -> LayerNode:
    """Return the layers of a classifier, each leaf exactly once, in groups.

    Operations that are not layers (casting, resizing, scaling) are rows of the input group; in the
    backbone they are left out.

    Args:
        classifier: what to show.
        trainable: the leaf layers that train; None takes the layers' present state.
    """
    network = classifier.network
    rows = _leaf_rows(classifier, trainable)
    body = [name for name in rows if name in set(classifier.backbone)]
    if not classifier.backbone:
        body = [name for name in rows if place_by_name(name) is not None]
    names = list(rows)
    before = [leaf for name in names[: names.index(body[0])] for leaf in rows[name]]
    groups = _merge_stages(_blocks(body, rows))
    if classifier.backbone:
        groups = [_group("backbone", "backbone", groups)]
    head = [leaf for name in classifier.head for leaf in rows[name]]
    start = _group("input", "input", before)
    return _group(network.name, "model", [start, *groups, _group("head", "head", head)])


def _leaf_rows(
    classifier: Classifier, trainable: Collection[str] | None
) -> dict[str, list[LayerNode]]:
    """Return the leaves below each layer of the network by its name, in topological order."""
    rows: dict[str, list[LayerNode]] = {}
    for call in calls(classifier.network):
        rows[call.operation.name] = [
            _row(leaf, shape, trainable)
            for leaf, shape in leaf_shapes(call)
            if not isinstance(leaf, keras.layers.InputLayer)
        ]
    return rows


def _row(leaf: Any, shape: Shape, trainable: Collection[str] | None) -> LayerNode:
    kind = type(leaf).__name__
    if not isinstance(leaf, keras.Layer):
        return LayerNode(leaf.name, kind, shape[1:], 0, False)
    on = leaf.trainable if trainable is None else leaf.name in trainable
    own = own_weights(leaf)
    return LayerNode(
        leaf.name,
        kind,
        shape[1:],
        leaf.count_params(),
        on and bool(own),
        flops=leaf_flops(leaf, shape),
        trainable_parameters=sum(math.prod(weight.shape) for weight in own),
    )


def _blocks(body: list[str], rows: dict[str, list[LayerNode]]) -> list[_Block]:
    members: dict[tuple[str | None, str], list[LayerNode]] = {}
    for name, place in zip(body, place_layers(body), strict=True):
        members.setdefault((place.stage, place.block), []).extend(rows[name])
    blocks = [_Block(stage, _group(name, "block", m)) for (stage, name), m in members.items()]
    if any(block.stage is not None for block in blocks):
        return blocks
    return _stages_by_size(blocks)


def _stages_by_size(blocks: list[_Block]) -> list[_Block]:
    """Put blocks whose names show no stage into one stage per size of feature map."""
    staged: list[_Block] = []
    number, size = 0, None
    for block in blocks:
        if block.node.name in (STEM, TOP):
            staged.append(block)
            continue
        if block.node.output_shape[:1] != size:
            number, size = number + 1, block.node.output_shape[:1]
        staged.append(_Block(f"stage {number}", block.node))
    return staged


def _merge_stages(blocks: list[_Block]) -> list[LayerNode]:
    """Return the blocks grouped by stage; ungrouped where each stage would hold a single block."""
    stages: dict[str, list[LayerNode]] = {}
    for block in blocks:
        stages.setdefault(block.stage or block.node.name, []).append(block.node)
    if all(len(nodes) == 1 for nodes in stages.values()):
        return [block.node for block in blocks]
    loose = {block.node.name for block in blocks if block.stage is None}
    return [
        nodes[0] if name in loose else _group(name, "stage", nodes)
        for name, nodes in stages.items()
    ]


def _group(name: str, kind: str, children: Iterable[LayerNode]) -> LayerNode:
    nodes = tuple(children)
    return LayerNode(
        name,
        kind,
        nodes[-1].output_shape,
        sum(node.parameters for node in nodes),
        any(node.trainable for node in nodes),
        nodes,
        sum(node.flops for node in nodes),
        sum(node.trainable_parameters for node in nodes),
    )
