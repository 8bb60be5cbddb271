"""The panel of two charts: accuracy and loss over the epochs, train against validation."""

from __future__ import annotations

import math
import time

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.reactive import reactive

from engine.state.snapshot import RunSnapshot
from tui.panels.charts.data import CHARTS
from tui.panels.charts.settings import ChartSettings, read_settings

_CANVAS_AFTER_SECONDS = 0.05
"""Long enough for the first frame to be drawn; a call after a refresh may come before it."""
_BORDER_CELLS = 6
"""Beside a title: corners, and a dash and a blank at each of its ends."""


class ChartsPanel(Vertical):
    """Two charts, drawn at most once in `seconds_between_draws`."""

    snapshot: reactive[RunSnapshot | None] = reactive(None, always_update=True, repaint=False)
    settings: reactive[ChartSettings] = reactive(read_settings, repaint=False)
    seconds_between_draws = 2.0
    _drawn_at = -math.inf
    _drawn: tuple[object, ...] = ()
    _has_charts = False

    def compose(self) -> ComposeResult:
        for name, _, _ in CHARTS:
            yield Vertical(classes="panel", id=f"{name}-panel")

    def on_mount(self) -> None:
        self.set_interval(self.seconds_between_draws, self._draw_if_due)
        self.set_timer(_CANVAS_AFTER_SECONDS, self._add_charts)

    async def _add_charts(self) -> None:
        # The canvas imports NumPy: the first frame does not wait for it.
        from tui.panels.charts.curves import CurveChart

        for name, _, _ in CHARTS:
            await self.query_one(f"#{name}-panel").mount(CurveChart(id=f"{name}-chart"))
        self._has_charts = True
        self._draw_if_due()

    def watch_snapshot(self) -> None:
        self._draw_if_due()

    def watch_settings(self) -> None:
        self._drawn_at = -math.inf
        self._draw_if_due()

    def _draw_if_due(self) -> None:
        run = self.snapshot
        if run is None or not self._has_charts:
            return
        now = time.monotonic()
        if now - self._drawn_at < self.seconds_between_draws * 0.9:
            return
        counts = (run.epoch, run.step, len(run.ended_epochs), len(run.markers))
        content = (run.run_id, *counts, self.settings, self.size.width)
        if content != self._drawn:
            self._drawn, self._drawn_at = content, now
            self._draw(run)

    def _draw(self, run: RunSnapshot) -> None:
        from tui.panels.charts.curves import CurveChart

        for name, title, data in CHARTS:
            panel = self.query_one(f"#{name}-panel", Vertical)
            panel.border_title = title(run, self.size.width - _BORDER_CELLS)
            panel.border_subtitle = self.settings.words(of_loss=name == "loss")
            panel.query_one(CurveChart).plot(data(run, self.settings))
