"""The training screen over a recording: it looks the same and nothing can be changed."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.widget import Widget

from engine.snapshot import RunSnapshot
from tui.panels.progress import HeadPanel
from tui.panels.queue import QueuePanel
from tui.screens.training import TrainingScreen
from tui.session_view import SessionView


class RecordingScreen(TrainingScreen):
    """Draws what is played; every key that would command is refused with a word.

    Args:
        view: as for the training screen.
        clock: the Unix second of the recording that is being played.
    """

    def __init__(self, view: SessionView, clock: Callable[[], float]) -> None:
        super().__init__(view)
        self._clock = clock

    def compose(self) -> ComposeResult:
        for widget in super().compose():
            yield self._timed(widget)

    def _timed(self, widget: Widget) -> Widget:
        """What tells times, by the recording's clock."""
        if isinstance(widget, (HeadPanel, QueuePanel)):
            return type(widget)(clock=self._clock, id=widget.id)
        return widget

    def _run_at_work(self) -> RunSnapshot | None:
        self.notify("A recording: nothing to change.", severity="warning")
        return None
