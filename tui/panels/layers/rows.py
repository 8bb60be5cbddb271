"""The rows of the layer tree: their nesting, short titles, what is open first: pure."""

from __future__ import annotations

from dataclasses import dataclass

from engine.protocol.facts import LayerNode

_SEPARATORS = "_/.-"


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A row: its node, a short title, and the leaves at or below it that can be toggled."""

    node: LayerNode
    title: str
    leaves: tuple[str, ...]
    """Those with weights, BatchNormalization included whether it is locked or not."""
    children: tuple[LayerRow, ...] = ()
    layers: int = 1
    """How many layers it is or contains, with weights or without."""

    @property
    def first_leaf(self) -> str:
        """The name of the first layer at or below it."""
        return self.children[0].first_leaf if self.children else self.node.name


def layer_rows(root: LayerNode) -> tuple[LayerRow, ...]:
    """Make the rows below the root; the root itself, the whole model, is not a row."""
    return tuple(_row(child, root.name) for child in root.children)


def _row(node: LayerNode, parent: str) -> LayerRow:
    title = short_title(node.name, parent)
    if not node.children:
        return LayerRow(node, title, (node.name,) if node.parameters else ())
    children = tuple(_row(child, node.name) for child in node.children)
    leaves = tuple(leaf for child in children for leaf in child.leaves)
    return LayerRow(node, title, leaves, children, sum(child.layers for child in children))


def opened_at_first(rows: tuple[LayerRow, ...], lines: int) -> set[str]:
    """Choose the groups to open so that the tree fills `lines`: the last ones, as those train.

    Groups without weights, such as the input's, stay closed.
    """
    shown = [row for row in rows if row.children and row.leaves]
    opened = {row.node.name for row in shown}
    used = len(rows) + sum(len(row.children) for row in shown)
    groups = [group for row in reversed(shown) for group in reversed(row.children)]
    groups = [group for group in groups if group.children]
    for group in groups:
        used += len(group.children)
        if used > lines:
            break
        opened.add(group.node.name)
    return opened


def path_to(rows: tuple[LayerRow, ...], leaf: str) -> tuple[LayerRow, ...]:
    """Find the groups around a leaf and, last, the outermost row that begins with it."""
    for row in rows:
        if row.first_leaf == leaf:
            return (row,)
        if below := path_to(row.children, leaf):
            return (row, *below)
    return ()


def group_of(tree: LayerNode, leaf: str) -> str:
    """Name the innermost group that contains a leaf; a leaf outside of groups has its own name.

    Empty if there is no such leaf.
    """
    for child in tree.children:
        if not child.children and child.name == leaf:
            return leaf
        if found := group_of(child, leaf):
            return child.name if found == leaf else found
    return ""


def short_title(name: str, parent: str) -> str:
    """Shorten a layer's name by that of its group, and what comes before that.

    Group names have a blank where layers have nothing or an underscore: `block6d_expand_conv` and
    `stage_2_block_6_expand_conv` are both `expand_conv`, in `block 6d` and in `block 6`.
    """
    for form in (parent, parent.replace(" ", ""), parent.replace(" ", "_")):
        before, found, rest = name.partition(form)
        is_whole = not before or before[-1] in _SEPARATORS
        if found and is_whole and rest and rest[0] in _SEPARATORS:
            return rest.lstrip(_SEPARATORS) or name
    return name
