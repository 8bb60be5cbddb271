"""The charts on the training screen: drawn as events come, by keys, in any theme."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.content import Content

from engine.protocol.events import Event, StageStarted
from engine.protocol.facts import LayerNode
from engine.state.series import Curve
from engine.state.snapshot import RunSnapshot
from tests.tui.panels.charts.pictures import braille, picture
from tui.panels.charts.curves import CurveChart
from tui.panels.charts.data import loss_data
from tui.panels.charts.panel import ChartsPanel
from tui.panels.charts.settings import ChartSettings, read_settings


@pytest.mark.parametrize("batches", [0, 1, 9])
async def test_the_screen_draws_what_there_is(
    session: Any, running: Any, until: Any, layers: LayerNode, events: Any, batches: int
) -> None:
    async with running(session) as pilot:
        await until(pilot, lambda: pilot.app.screen.query("#accuracy-chart"))
        chart = pilot.app.screen.query_one("#accuracy-chart", CurveChart)
        await until(pilot, lambda: session.alive)
        if batches:
            session.begin(layers)
            session.play(*(events["batch"](1, i, 0.1 * i) for i in range(1, batches)))
            await until(pilot, lambda: chart.data and len(chart.data.train) == batches)
        await until(pilot, lambda: "epoch 0" in picture(chart))
        assert (braille(picture(chart)) > 0) == (batches > 0)


async def test_validation_marks_markers_and_the_window_key(
    session: Any, running: Any, until: Any, layers: LayerNode, events: Any
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        said: list[Event] = []
        for epoch in range(1, 5):
            said += [events["batch"](epoch, step, 0.2 * epoch) for step in range(1, 10)]
            said.append(events["epoch_end"](epoch, (0.5, 0.6, 0.9, 0.7)[epoch - 1]))
        stage = StageStarted(
            stage=2, name="fine-tune", epochs=3, learning_rate=1e-5, trains="last 30 layers"
        )
        session.play(*said, stage, events["batch"](5, 2))
        await until(pilot, lambda: pilot.app.screen.query("#accuracy-chart"))
        chart = pilot.app.screen.query_one("#accuracy-chart", CurveChart)
        await until(pilot, lambda: "last 30 layers, 1e-05" in picture(chart))
        assert picture(chart).count("●") == 3
        assert picture(chart).count("★") == 1
        panel = pilot.app.screen.query_one("#accuracy-panel")
        assert "best 0.900 in epoch 3" in Content.from_markup(str(panel.border_title)).plain

        await pilot.press("w")
        await until(pilot, lambda: panel.border_subtitle == "recent window")
        assert pilot.app.screen.query_one(ChartsPanel).settings.recent
        await pilot.press("w")
        await until(pilot, lambda: not panel.border_subtitle)


@pytest.mark.parametrize(
    ("losses", "is_log", "expected"),
    [
        ((0.001, 0.004), True, ["1e-3", "2e-3"]),
        ((0.0, 25_000.0), False, ["10k", "20k"]),
        ((9_000.0, 2_500_000.0), True, ["100k", "1M"]),
        ((123_456_000.0, 123_456_900.0), False, ["123456000", "123456500"]),
    ],
)
async def test_labels_of_the_loss_are_never_cut(
    losses: tuple[float, ...],
    is_log: bool,
    expected: list[str],
    session: Any,
    running: Any,
    until: Any,
    run: RunSnapshot,
) -> None:
    points = tuple((i / 10, loss) for i, loss in enumerate(losses, 1))
    data = loss_data(replace(run, loss=Curve(points, ())), ChartSettings(log_loss=is_log))
    async with running(session) as pilot:
        await until(pilot, lambda: pilot.app.screen.query("#loss-chart"))
        chart = pilot.app.screen.query_one("#loss-chart", CurveChart)
        await until(pilot, lambda: "epoch 0" in picture(chart))
        chart.plot(data)
        labels = [line.split("┤")[0].strip() for line in picture(chart).splitlines() if "┤" in line]
        assert set(expected) <= set(labels)


async def test_a_new_theme_recolours_the_charts(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        await until(pilot, lambda: pilot.app.screen.query("#accuracy-chart"))
        chart = pilot.app.screen.query_one("#accuracy-chart", CurveChart)
        await until(pilot, lambda: "epoch 0" in picture(chart))
        axis = chart.get_pixel(5, 1)
        await pilot.press("t")
        await until(pilot, lambda: chart.get_pixel(5, 1) != axis)
        assert chart.get_pixel(5, 1)[0] == axis[0]


async def test_the_charts_remember_how_they_were_drawn(
    session: Any, running: Any, until: Any, layers: LayerNode, events: Any
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        session.play(*(events["batch"](1, step, 0.2) for step in range(1, 10)))
        await until(pilot, lambda: pilot.app.screen.query("#loss-chart"))
        chart = pilot.app.screen.query_one("#loss-chart", CurveChart)
        await until(pilot, lambda: braille(picture(chart)) > 0)
        await pilot.press("x", "m", "y", "w")
        panel = pilot.app.screen.query_one("#loss-panel")
        words = "recent window · smoothed 0.6 · log scale"
        await until(pilot, lambda: panel.border_subtitle == words)
        assert "step" in picture(chart)
    assert read_settings() == ChartSettings(
        recent=True, x_unit="steps", smoothing=0.6, log_loss=True
    )
