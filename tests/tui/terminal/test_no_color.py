"""Without colours, as NO_COLOR asks: every screen draws, and what is chosen is still in sight."""

from __future__ import annotations

import pytest
from textual.geometry import Size

from engine.protocol.facts import LayerNode
from tests.support.fake_session import FakeSession, batch, epoch_end
from tests.support.screens import Running, drawn, shows, until
from tui.panels.charts.curves import CurveChart


@pytest.fixture(autouse=True)
def no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


async def test_a_training_is_drawn_without_a_colour(
    session: FakeSession, running: Running, layers: LayerNode
) -> None:
    async with running(session, size=(120, 40)) as pilot:
        session.begin(layers)
        for step in range(1, 6):
            session.play(batch(1, step))
        session.play(epoch_end(1, 0.5))
        await until(pilot, lambda: shows(pilot, "train"))
        for width, height in ((160, 50), (200, 60), (90, 30), (120, 40)):
            await pilot.resize_terminal(width, height)
            assert drawn(pilot)
        colours = {
            segment.style.color
            for line in drawn(pilot)
            for segment in line
            if segment.style is not None and segment.style.color is not None
        }
        greys = {colour for colour in colours if colour.triplet and len({*colour.triplet}) == 1}
        assert greys
        # The terminal's own colour is none that was chosen.
        assert [colour for colour in colours - greys if not colour.is_default] == []


async def test_a_chart_is_drawn_before_it_knows_its_size(
    session: FakeSession, running: Running, layers: LayerNode
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
        assert drawn(pilot)
