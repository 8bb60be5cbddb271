"""What the keys of the layer panel do: freeze and unfreeze, open and close, find a layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from textual.message import Message
from textual.widgets.tree import TreeNode

from engine.state.layer_choice import from_on, up_to
from tui.panels.layers.drawing import DrawnTree
from tui.panels.layers.row_state import toggled_value
from tui.panels.layers.rows import LayerRow
from tui.panels.layers.texts import LOCKED_REPLY
from tui.settings import keys


class LayerTree(DrawnTree):
    """The rows, with keys that ask for changes by messages and never make them."""

    BINDINGS = keys.bindings("layers")

    @dataclass
    class FreezeToggled(Message):
        """The user wants these leaf layers to train (`value`) or to be frozen."""

        layers: tuple[str, ...]
        value: bool

    class FindAsked(Message):
        """The user wants to find a layer by its name."""

    def action_toggle_trainable(self) -> None:
        """Ask to freeze or unfreeze the row under the cursor; say why where it is locked."""
        row = self.row
        if row is None or not row.leaves:
            return
        state = self.state_of(row)
        if state.asked == "locked":
            self.notify(LOCKED_REPLY, severity="warning", markup=False)
        else:
            self.post_message(self.FreezeToggled(row.leaves, toggled_value(state)))

    def action_set_part(self, value: bool) -> None:
        """Ask to train the row at the cursor and all behind it, or to freeze it and all before."""
        if self.model is None or self.row is None:
            return
        layers = (from_on if value else up_to)(self.model, self.row.node)
        if layers:
            self.post_message(self.FreezeToggled(layers, value))
        else:
            self.notify("No layer there has weights.", severity="warning")

    def action_find(self) -> None:
        """Open the line in which a name is typed."""
        if self._rows:
            self.post_message(self.FindAsked())

    def action_open(self) -> None:
        """Open the group under the cursor."""
        if self.cursor_node is not None and self.cursor_node.allow_expand:
            self.cursor_node.expand()

    def action_close(self) -> None:
        """Close the group under the cursor, or go to its parent group."""
        node = self.cursor_node
        if node is None:
            return
        if node.allow_expand and node.is_expanded:
            node.collapse()
        elif node.parent is not None and not node.parent.is_root:
            self.move_cursor(node.parent)

    # Finding a layer.

    def find(self, text: str, step: int = 0) -> tuple[int, int]:
        """Go to a row whose name contains a text, whatever its case; closed groups open.

        Args:
            text: part of a name; an empty one matches nothing.
            step: 0 goes to the first match, 1 to the next below the cursor, -1 to the last above
                it, each starting again at the other end.

        Returns:
            The number of the match, from 1, and how many there are; 0 and 0 if none.
        """
        nodes = [node for node in _nodes_below(self.root) if node.data is not None]
        names = [node.data.node.name for node in nodes if node.data is not None]
        here = nodes.index(self.cursor_node) if self.cursor_node in nodes else -1
        found = places_of(text, names)
        if not found:
            return 0, 0
        to = next_place(found, here, step)
        self._reveal(nodes[to])
        return found.index(to) + 1, len(found)

    def _reveal(self, node: TreeNode[LayerRow]) -> None:
        around = node.parent
        while around is not None:
            if not around.is_expanded:
                around.expand()
            around = around.parent
        # Reading the last line renumbers the lines, by which the cursor moves.
        if self.last_line >= node.line >= 0:
            self.move_cursor(node)


def places_of(text: str, names: Sequence[str]) -> list[int]:
    """Find the names that contain `text`, whatever its case; an empty text matches nothing."""
    wanted = text.casefold()
    return [at for at, name in enumerate(names) if wanted and wanted in name.casefold()]


def next_place(found: Sequence[int], here: int, step: int) -> int:
    """Choose the place to go to: for `step` 0 the first, for 1 the next, for -1 the one before.

    Args:
        found: places in rising order, at least one.
        here: the current place; beyond the last one it starts again at the other end.
        step: 0, 1 or -1.
    """
    if step > 0:
        return next((at for at in found if at > here), found[0])
    if step < 0:
        return next((at for at in reversed(found) if at < here), found[-1])
    return found[0]


def _nodes_below(node: TreeNode[LayerRow]) -> Iterator[TreeNode[LayerRow]]:
    for child in node.children:
        yield child
        yield from _nodes_below(child)
