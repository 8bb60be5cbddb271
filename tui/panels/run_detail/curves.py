"""The curves of an ended run, or of a running one as last read."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widgets import Static

from engine.state.snapshot import RunSnapshot
from tui.panels.charts.curves import CurveChart
from tui.panels.charts.data import CHARTS
from tui.panels.run_detail.material import Material
from tui.panels.run_detail.page import RunView

_BESIDE_FROM = 100
"""Least cells in which the two charts stand side by side."""
_TITLE_INDENT = 6
_GAP = 2
"""Cells between the two."""


class CurvesPage(RunView):
    """Accuracy and loss over the epochs, with the changes of freezing and of learning rate."""

    DEFAULT_CSS = f"""
    CurvesPage {{
        &.-beside #run-charts {{ layout: horizontal; }}
        &.-beside #run-charts > Vertical:first-of-type {{ padding-right: {_GAP}; }}
        .chart-title {{ height: 1; padding-left: {_TITLE_INDENT}; color: $muted; }}
    }}
    """
    _run: RunSnapshot | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="run-curves-note")
        with Container(id="run-charts"):
            for name, _, _ in CHARTS:
                with Vertical():
                    yield Static(classes="chart-title", id=f"run-{name}-title")
                    yield CurveChart(id=f"run-{name}")

    def show(self, material: Material) -> None:
        """Draw a run's curves, once its record has been read."""
        run = self._run = material.snapshot
        words = curves_note(run)
        note = self.query_one("#run-curves-note", Static)
        note.update(words)
        note.display = bool(words)
        has_curves = run is not None and bool(run.accuracy.full or run.ended_epochs)
        self.query_one("#run-charts").display = has_curves
        if run is None or not has_curves:
            return
        self._write_titles(run, self.size.width)
        for name, _, data in CHARTS:
            self.query_one(f"#run-{name}", CurveChart).plot(data(run))

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= _BESIDE_FROM, "-beside")
        if self._run is not None:
            self._write_titles(self._run, event.size.width)

    def _write_titles(self, run: RunSnapshot, width: int) -> None:
        room = (width // 2 - _GAP if width >= _BESIDE_FROM else width) - _TITLE_INDENT
        for name, title, _ in CHARTS:
            self.query_one(f"#run-{name}-title", Static).update(title(run, room))


def curves_note(run: RunSnapshot | None) -> str:
    """Return a note on missing or short curves; empty if they need none."""
    if run is None:
        return "reading the record…"
    epochs = len(run.ended_epochs)
    if not epochs and not run.accuracy.full:
        return "no batch was trained, so there are no curves"
    if not epochs:
        return "no epoch ended, so there is no validation"
    return "one epoch only: its validation is a single point" if epochs == 1 else ""
