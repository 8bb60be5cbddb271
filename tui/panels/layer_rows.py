"""The rows of the layer tree and what state each is in: pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from engine.events import LayerNode
from engine.formatting import byte_size
from engine.snapshot import RunSnapshot

State = Literal["trains", "frozen", "some", "locked", "none"]
"""`locked`: BatchNormalization held in inference mode; `none`: nothing in it has weights."""

GLYPHS: dict[State, str] = {"trains": "■", "frozen": "□", "some": "◪", "locked": "▫", "none": " "}
WORDS: dict[State, str] = {
    "trains": "trains",
    "frozen": "frozen",
    "some": "some",
    "locked": "locked",
    "none": "",
}
_SEPARATORS = "_/.-"


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A row: its node, a short title, and the leaves at or below it that can be toggled."""

    node: LayerNode
    title: str
    leaves: tuple[str, ...]
    """Those with weights, locked BatchNormalization left out."""
    is_locked: bool = False
    """Whether it is a locked BatchNormalization, or holds nothing else with weights."""
    children: tuple[LayerRow, ...] = ()

    @property
    def first_leaf(self) -> str:
        """The name of the first layer at or below it."""
        return self.children[0].first_leaf if self.children else self.node.name


@dataclass(frozen=True, slots=True)
class RowState:
    """What a row's leaves do now, and what was asked of them."""

    now: State
    asked: State
    """What they will do once all that waits is done; equal to `now` where nothing waits."""
    waiting: int
    """How many of its leaves wait for a change."""

    @property
    def mark(self) -> str:
        """Glyph and word: `■ trains`, `□ → trains`."""
        if self.waiting:
            return f"{GLYPHS[self.now]} → {WORDS[self.asked]}"
        return f"{GLYPHS[self.now]} {WORDS[self.now]}".rstrip()


def layer_rows(root: LayerNode, *, locks_batchnorm: bool) -> tuple[LayerRow, ...]:
    """The rows below the root; the root itself, the whole model, is no row.

    Args:
        root: the layer tree of a run.
        locks_batchnorm: whether the backbone's BatchNormalization stays in inference mode
            whatever is asked of it.
    """
    return tuple(
        _row(child, root.name, locks_batchnorm and child.kind == "backbone")
        for child in root.children
    )


def _row(node: LayerNode, parent: str, locks: bool) -> LayerRow:
    title = short_title(node.name, parent)
    if not node.children:
        is_locked = locks and node.kind == "BatchNormalization"
        can_toggle = node.parameters > 0 and not is_locked
        return LayerRow(node, title, (node.name,) if can_toggle else (), is_locked)
    children = tuple(_row(child, node.name, locks) for child in node.children)
    leaves = tuple(leaf for child in children for leaf in child.leaves)
    is_locked = not leaves and any(child.is_locked for child in children)
    return LayerRow(node, title, leaves, is_locked, children)


def opened_at_first(rows: tuple[LayerRow, ...], lines: int) -> set[str]:
    """Names of the groups to open so that the tree fills `lines`: the last ones, as those train."""
    opened = {row.node.name for row in rows if row.children}
    used = len(rows) + sum(len(row.children) for row in rows)
    groups = [child for row in reversed(rows) for child in reversed(row.children) if child.children]
    for group in groups:
        used += len(group.children)
        if used > lines:
            break
        opened.add(group.node.name)
    return opened


def path_to(rows: tuple[LayerRow, ...], leaf: str) -> tuple[LayerRow, ...]:
    """The groups around a leaf and, last, the outermost row that begins with it; empty if none."""
    for row in rows:
        if row.first_leaf == leaf:
            return (row,)
        if below := path_to(row.children, leaf):
            return (row, *below)
    return ()


def frontier_words(run: RunSnapshot) -> tuple[str, ...]:
    """What the line at the frontier says, the longest form first, each shorter one for less room.

    `kept: 415 MB in memory`, `kept: 415 MB`, `kept`; nothing where nothing is kept.
    """
    if not run.frontier:
        return ()
    if run.features is None:
        return ("kept: being computed", "kept")
    size = byte_size(run.features.bytes)
    place = "in memory" if run.features.held == "memory" else "on disk"
    return (f"kept: {size} {place}", f"kept: {size}", "kept")


def short_title(name: str, parent: str) -> str:
    """A layer's name without that of the group it stands in."""
    rest = name.removeprefix(parent)
    if rest != name and rest[:1] and rest[0] in _SEPARATORS:
        return rest.lstrip(_SEPARATORS) or name
    return name


def row_state(row: LayerRow, trainable: Collection[str], pending: Mapping[str, bool]) -> RowState:
    """The state of a row, given the layers that train and those that wait for a change."""
    train = sum(leaf in trainable for leaf in row.leaves)
    asked = sum(pending.get(leaf, leaf in trainable) for leaf in row.leaves)
    waiting = sum(leaf in pending for leaf in row.leaves)
    if row.is_locked:
        return RowState("locked", "locked", 0)
    return RowState(_state(train, len(row.leaves)), _state(asked, len(row.leaves)), waiting)


def _state(train: int, leaves: int) -> State:
    if not leaves:
        return "none"
    if train == leaves:
        return "trains"
    return "some" if train else "frozen"


def toggled_value(state: RowState) -> bool:
    """What a toggle asks of a row: freeze if all of it trains or is asked to, else unfreeze."""
    return state.asked != "trains"
