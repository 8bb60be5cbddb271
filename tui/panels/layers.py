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
from engine.formatting import byte_size, count, duration, whole
from engine.snapshot import RunSnapshot
from tui import keys
from tui.panels.layer_rows import (
    LayerRow,
    RowState,
    frontier_words,
    layer_rows,
    opened_at_first,
    path_to,
    row_state,
    toggled_value,
)
from tui.panels.notice import waiting_changes

_COUNT_WIDTH = 8
_MARK_WIDTH = 11
_USUAL_HEIGHT = 24
_GLYPHS_ONLY_BELOW = 36
_BORDER_WIDTH = 6
"""Corners of the border, and beside its subtitle a dash and a blank on each side."""
_PLACEHOLDER = "The layers appear here once the model is built."


class LayerTree(Tree[LayerRow]):
    """The rows in Textual's tree; labels are drawn from the present state, never stored."""

    BINDINGS = keys.bindings("layers")
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "layers--trains",
        "layers--frozen",
        "layers--waiting",
        "layers--count",
        "layers--frontier",
    }
    ICON_NODE = "▸ "
    ICON_NODE_EXPANDED = "▾ "
    _rule: TreeNode[LayerRow] | None = None
    """The line at the frontier."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__("", id=id)
        self.show_root = False
        self.guide_depth = 2
        self.auto_expand = False
        self._trainable: frozenset[str] = frozenset()
        self._pending: dict[str, bool] = {}
        self._rows: tuple[LayerRow, ...] = ()
        self._frontier = ""
        self._frontier_words: tuple[str, ...] = ()
        self._around_rule: frozenset[int] = frozenset()

    def fill(self, root: LayerNode, *, locks_batchnorm: bool) -> None:
        """Show another model's layers: the backbone open, and what trains."""
        self.clear()
        self.root.expand()
        self._frontier, self._rule, self._around_rule = "", None, frozenset()
        self._rows = layer_rows(root, locks_batchnorm=locks_batchnorm)
        # One line stays free for the frontier.
        opened = opened_at_first(self._rows, (self.size.height or _USUAL_HEIGHT) - 1)
        for row in self._rows:
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
        self._draw_anew()

    def show_frontier(self, frontier: str, words: tuple[str, ...]) -> None:
        """Draw the line above which all is computed once.

        It is a node without a row, which the cursor steps over; where the frontier lies inside a
        closed group, that group's row says the same.

        Args:
            frontier: the first leaf below the line; empty or unknown draws none.
            words: what the line says, the longest form first.
        """
        if (frontier, words) == (self._frontier, self._frontier_words):
            return
        if frontier != self._frontier:
            self._move_rule(frontier)
        self._frontier, self._frontier_words = frontier, words
        self._draw_anew()

    def _move_rule(self, frontier: str) -> None:
        if self._rule is not None:
            self._rule.remove()
        self._rule, self._around_rule = None, frozenset()
        path: list[TreeNode[LayerRow]] = [self.root]
        for row in path_to(self._rows, frontier):
            path.append(next(child for child in path[-1].children if child.data is row))
        if len(path) > 1:
            *around, below = path
            self._rule = around[-1].add("", before=below, allow_expand=False)
            self._around_rule = frozenset(node.id for node in around)

    def _draw_anew(self) -> None:
        for node in self.root.children:
            node.refresh()
        self.refresh()

    def validate_cursor_line(self, value: int) -> int:
        line = super().validate_cursor_line(value)
        node = self.get_node_at_line(line)
        if node is None or node is not self._rule:
            return line
        # The line at the frontier is no layer: on in the direction the cursor goes.
        return line - 1 if 0 < line < self.cursor_line else line + 1

    def state_of(self, row: LayerRow) -> RowState:
        """What the row's layers do now and what was asked of them."""
        return row_state(row, self._trainable, self._pending)

    def get_label_width(self, node: TreeNode[LayerRow]) -> int:
        return 1

    def render_label(self, node: TreeNode[LayerRow], base_style: Style, style: Style) -> Text:
        row = node.data
        width = self.scrollable_content_region.width - self.guide_depth * _depth(node)
        if row is None:
            return self._rule_label(width, style)
        state = self.state_of(row)
        mark = state.mark if self.size.width >= _GLYPHS_ONLY_BELOW else state.mark[:3].rstrip()
        mark_width = _MARK_WIDTH if self.size.width >= _GLYPHS_ONLY_BELOW else 4
        icon = ""
        if row.children:
            icon = self.ICON_NODE_EXPANDED if node.is_expanded else self.ICON_NODE
        title = Text(icon + row.title, style + self._title_style(row))
        room = max(width - _COUNT_WIDTH - mark_width - 2, 4)
        if node.id in self._around_rule and not node.is_expanded:
            words = self._words_within(room - title.cell_len - 4)
            title.append(f" ── {words}", style + self._style("frontier"))
        title.truncate(room, overflow="ellipsis", pad=True)
        weights = count(row.node.parameters) if row.node.parameters else ""
        title.append(f"{weights:>{_COUNT_WIDTH}}  ", style + self._style("count"))
        title.append(f"{mark:<{mark_width}}", style + self._mark_style(state))
        return title

    def _rule_label(self, width: int, style: Style) -> Text:
        words = self._words_within(width - 6)
        return Text(f"── {words} ".ljust(width, "─")[:width], style + self._style("frontier"))

    def _words_within(self, width: int) -> str:
        return next((words for words in self._frontier_words if len(words) <= width), "")

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
        tree.show_frontier(snapshot.frontier, frontier_words(snapshot))
        self.border_title = panel_title(snapshot)
        self.border_subtitle = panel_subtitle(snapshot, self.outer_size.width - _BORDER_WIDTH)

    def on_resize(self) -> None:
        if self.snapshot is not None:
            self.border_subtitle = panel_subtitle(
                self.snapshot, self.outer_size.width - _BORDER_WIDTH
            )

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


