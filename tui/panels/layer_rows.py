"""The rows of the layer tree and what state each is in: pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from engine.events import LayerNode

State = Literal["trains", "frozen", "some", "none"]
"""`none`: nothing in it has weights."""

GLYPHS: dict[State, str] = {"trains": "■", "frozen": "□", "some": "◪", "none": " "}
WORDS: dict[State, str] = {"trains": "trains", "frozen": "frozen", "some": "some", "none": ""}
_SEPARATORS = "_/.-"


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A row: its node, a short title, and the leaves with weights at or below it."""

    node: LayerNode
    title: str
    leaves: tuple[str, ...]
    children: tuple[LayerRow, ...] = ()


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


def layer_rows(root: LayerNode) -> tuple[LayerRow, ...]:
    """The rows below the root; the root itself, the whole model, is no row."""
    return tuple(_row(child, root.name) for child in root.children)


def _row(node: LayerNode, parent: str) -> LayerRow:
    children = tuple(_row(child, node.name) for child in node.children)
    if children:
        leaves = tuple(leaf for child in children for leaf in child.leaves)
    else:
        leaves = (node.name,) if node.parameters > 0 else ()
    return LayerRow(node, short_title(node.name, parent), leaves, children)


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
