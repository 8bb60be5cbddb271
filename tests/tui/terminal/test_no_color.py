"""Without colours, as NO_COLOR asks: every screen draws, and what is chosen is still in sight."""

from __future__ import annotations

from typing import Any

import pytest
from textual.geometry import Size

from engine.protocol.facts import LayerNode
from tui.panels.charts.curves import CurveChart


@pytest.fixture(autouse=True)
def no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


async def test_a_training_is_drawn(
    session: Any, running: Any, layers: LayerNode, events: Any, until: Any
) -> None:
    async with running(session, size=(120, 40)) as pilot:
        session.begin(layers)
        for step in range(1, 6):
            session.play(events["batch"](1, step))
        session.play(events["epoch_end"](1, 0.5))
        app = pilot.app
        await until(pilot, lambda: any("train" in line.text for line in strips(app)))
        for width, height in ((160, 50), (200, 60), (90, 30), (120, 40)):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            strips(app)
        colours = {
            segment.style.color.triplet
            for line in strips(app)
            for segment in line
            if segment.style is not None and segment.style.color is not None
        }
        assert colours
        assert all(red == green == blue for red, green, blue in colours)


async def test_a_chart_is_drawn_before_it_knows_its_size(
    session: Any, running: Any, layers: LayerNode, until: Any
) -> None:
    async with running(session, size=(120, 40)) as pilot:
        session.begin(layers)
        await until(pilot, lambda: list(pilot.app.screen.query(CurveChart)))
        for chart in pilot.app.screen.query(CurveChart):
            chart.reset(size=Size(1, 1))
            for line in range(chart.size.height):
                assert all(segment.style is not None for segment in chart.render_line(line))
            chart.refresh()
        await pilot.pause()
        strips(pilot.app)


def strips(app: Any) -> Any:
    return app.screen._compositor.render_strips()
