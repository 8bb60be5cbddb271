"""Accuracy against cost: which points, which axis, what is drawn of them."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tests.tui.panels.charts.pictures import braille, picture
from tui.panels.charts.pareto import APART, FRONT, LIT, OTHER, ParetoChart
from tui.panels.charts.pareto_data import COSTS, ParetoData, pareto_data
from tui.settings.themes import OTHER_THEMES

TRAIN, _, PARAMETERS, _ = COSTS
Row = dict[str, Any]


def row(name: str, seconds: float | None, accuracy: float | None, **values: Any) -> Row:
    return {
        "run_id": f"run-{name}",
        "model": name,
        "dataset": "cifar10",
        "recipe": "notebook",
        "ranked": accuracy is not None,
        "test_accuracy": accuracy,
        "train_seconds": seconds,
        "wall_seconds": seconds,
        "parameters": 3_400_000,
        "flops": 240_000_000,
    } | values


FIVE = [
    row("Lite0", 441, 0.918),
    row("ResNet", 1_862, 0.916),
    row("CNN", 64, 0.731),
    row("Mobile", 300, 0.881),
    row("Slow", 310, 0.443),
]


class ChartApp(App[None]):
    """Nothing but the chart."""

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(OTHER_THEMES)

    def compose(self) -> ComposeResult:
        yield ParetoChart()


@asynccontextmanager
async def chart(
    data: ParetoData, size: tuple[int, int] = (70, 20)
) -> AsyncIterator[tuple[Pilot[None], ParetoChart]]:
    async with ChartApp().run_test(size=size) as pilot:
        drawn = pilot.app.query_one(ParetoChart)
        drawn.show(data, {})
        await pilot.pause()
        yield pilot, drawn


def test_the_front_by_rising_cost() -> None:
    data = pareto_data(FIVE, TRAIN)
    assert [point.name for point in data.front] == ["CNN", "Mobile", "Lite0"]
    assert len(data.points) == 5


def test_runs_without_an_accuracy_or_a_cost_are_left_out() -> None:
    rows = [*FIVE, row("A", None, 0.9), row("B", 5, None), row("C", math.nan, 0.9)]
    assert len(pareto_data(rows, TRAIN).points) == 5
    assert pareto_data([row("A", None, 0.9)], TRAIN).points == ()
    assert pareto_data([], TRAIN).front == ()


def test_runs_of_a_model_are_told_apart_by_their_recipes() -> None:
    rows = [row("Lite0", 1, 0.9), row("Lite0", 2, 0.95, recipe="gradual"), row("CNN", 1, 0.7)]
    names = [point.name for point in pareto_data(rows, TRAIN).points]
    assert names == ["Lite0 notebook", "Lite0 gradual", "CNN"]


def test_runs_on_other_data_stand_apart_from_the_front() -> None:
    data = pareto_data([row("Digits", 1, 0.99, dataset="digits"), *FIVE], TRAIN)
    assert [point.name for point in data.points if point.is_apart] == ["Digits"]
    assert [point.name for point in data.front] == ["CNN", "Mobile", "Lite0"]


def test_of_equal_costs_the_most_accurate_is_the_front() -> None:
    data = pareto_data(FIVE, PARAMETERS)
    assert [point.name for point in data.front] == ["Lite0"]


async def test_points_front_names_and_units_are_drawn() -> None:
    async with chart(pareto_data([*FIVE, row("D", 70, 0.9, dataset="x")], TRAIN)) as (_, drawn):
        text = picture(drawn)
        assert text.count(FRONT) == 3
        assert text.count(OTHER) == 2
        assert text.count(APART) == 1
        assert braille(text) > 20
        for name in ("CNN", "Mobile", "Lite0"):
            assert name in text
        assert text.splitlines()[-1].strip().endswith("min log")
        assert "training time" in str(drawn.border_title)
        assert "front 3 of 6" in str(drawn.border_subtitle)


async def test_where_runs_are_few_all_have_their_names() -> None:
    async with chart(pareto_data(FIVE, TRAIN)) as (_, drawn):
        assert all(picture(drawn).count(one["model"]) == 1 for one in FIVE)


async def test_the_lit_run_is_named_and_put_out_again() -> None:
    many = [*FIVE, *(row(f"N{number:02}", 3_000, 0.3 + number / 100) for number in range(10))]
    async with chart(pareto_data(many, TRAIN)) as (_, drawn):
        before = picture(drawn)
        assert "ResNet" not in before
        drawn.light("run-ResNet")
        lit = picture(drawn)
        assert lit.count(LIT) == 1
        assert "ResNet" in lit
        drawn.light("run-CNN")
        assert picture(drawn).count("CNN") == 1
        assert "ResNet" not in picture(drawn)
        drawn.light("run-of-no-point")
        assert picture(drawn) == before
        assert "no point" in str(drawn.border_subtitle)
        drawn.light(None)
        assert picture(drawn) == before


async def test_one_run_no_run_and_runs_all_alike_are_drawn() -> None:
    async with chart(pareto_data(FIVE[:1], TRAIN)) as (pilot, drawn):
        assert picture(drawn).count(FRONT) == 1
        drawn.show(pareto_data([], TRAIN), {})
        await pilot.pause()
        assert "no tested run" in picture(drawn)
        alike = [row(name, 0.0, 0.0) for name in ("A", "B")]
        drawn.show(pareto_data(alike, TRAIN), {"run-A": "★⚡"})
        await pilot.pause()
        assert "★" in picture(drawn)


async def test_ten_thousand_runs_are_dots() -> None:
    rows = [row(f"M{i}", 60 + i % 997, 0.5 + (i % 463) / 1_000) for i in range(10_000)]
    async with chart(pareto_data(rows, TRAIN)) as (_, drawn):
        assert braille(picture(drawn)) > 100
        drawn.light("run-M77")
        assert LIT in picture(drawn)
        assert "M77" in picture(drawn)


async def test_any_size_is_drawn(until: Any) -> None:
    async with chart(pareto_data(FIVE, TRAIN)) as (pilot, drawn):
        drawn.light("run-Lite0")
        for size in ((3, 3), (11, 5), (30, 8), (200, 60)):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda size=size: drawn.outer_size == size)
            assert len(picture(drawn).splitlines()) <= size[1]
        assert "Lite0" in picture(drawn)
