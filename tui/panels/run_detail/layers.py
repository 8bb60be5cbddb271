"""The layer tree of a run as it ended: which layers trained last, and how far weights moved."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from engine.common.text import count
from engine.state.snapshot import RunSnapshot
from tui.panels.layers.drawing import ColumnHeads, DrawnTree
from tui.panels.layers.legend import ended_legend
from tui.panels.layers.row_state import knows_what_trains
from tui.panels.run_detail.material import Material
from tui.panels.run_detail.page import RunView

_JOIN = " · "


class EndedTree(DrawnTree):
    """The tree without keys of its own, so that the panel's keys work."""

    can_focus = False


class LayersPage(RunView):
    """The tree, its columns named, under a line that says how much of the model trained."""

    def compose(self) -> ComposeResult:
        yield Static(id="run-layers-note")
        yield ColumnHeads()
        yield EndedTree(id="run-layer-tree")

    def show(self, material: Material) -> None:
        """Draw a run's layers, once its record has been read."""
        run = material.snapshot
        self.query_one("#run-layers-note", Static).update(layers_note(run, material.width))
        tree = self.query_one(EndedTree)
        tree.display = run is not None and run.layers is not None
        self.query_one(ColumnHeads).display = tree.display
        if run is not None:
            tree.show_run(run, max(self.size.height - 2, 0))

    def move(self, down: int, right: int) -> None:
        """Move the cursor by a number of rows."""
        tree = self.query_one(EndedTree)
        tree.cursor_line = min(max(tree.cursor_line + down, 0), max(tree.last_line, 0))

    def toggle(self) -> None:
        """Open or close the group under the cursor."""
        self.query_one(EndedTree).action_toggle_node()


def layers_note(run: RunSnapshot | None, width: int) -> Content:
    """Return how much of the model trained at the end, and what the marks mean if that fits."""
    if run is None:
        return Content.styled("reading the record…", "$muted")
    if run.layers is None:
        return Content.styled("no model was built: there are no layers to show", "$muted")
    if run.spec.ensemble is not None:
        return Content.styled(run.spec.ensemble.words, "$foreground")
    if not run.stage:
        return Content.styled("no stage has begun", "$muted")
    if not knows_what_trains(run):
        words = "nothing was trained" if run.is_over else f"trains next: {run.stage_trains}"
        return Content.styled(words, "$muted")
    total = count(run.trainable_parameters + run.frozen_parameters)
    trained = "trained at the end" if run.is_over else "train now"
    note = Content.assemble(
        (count(run.trainable_parameters), "$primary bold"),
        (f" of {total} parameters {trained}", "$foreground"),
    )
    marks = ended_legend(width - note.cell_length - len(_JOIN))
    return note + Content.styled(f"{_JOIN}{marks}" if marks else "", "$muted")
