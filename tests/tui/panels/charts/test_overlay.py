"""The curves of several runs in one chart."""

from __future__ import annotations

from typing import Any

import pytest
from textual.app import ComposeResult
from textual.screen import Screen

from tests.tui.panels.charts.pictures import picture
from tui.panels.charts.overlay import Overlay, OverlayChart


class ChartScreen(Screen[None]):
    """A chart, and nothing else."""

    CSS = "OverlayChart { width: 1fr; height: 1fr; }"

    def compose(self) -> ComposeResult:
        yield OverlayChart()


@pytest.mark.parametrize(
    ("title", "last", "numbers"),
    [
        ("epoch", 3.0, ["epoch", "0", "1", "2", "3"]),
        ("min", 0.4, ["min", "0.00", "0.05"]),
    ],
)
async def test_an_axis_is_named_and_has_whole_epochs(
    on_screen: Any, until: Any, title: str, last: float, numbers: list[str]
) -> None:
    async with on_screen(ChartScreen(), (70, 9)) as pilot:
        chart = pilot.app.screen.query_one(OverlayChart)
        chart.plot(Overlay((((last / 2, 0.5), (last, 0.6)),), title))
        await until(pilot, lambda: title in picture(chart))
        (below,) = (line for line in picture(chart).splitlines() if title in line)
        assert below.split()[: len(numbers)] == numbers