def panel_subtitle(run: RunSnapshot, width: int) -> Content:
    """What waits and costs; while nothing waits the kept features, without any the model.

    Of each the longest form that `width` cells hold.
    """
    if run.pending:
        return Content.styled(_longest(_waiting(run), width), "$warning")
    if run.features is not None:
        return Content.styled(_longest(_features(run), width), "$muted")
    if run.model is None:
        return Content("")
    return Content.styled(f"depth {run.model.depth} · {count(run.model.flops)} FLOPs", "$muted")


def _waiting(run: RunSnapshot) -> tuple[str, ...]:
    changes = len(run.pending)
    before, after = run.epoch_seconds_now, run.epoch_seconds_after_pending
    if before is None or after is None:
        return (waiting_changes(changes),)
    cost = f"epoch {_seconds(before)} → {_seconds(after)}"
    extraction = run.extraction_seconds_after_pending
    how = f"extracting {_seconds(extraction)}" if extraction and extraction >= 0.5 else ""
    then = f", after {how}" if how else ""
    waits = f"{changes} change{' waits' if changes == 1 else 's wait'}"
    return (
        f"{waits}: an {cost}{then}",
        f"an {cost}{then}",
        f"{cost}{then}",
        f"{cost}, {how}" if how else cost,
    )


def _features(run: RunSnapshot) -> tuple[str, ...]:
    assert run.features is not None
    size = byte_size(run.features.bytes)
    place = "in memory" if run.features.held == "memory" else "on disk"
    speed = run.images_per_second
    pace = "" if speed is None else f" · {whole(speed)} img/s"
    return (f"features {size} {place}{pace}", f"features {size}{pace}", f"{size}{pace}")


def _seconds(seconds: float) -> str:
    """`0.4 s`, `38 s`, `1:05`."""
    if seconds < 0.95:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 59.5 else duration(seconds)


def _longest(forms: tuple[str, ...], width: int) -> str:
    return next((form for form in forms if len(form) <= width), forms[-1])
