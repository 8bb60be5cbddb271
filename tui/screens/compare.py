"""Runs side by side: their curves in one chart, the settings that differ, and what is chance."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from engine.runs.listing import RunRecord
from tui.panels.charts.overlay import LETTERS, OverlayChart
from tui.panels.line_fitting import Field, fit
from tui.screens.keyed_screen import KeyedScreen
from tui.settings import keys

if TYPE_CHECKING:
    from tui.panels.comparison import Comparison

_READING = Content.styled("reading the runs…", "$muted")


class CompareScreen(KeyedScreen):
    """A comparison of two to six runs; of more, the first six.

    Args:
        runs: at least one; the most accurate is shown first.
    """

    CSS_PATH = "compare.tcss"
    BINDINGS = keys.bindings("compare")
    AUTO_FOCUS = "#compare-text"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (116, "-wide")]  # noqa: RUF012

    def __init__(self, runs: tuple[RunRecord, ...]) -> None:
        super().__init__()
        self._runs = runs[: len(LETTERS)]
        self._left_out = len(runs) - len(self._runs)
        self._comparison: Comparison | None = None
        self._by_time = False

    def compose(self) -> ComposeResult:
        yield Static(id="compare-head", classes="head")
        with Container(id="compare-body"):
            with Vertical(id="compare-curves", classes="panel"):
                yield Static(_READING, id="compare-legend")
                yield OverlayChart(id="compare-chart")
            with VerticalScroll(id="compare-text", classes="panel"):
                for name, title in (
                    ("chance", "Is the difference significant?"),
                    ("settings", "Settings that differ"),
                    ("classes", "Test accuracy by class"),
                ):
                    yield Static(title, classes="section-title")
                    yield Static(_READING, id=f"compare-{name}", classes="section")
        yield self.footer()

    def on_mount(self) -> None:
        self._read()

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def action_change_curve_axis(self) -> None:
        """Draw the curves over epochs, or over minutes of training."""
        self._by_time = not self._by_time
        self._draw()

    @work(exclusive=True)
    async def _read(self) -> None:
        from tui.panels.comparison import read_predictions, read_records

        self._comparison = await asyncio.to_thread(read_records, self._runs)
        self._draw()
        self._comparison = await asyncio.to_thread(read_predictions, self._comparison)
        self._draw()

    def _draw(self) -> None:
        # A screen that closes loses its widgets before its workers are cancelled.
        if not self.query("#compare-classes"):
            return
        self._draw_head()
        found = self._comparison
        panel = self.query_one("#compare-curves", Vertical)
        over = "minutes of training" if self._by_time else "epochs"
        panel.border_title = Content.assemble(
            ("Validation accuracy", "bold"), (f"  over {over}", "$muted")
        )
        if found is None:
            return
        from tui.panels import comparison_text as told

        self.query_one("#compare-legend", Static).update(
            told.legend(found, panel.content_size.width)
        )
        chart = self.query_one(OverlayChart)
        chart.plot(told.overlay(found, by_time=self._by_time))
        # One cell is for the scroll bar, which comes with the text.
        width = self.query_one("#compare-text").content_size.width - 1
        for name, text in (
            ("chance", told.chance_text(found)),
            ("settings", told.settings_text(found, width)),
            ("classes", told.classes_text(found, width)),
        ):
            self.query_one(f"#compare-{name}", Static).update(text)

    def _draw_head(self) -> None:
        left = [
            Field(Content.styled("Comparison", "$primary bold"), 9),
            Field(Content.styled(f"{len(self._runs)} runs", "$foreground bold"), 8),
        ]
        if self._left_out:
            more = f"{self._left_out} more were marked: six fit"
            left.append(Field(Content.styled(more, "$warning"), 7))
        head = fit(left, [], max(self.size.width, 20)).stylize("on $panel")
        self.query_one("#compare-head", Static).update(head)
