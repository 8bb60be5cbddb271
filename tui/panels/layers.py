"""The layer tree: what trains and what is frozen, with weights; space asks for a change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static, Tree
from textual.widgets.tree import TreeNode

from engine.events import LayerNode
from engine.formatting import count
from engine.snapshot import RunSnapshot
from tui import keys
from tui.panels.layer_rows import (
    LayerRow,
    RowState,
    layer_rows,
    opened_at_first,
    row_state,
    toggled_value,
)
from tui.panels.notice import waiting_changes

_COUNT_WIDTH = 8
_MARK_WIDTH = 11
_USUAL_HEIGHT = 24
_GLYPHS_ONLY_BELOW = 36
_PLACEHOLDER = "The layers appear here once the model is built."


class LayerTree(Tree[LayerRow]):
    """The rows in Textual's tree; labels are drawn from the present state, never stored."""

    BINDINGS = keys.bindings("layers")
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "layers--trains",
        "layers--frozen",
        "layers--waiting",
        "layers--count",
    }
    ICON_NODE = "▸ "
    ICON_NODE_EXPANDED = "▾ "

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__("", id=id)
        self.show_root = False
        self.guide_depth = 2
        self.auto_expand = False
        self._trainable: frozenset[str] = frozenset()
        self._pending: dict[str, bool] = {}

    def fill(self, root: LayerNode, *, locks_batchnorm: bool) -> None:
        """Show another model's layers: the backbone open, and what trains."""
        self.clear()
        self.root.expand()
        rows = layer_rows(root, locks_batchnorm=locks_batchnorm)
        opened = opened_at_first(rows, self.size.height or _USUAL_HEIGHT)
        for row in rows:
            self._add(self.root, row, opened)
        self.cursor_line = 0

    def _add(self, parent: TreeNode[LayerRow], row: LayerRow, opened: set[str]) -> None:
        is_open = row.node.name in opened
        node = parent.add(row.title, row, allow_expand=bool(row.children), expand=is_open)
        for child in row.children:
            self._add(node, child, opened)

    def show_state(self, trainable: frozenset[str], pending: dict[str, bool]) -> None:
        """Draw the rows anew if who trains, or what waits, has changed; the cursor stays."""
        if (trainable, pending) == (self._trainable, self._pending):
            return
        self._trainable, self._pending = trainable, dict(pending)
        for node in self.root.children:
            node.refresh()
        self.refresh()

    def state_of(self, row: LayerRow) -> RowState:
        """What the row's layers do now and what was asked of them."""
        return row_state(row, self._trainable, self._pending)

    def get_label_width(self, node: TreeNode[LayerRow]) -> int:
        return 1

    def render_label(self, node: TreeNode[LayerRow], base_style: Style, style: Style) -> Text:
        row = node.data
        if row is None:
            return Text()
        state = self.state_of(row)
        width = self.scrollable_content_region.width - self.guide_depth * _depth(node)
        mark = state.mark if self.size.width >= _GLYPHS_ONLY_BELOW else state.mark[:3].rstrip()
        mark_width = _MARK_WIDTH if self.size.width >= _GLYPHS_ONLY_BELOW else 4
        icon = ""
        if row.children:
            icon = self.ICON_NODE_EXPANDED if node.is_expanded else self.ICON_NODE
        title = Text(icon + row.title, style + self._title_style(row))
        title.truncate(max(width - _COUNT_WIDTH - mark_width - 2, 4), overflow="ellipsis", pad=True)
        weights = count(row.node.parameters) if row.node.parameters else ""
        title.append(f"{weights:>{_COUNT_WIDTH}}  ", style + self._style("count"))
        title.append(f"{mark:<{mark_width}}", style + self._mark_style(state))
        return title

    def _title_style(self, row: LayerRow) -> Style:
        return Style() if row.leaves else self._style("frozen")

    def _mark_style(self, state: RowState) -> Style:
        if state.waiting:
            return self._style("waiting")
        return self._style("trains" if state.now in ("trains", "some") else "frozen")

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"layers--{name}", partial=True)

    def action_toggle_trainable(self) -> None:
        """Ask to freeze or unfreeze the row under the cursor."""
        row = self.cursor_node.data if self.cursor_node else None
        if row is not None and row.leaves:
            value = toggled_value(self.state_of(row))
            self.post_message(LayersPanel.FreezeToggled(row.leaves, value))

    def action_toggle_open(self) -> None:
        """Open or close the group under the cursor."""
        if self.cursor_node is not None and self.cursor_node.allow_expand:
            self.cursor_node.toggle()

    def action_open(self) -> None:
        """Open the group under the cursor."""
        if self.cursor_node is not None and self.cursor_node.allow_expand:
            self.cursor_node.expand()

    def action_close(self) -> None:
        """Close the group under the cursor, or go to the group it stands in."""
        node = self.cursor_node
        if node is None:
            return
        if node.allow_expand and node.is_expanded:
            node.collapse()
        elif node.parent is not None and not node.parent.is_root:
            self.move_cursor(node.parent)


def _depth(node: TreeNode[LayerRow]) -> int:
    depth = -1
    parent = node.parent
    while parent is not None:
        depth, parent = depth + 1, parent.parent
    return depth


class LayersPanel(Vertical):
    """The tree with how much of the model trains above it and what waits below it."""

    snapshot: reactive[RunSnapshot | None] = reactive(None, always_update=True, repaint=False)

    @dataclass
    class FreezeToggled(Message):
        """The person wants these leaf layers to train (`value`) or to be frozen."""

        layers: tuple[str, ...]
        value: bool

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="panel")
        self.border_title = Content.styled("Layers", "bold")
        self._filled: LayerNode | None = None

    def compose(self) -> ComposeResult:
        yield Static(_PLACEHOLDER, classes="placeholder")
        yield LayerTree(id="layer-tree")

    def watch_snapshot(self, snapshot: RunSnapshot | None) -> None:
        if snapshot is None or not self.is_mounted:
            return
        tree = self.query_one(LayerTree)
        if snapshot.layers is not self._filled:
            self._filled = snapshot.layers
            self.set_class(self._filled is not None, "-filled")
            if self._filled is not None:
                tree.fill(self._filled, locks_batchnorm=snapshot.spec.batchnorm == "locked")
                # Without its rows the tree is hidden and takes no focus.
                self.call_after_refresh(self._focus_if_none_has)
        tree.show_state(snapshot.trainable, snapshot.pending)
        self.border_title = panel_title(snapshot)
        self.border_subtitle = panel_subtitle(snapshot)

    def _focus_if_none_has(self) -> None:
        if self.screen.focused is None:
            self.query_one(LayerTree).focus()


def panel_title(run: RunSnapshot) -> Content:
    """`Layers  1.98 M of 3.40 M train`."""
    title = Content.styled("Layers", "bold")
    if run.layers is None or not run.stage:
        return title
    total = run.trainable_parameters + run.frozen_parameters
    return title + Content.assemble(
        ("  " + count(run.trainable_parameters), "$primary bold"),
        (f" of {count(total)} train", "$muted"),
    )


def panel_subtitle(run: RunSnapshot) -> Content:
    """The changes that wait; while there are none, what is known of the model."""
    if run.pending:
        return Content.styled(waiting_changes(len(run.pending)), "$warning")
    if run.model is None:
        return Content("")
    return Content.styled(f"depth {run.model.depth} · {count(run.model.flops)} FLOPs", "$muted")
