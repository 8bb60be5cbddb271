"""Groups of leaf layers in a layer tree: the presets, all before or after a node, their names."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain, takewhile

from engine.protocol.facts import LayerNode

BATCHNORM = "BatchNormalization"


def leaf_nodes(tree: LayerNode) -> Iterator[LayerNode]:
    """The layers below a node of the tree, in tree order."""
    if not tree.children:
        yield tree
    for child in tree.children:
        yield from leaf_nodes(child)


def weighted(tree: LayerNode) -> tuple[str, ...]:
    """The leaves below a node that have weights: those that commands may name."""
    return tuple(leaf.name for leaf in leaf_nodes(tree) if leaf.parameters)


def lockable(tree: LayerNode) -> frozenset[str]:
    """The BatchNormalization layers of the backbone, which the lock holds."""
    leaves = (leaf for group in _groups(tree, "backbone") for leaf in leaf_nodes(group))
    return frozenset(leaf.name for leaf in leaves if leaf.kind == BATCHNORM)


def training_parameters(tree: LayerNode, trains: Collection[str]) -> int:
    """How many parameters train while these leaves do."""
    return sum(leaf.trainable_parameters for leaf in leaf_nodes(tree) if leaf.name in trains)


def head_layers(tree: LayerNode) -> tuple[str, ...]:
    """The head's leaves with weights."""
    return tuple(name for group in _groups(tree, "head") for name in weighted(group))


def last_blocks(tree: LayerNode, blocks: int) -> tuple[str, ...]:
    """The last blocks that hold weights, what follows them, and the head, in the tree's order.

    A model without a backbone has its blocks below the root.
    """
    found = _blocks(tree)
    chosen = found[max(len(found) - blocks, 0) :]
    return (*(name for names in chosen for name in names), *head_layers(tree))


def count_blocks(tree: LayerNode) -> int:
    """How many blocks `last_blocks` can tell apart."""
    return len(_blocks(tree))


def last_layers(tree: LayerNode, last: int) -> tuple[str, ...]:
    """The backbone's last layers, those with weights, and the head.

    Args:
        tree: of a whole model; without a backbone its blocks count as one.
        last: counts every layer, with weights or without, as `backbone.layers[-last:]` does.
    """
    body = [leaf for block in _body(tree) for leaf in leaf_nodes(block)]
    chosen = body[max(len(body) - last, 0) :]
    return (*(leaf.name for leaf in chosen if leaf.parameters), *head_layers(tree))


def up_to(tree: LayerNode, node: LayerNode) -> tuple[str, ...]:
    """The leaves with weights from the input to the end of a node of the tree."""
    names = weighted(tree)
    below = weighted(node) or _before(tree, node)[-1:]
    return names[: names.index(below[-1]) + 1] if below else ()


def from_on(tree: LayerNode, node: LayerNode) -> tuple[str, ...]:
    """The leaves with weights from the start of a node of the tree to the output."""
    return weighted(tree)[len(_before(tree, node)) :]


def describe_layers(tree: LayerNode | None, layers: Collection[str]) -> str:
    """Describe leaves briefly: `block 16`, `block 12 to head`, `block1_conv +2`."""
    asked = set(layers)
    covered = list(_covering(tree, asked)) if tree is not None else []
    names = [node.name for node in covered] or sorted(asked)
    if len(names) == 1:
        return "all layers" if covered and covered[0] is tree else names[0]
    if tree is None or not covered:
        return f"{len(asked)} layers"
    if _is_run(tree, asked):
        return f"{names[0]} to {names[-1]}"
    return f"{names[0]} +{len(names) - 1}"


def _covering(node: LayerNode, asked: set[str]) -> Iterator[LayerNode]:
    """The largest nodes all of whose leaves with weights are named, in tree order."""
    names = set(weighted(node))
    if names and names <= asked:
        yield node
        return
    for child in node.children:
        yield from _covering(child, asked)


def _is_run(tree: LayerNode, asked: set[str]) -> bool:
    places = [place for place, name in enumerate(weighted(tree)) if name in asked]
    return bool(places) and places[-1] - places[0] + 1 == len(places)


def _before(tree: LayerNode, node: LayerNode) -> tuple[str, ...]:
    """The leaves with weights before a node."""
    first = next(leaf_nodes(node))
    before = takewhile(lambda leaf: leaf is not first, leaf_nodes(tree))
    return tuple(leaf.name for leaf in before if leaf.parameters)


def _groups(tree: LayerNode, kind: str) -> list[LayerNode]:
    return [group for group in tree.children if group.kind == kind]


def _body(tree: LayerNode) -> list[LayerNode]:
    backbone = _groups(tree, "backbone")
    if backbone:
        return list(backbone[0].children)
    return [group for group in tree.children if group.kind not in ("input", "head")]


def _blocks(tree: LayerNode) -> list[tuple[str, ...]]:
    """The leaves with weights of each block that has any.

    The last convolution of a backbone, a separate block in the tree (`top`), comes with the block
    before it.
    """
    groups = (group.children if group.kind == "stage" else (group,) for group in _body(tree))
    found: list[tuple[str, ...]] = []
    for block in chain.from_iterable(groups):
        names = weighted(block)
        if block.name == "top" and found:
            found[-1] += names
        elif names:
            found.append(names)
    return found
