"""The charts: what they draw of a run, on the screen."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Region
from textual.screen import Screen

from engine.common.axis import Axis
from engine.protocol.events import Event, StageStarted
from engine.protocol.facts import LayerNode
from engine.state.series import Curve
from engine.state.snapshot import Marker, RunSnapshot
from tui.panels.charts.curves import CurveChart
from tui.panels.charts.data import thinned
from tui.panels.charts.panel import (
    ChartsPanel,
    accuracy_data,
    accuracy_title,
    loss_data,
    loss_title,
)
from tui.panels.charts.settings import ChartSettings, read_settings


def picture(chart: CurveChart) -> str:
    strips = chart.render_lines(Region(0, 0, chart.size.width, chart.size.height))
    return "\n".join(strip.text for strip in strips)


def braille(text: str) -> int:
    return sum(0x2800 < ord(char) <= 0x28FF for char in text)


@pytest.fixture
def trained(run: RunSnapshot, events: dict[str, Callable[..., Any]]) -> RunSnapshot:
    """Three epochs, the second the best."""
    points = tuple((i / 100, 0.3 + i / 600) for i in range(300))
    return replace(
        run,
        accuracy=Curve(points, points[-100:]),
        loss=Curve(points, points[-100:]),
        ended_epochs=tuple(
            events["epoch_end"](epoch, value) for epoch, value in enumerate((0.5, 0.8, 0.7), 1)
        ),
        best_epoch=2,
        epochs=8,
    )


def test_the_full_history_spans_all_epochs_of_the_run(trained: RunSnapshot) -> None:
    data = accuracy_data(trained)
    assert (data.x.low, data.x.high) == (0.0, 8.0)
    assert data.validation == ((1.0, 0.5), (2.0, 0.8), (3.0, 0.7))
    assert data.best_x == 2.0


def test_the_recent_window_ends_at_the_last_point(trained: RunSnapshot) -> None:
    data = accuracy_data(trained, ChartSettings(recent=True))
    assert (data.x.low, data.x.high) == (2.0, 2.99)
    assert data.validation == ((2.0, 0.8),)


def test_titles_hold_the_last_values_and_the_best_epoch(trained: RunSnapshot) -> None:
    title = accuracy_title(trained).plain
    assert "train 0.798" in title
    assert "val 0.700" in title
    assert "best 0.800 in epoch 2" in title
    assert "val 0.900" in loss_title(trained).plain


def test_nothing_yet_and_nan_are_drawn_as_nothing(
    run: RunSnapshot, events: dict[str, Callable[..., Any]]
) -> None:
    assert accuracy_data(run, ChartSettings(recent=True)).train == ()
    assert "best" not in accuracy_title(run).plain
    broken = replace(events["epoch_end"](1, math.nan), val_loss=math.nan)
    lost = replace(run, ended_epochs=(broken,))
    assert loss_data(lost).validation == ()
    assert "val –" in loss_title(lost).plain


def test_thinned_keeps_level_and_end() -> None:
    points = tuple((float(i), float(i % 2)) for i in range(1_000))
    few = thinned(points, 50)
    assert len(few) == 50
    assert few[-1][0] == 999.0
    assert {y for _, y in few} == {0.5}
    assert thinned(points[:3], 50) == points[:3]


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
        chart.show(draws(replace(trained, markers=markers)))
        await until(pilot, lambda: "epoch 0" in picture(chart))
        for text in texts:
            assert f" {text}" in picture(chart)
        chart.show(draws(trained))
        await pilot.pause()
        marks, dots = picture(chart).count("●"), braille(picture(chart))
        everywhere = tuple(Marker(x / 9, f"{x} all layers, 1e-03") for x in range(72))
        chart.show(draws(replace(trained, markers=everywhere)))
        await pilot.pause()
        full = picture(chart)
        assert (full.count("●"), braille(full)) == (marks, dots)
        whole = sum(f" {marker.text}" in full for marker in everywhere)
        assert full.count("layers") == full.count("1e-03") == whole > 0


async def test_numbers_of_an_axis_never_run_into_each_other(
    trained: RunSnapshot, on_screen: Any, until: Any
) -> None:
    points = tuple((i / 10, 4.0 / i) for i in range(1, 30))
    data = loss_data(replace(trained, loss=Curve(points, ())), ChartSettings(log_loss=True))
    async with on_screen(ChartScreen(), (30, 7)) as pilot:
        chart = pilot.app.screen.query_one(CurveChart)
        for high in (8.0, 12_345.0, 1e6 - 1):
            chart.show(replace(data, x=Axis(0.0, high)))
            await until(pilot, lambda: "epoch" in picture(chart))
            await pilot.pause()
            (numbers,) = (line for line in picture(chart).splitlines() if "epoch" in line)
            written = {text for _, text in data.x.labels(10)} | {"epoch"}
            written |= {text for _, text in Axis(0.0, high).labels(4)}
            assert set(numbers.split()) <= written


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
        chart.show(data)
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


def test_the_axis_in_steps_and_in_seconds_moves_all_that_is_drawn(trained: RunSnapshot) -> None:
    run = replace(trained, steps=100, clock=Curve(((1.0, 10.0), (2.0, 20.0), (3.0, 60.0)), ()))
    steps = accuracy_data(run, ChartSettings(x_unit="steps"))
    assert (steps.x.high, steps.x_name, steps.best_x) == (800.0, "step", 200.0)
    assert [x for x, _ in steps.validation] == [100.0, 200.0, 300.0]
    seconds = accuracy_data(run, ChartSettings(x_unit="seconds"))
    assert (seconds.x.high, seconds.x_name, seconds.best_x) == (60.0, "s", 20.0)
    assert [x for x, _ in seconds.validation] == [10.0, 20.0, 60.0]
    assert seconds.train[250][0] == pytest.approx(40.0)


def test_a_smoothed_line_keeps_what_was_measured_behind_it(trained: RunSnapshot) -> None:
    plain, smooth = accuracy_data(trained), accuracy_data(trained, ChartSettings(smoothing=0.9))
    assert plain.raw == ()
    assert smooth.raw == plain.train
    assert smooth.train[0] == plain.train[0]
    assert smooth.train[-1][1] < plain.train[-1][1]


def test_a_logarithmic_loss_stays_on_its_axis(trained: RunSnapshot) -> None:
    points = ((0.5, 4.0), (1.0, 0.4), (2.0, 0.04))
    data = loss_data(replace(trained, loss=Curve(points, ())), ChartSettings(log_loss=True))
    shares = [data.y.share(y) for _, y in points]
    assert shares[0] - shares[1] == pytest.approx(shares[1] - shares[2])
    assert all(0 < share < 1 for share in shares)
    assert data.y.labels(8)


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
        words = "recent window · smoothed 0.6 · log"
        await until(pilot, lambda: panel.border_subtitle == words)
        assert "step" in picture(chart)
    assert read_settings() == ChartSettings(
        recent=True, x_unit="steps", smoothing=0.6, log_loss=True
    )
