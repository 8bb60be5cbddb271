"""The layer tree of a run as it ended: which layers trained last, and how far weights moved."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from engine.common.text import count
from engine.protocol.facts import LayerNode
from engine.state.layer_choice import lockable
from engine.state.snapshot import RunSnapshot
from tui.panels.layers.drawing import DrawnTree
from tui.panels.layers.row_state import layer_states
from tui.panels.run_detail.material import Material
from tui.panels.run_detail.page import RunView


class EndedTree(DrawnTree):
    """The tree without keys of its own, so that the panel's keys work."""

    can_focus = False


class LayersPage(RunView):
    """The tree under a line that says how much of the model trained."""

    def __init__(self, **names: Any) -> None:
        super().__init__(**names)
        self._filled: LayerNode | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="run-layers-note")
        yield EndedTree(id="run-layer-tree")

    def show(self, material: Material) -> None:
        """Draw a run's layers, once its record has been read."""
        run = material.snapshot
        self.query_one("#run-layers-note", Static).update(layers_note(run))
        tree = self.query_one(EndedTree)
        layers = run.layers if run is not None else None
        tree.display = layers is not None
        if run is None or layers is None:
            return
        if layers is not self._filled:
            self._filled = layers
            tree.fill(layers, max(self.size.height - 2, 0))
        tree.show_states(layer_states(run, lockable(layers)))

    def move(self, down: int, right: int) -> None:
        """Move the cursor by a number of rows."""
        tree = self.query_one(EndedTree)
        tree.cursor_line = min(max(tree.cursor_line + down, 0), max(tree.last_line, 0))

    def toggle(self) -> None:
        """Open or close the group under the cursor."""
        node = self.query_one(EndedTree).cursor_node
        if node is not None and node.allow_expand:
            node.toggle()


def layers_note(run: RunSnapshot | None) -> Content:
    """Return how much of the model trained at the end."""
    if run is None:
        return Content.styled("reading the record…", "$muted")
    if run.layers is None:
        return Content.styled("the model was not built, so its layers are not known", "$muted")
    total = count(run.trainable_parameters + run.frozen_parameters)
    trained = "trained at the end" if run.is_over else "train now"
    if not run.stage:
        return Content.styled("no stage began", "$muted")
    return Content.assemble(
        (count(run.trainable_parameters), "$primary bold"),
        (f" of {total} parameters {trained}", "$foreground"),
    )
