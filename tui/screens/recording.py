"""The training screen over a recording: it looks the same and nothing can be changed."""

from __future__ import annotations

from engine.state.snapshot import RunSnapshot
from tui.screens.training import TrainingScreen


class RecordingScreen(TrainingScreen):
    """Draws what is played; every key that would command is refused with a word."""

    def _run_at_work(self) -> RunSnapshot | None:
        self.notify("A recording: nothing to change.", severity="warning")
        return None
