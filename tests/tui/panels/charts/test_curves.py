"""A chart of curves on the screen: texts of markers, numbers of an axis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.app import ComposeResult
from textual.screen import Screen

from engine.common.axis import Axis
from engine.state.series import Curve
from engine.state.snapshot import Marker, RunSnapshot
from tests.tui.panels.charts.pictures import braille, picture
from tui.panels.charts.curves import CurveChart
from tui.panels.charts.data import accuracy_data, loss_data
from tui.panels.charts.settings import ChartSettings


class ChartScreen(Screen[None]):
    """A chart, and nothing else."""

    CSS = "CurveChart { width: 1fr; height: 1fr; }"

    def compose(self) -> ComposeResult:
        yield CurveChart()


@pytest.mark.parametrize("apart", [0.0, 0.1, 0.3, 0.6, 1.0, 1.9])
@pytest.mark.parametrize("draws", [accuracy_data, loss_data])
async def test_the_text_of_a_marker_stands_whole_or_not_at_all(
    trained: RunSnapshot, on_screen: Any, until: Any, draws: Callable[..., Any], apart: float
) -> None:
    texts = [f"last {number} layers, 3e-04" for number in (38, 60, 90)]
    markers = tuple(Marker(4.0 + apart * i, text) for i, text in enumerate(texts))
    async with on_screen(ChartScreen(), (70, 12)) as pilot:
        chart = pilot.app.screen.query_one(CurveChart)
        chart.plot(draws(replace(trained, markers=markers)))
        await until(pilot, lambda: "epoch 0" in picture(chart))
        for text in texts:
            assert f" {text}" in picture(chart)
        chart.plot(draws(trained))
        await pilot.pause()
        marks, dots = picture(chart).count("●"), braille(picture(chart))
        everywhere = tuple(Marker(x / 9, f"{x} all layers, 1e-03") for x in range(72))
        chart.plot(draws(replace(trained, markers=everywhere)))
        await pilot.pause()
        full = picture(chart)
        assert (full.count("●"), braille(full)) == (marks, dots)
        whole = sum(f" {marker.text}" in full for marker in everywhere)
        assert full.count("layers") == full.count("1e-03") == whole > 0


@pytest.mark.parametrize("draws", [accuracy_data, loss_data])
async def test_texts_at_one_place_are_in_the_same_order_in_both_charts(
    trained: RunSnapshot, on_screen: Any, until: Any, draws: Callable[..., Any]
) -> None:
    texts = ("last 38 layers", "froze stage 7", "rate 1.0e-04")
    async with on_screen(ChartScreen(), (70, 12)) as pilot:
        chart = pilot.app.screen.query_one(CurveChart)
        markers = tuple(Marker(4.0, text) for text in texts)
        chart.plot(draws(replace(trained, markers=markers)))
        await until(pilot, lambda: "epoch 0" in picture(chart))
        assert sorted(texts, key=picture(chart).index) == [*texts]


async def test_numbers_of_an_axis_never_run_into_each_other(
    trained: RunSnapshot, on_screen: Any, until: Any
) -> None:
    points = tuple((i / 10, 4.0 / i) for i in range(1, 30))
    data = loss_data(replace(trained, loss=Curve(points, ())), ChartSettings(log_loss=True))
    async with on_screen(ChartScreen(), (30, 7)) as pilot:
        chart = pilot.app.screen.query_one(CurveChart)
        for high in (8.0, 12_345.0, 1e6 - 1):
            chart.plot(replace(data, x=Axis(0.0, high)))
            await until(pilot, lambda: "epoch" in picture(chart))
            await pilot.pause()
            (numbers,) = (line for line in picture(chart).splitlines() if "epoch" in line)
            written = {text for _, text in data.x.labels(10)} | {"epoch"}
            written |= {text for _, text in Axis(0.0, high).labels(4)}
            assert set(numbers.split()) <= written


async def test_the_first_number_of_an_axis_stands_apart_from_its_name(
    trained: RunSnapshot, on_screen: Any, until: Any
) -> None:
    async with on_screen(ChartScreen(), (70, 9)) as pilot:
        chart = pilot.app.screen.query_one(CurveChart)
        chart.plot(replace(accuracy_data(trained), x=Axis(0.0, 0.9)))
        await until(pilot, lambda: "epoch" in picture(chart))
        assert "epoch 0.0" in picture(chart)
