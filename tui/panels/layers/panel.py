"""The layer panel: the tree, how much of the model trains, what waits, and details of a row."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Input, Static, Tree

from engine.state.snapshot import RunSnapshot
from tui.panels.layers.drawing import ColumnHeads
from tui.panels.layers.keys import LayerTree
from tui.panels.layers.texts import (
    frontier_words,
    panel_subtitle,
    panel_title,
    row_detail,
    waiting_lines,
)

_BORDER_WIDTH = 6
"""Corners of the border, and a dash and a blank on each side of its subtitle."""
_LINES_AROUND = 7
"""Head, border, notice and footer, on a screen that shows the layers alone."""
_PLACEHOLDER = "The layers appear here once the model is built."


class LayersPanel(Vertical):
    """The tree, with how much of the model trains above it and what waits below it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Before those of the field, which submits, and scrolls.
        Binding("enter,down", "step(1)", "next", key_display="enter ↓", priority=True),
        Binding("up", "step(-1)", "previous", priority=True),
        Binding("escape", "close", "close"),
    ]

    DEFAULT_CLASSES = "panel"
    BORDER_TITLE = "[bold]Layers[/]"
    snapshot: reactive[RunSnapshot | None] = reactive(None, always_update=True, repaint=False)
    _not_found = ""

    def compose(self) -> ComposeResult:
        yield Static(_PLACEHOLDER, classes="placeholder")
        yield ColumnHeads(id="layer-heads")
        yield LayerTree(id="layer-tree")
        yield Static(id="layer-waiting")
        yield Static(id="layer-detail")
        with Horizontal(id="layer-find"):
            yield Static("find ", id="find-word")
            yield Input(placeholder="part of a layer's name", compact=True, id="find-text")
            yield Static("", id="find-place")

    def watch_snapshot(self, snapshot: RunSnapshot | None) -> None:
        if snapshot is None or not self.is_mounted:
            return
        tree = self.query_one(LayerTree)
        is_other = snapshot.layers is not tree.model
        self.set_class(snapshot.layers is not None, "-filled")
        # One line above the tree names the columns, one below is the detail's.
        height = self.content_size.height or self.screen.size.height - _LINES_AROUND
        tree.show_run(snapshot, max(height - 2, 0))
        tree.show_frontier(snapshot.frontier, frontier_words(snapshot))
        self._show_texts()
        if is_other and snapshot.layers is not None:
            # Without its rows the tree is hidden and takes no focus.
            self.call_after_refresh(self._focus_if_none_has)

    def on_resize(self) -> None:
        self._show_texts()

    def on_show(self) -> None:
        run = self.snapshot
        if run is not None and run.layers is not None and not run.is_over:
            self.call_after_refresh(self._focus_if_none_has)

    def _focus_if_none_has(self) -> None:
        # Keys must change no layer that is not visible.
        if self.screen.focused is None and self.display:
            self.query_one(LayerTree).focus()

    # Texts around the tree.

    def _show_texts(self) -> None:
        run, width = self.snapshot, self.content_size.width
        if run is None:
            return
        title = panel_title(run)
        subtitle = panel_subtitle(run, self.outer_size.width - _BORDER_WIDTH)
        if (title.markup, subtitle.markup) != (self.border_title, self.border_subtitle):
            self.border_title, self.border_subtitle = title, subtitle
        lines = waiting_lines(run, width)
        waiting, field = Content.styled("\n".join(lines), "$warning"), self._static("waiting")
        if waiting != field.content:
            field.update(waiting)
            self.set_class(bool(lines), "-waiting")
        self._show_detail()

    def _static(self, name: str) -> Static:
        return self.query_one(f"#layer-{name}", Static)

    def _show_detail(self) -> None:
        tree, width = self.query_one(LayerTree), self.content_size.width
        detail = Content("")
        if self._not_found:
            detail = Content.styled(f"no layer's name contains {self._not_found!r}", "$warning")
        elif tree.row is not None:
            detail = row_detail(tree.row, tree.state_of(tree.row), width)
        if detail != self._static("detail").content:
            self._static("detail").update(detail, layout=False)

    @on(Tree.NodeHighlighted)
    def _tell_row(self, message: Tree.NodeHighlighted[object]) -> None:
        message.stop()
        self._show_detail()

    # Finding a layer.

    @on(LayerTree.FindAsked)
    def _open_find(self, message: LayerTree.FindAsked) -> None:
        message.stop()
        self.add_class("-finding")
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _find_first(self, message: Input.Changed) -> None:
        message.stop()
        self.action_step(0)

    def action_step(self, step: int) -> None:
        """Go to the next match, to the one before (-1), or to the first (0)."""
        text = self.query_one(Input).value
        place, total = self.query_one(LayerTree).find(text, step)
        words = f" {place} of {total}" if total else ""
        self.query_one("#find-place", Static).update(words)
        self._not_found = text if text and not total else ""
        self._show_detail()

    def action_close(self) -> None:
        """Close the line and go back to the tree."""
        self.query_one(LayerTree).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the keys to the tree and the screen while no name is typed."""
        return self.has_class("-finding") or action not in ("step", "close")

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if isinstance(event.widget, LayerTree) and self.has_class("-finding"):
            self.remove_class("-finding")
            self.query_one(Input).value = ""
