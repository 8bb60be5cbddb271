"""Accuracy against cost as points, axes and the Pareto front: the data of the chart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.analysis.pareto import pareto_front
from engine.common.axis import COUNTS, SECONDS, Axis, Units, accuracy_axis, amount_axis_over
from engine.common.text import Row, known

_LEAST_ACCURACY_SPAN = 0.02


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost to compare accuracies with."""

    key: str
    """Of the ranking."""
    title: str
    units: Units


COSTS = (
    Cost("train_seconds", "training time", SECONDS),
    Cost("wall_seconds", "time in all", SECONDS),
    Cost("parameters", "parameters", COUNTS),
    Cost("flops", "FLOPs per image", COUNTS),
)


@dataclass(frozen=True, slots=True)
class ParetoPoint:
    """A run on the chart."""

    run_id: str
    name: str
    cost: float
    accuracy: float
    is_on_front: bool = False
    is_apart: bool = False
    """Whether it learned from other data than most, so that its accuracy cannot be compared."""


@dataclass(frozen=True, slots=True)
class ParetoData:
    """The data of the chart."""

    cost: Cost
    x: Axis
    y: Axis
    points: tuple[ParetoPoint, ...] = ()

    @property
    def front(self) -> tuple[ParetoPoint, ...]:
        """The points on the front, by rising cost."""
        front = (point for point in self.points if point.is_on_front)
        return tuple(sorted(front, key=lambda point: (point.cost, point.accuracy)))


def pareto_data(rows: Iterable[Row], cost: Cost) -> ParetoData:
    """Make the chart's data from the tested runs whose cost is known.

    Runs on other data than most of them are separate: they are drawn, but cannot be on the front.
    """
    shown = [
        row
        for row in rows
        if row["ranked"] and known(row.get(cost.key)) and known(row["test_accuracy"])
    ]
    data = Counter(row["dataset"] for row in shown).most_common(1)
    apart = [bool(data) and row["dataset"] != data[0][0] for row in shown]
    together = [row for row, is_apart in zip(shown, apart, strict=True) if not is_apart]
    pairs = [(float(row[cost.key]), float(row["test_accuracy"])) for row in together]
    front = {together[i]["run_id"] for i in pareto_front(pairs)}
    recipes: dict[str, set[str]] = {}
    for row in shown:
        recipes.setdefault(row["model"], set()).add(row["recipe"])
    points = tuple(
        ParetoPoint(
            str(row["run_id"]),
            _name(row, recipes),
            float(row[cost.key]),
            float(row["test_accuracy"]),
            row["run_id"] in front,
            is_apart,
        )
        for row, is_apart in zip(shown, apart, strict=True)
    )
    accuracies = [point.accuracy for point in points]
    x = amount_axis_over([point.cost for point in points], cost.units)
    y = accuracy_axis(accuracies, _LEAST_ACCURACY_SPAN)
    return ParetoData(cost, x, y, points)


def _name(row: Row, recipes: Mapping[str, set[str]]) -> str:
    """The model, with its recipe where that distinguishes two runs."""
    model = str(row["model"])
    return f"{model} {row['recipe']}" if len(recipes[model]) > 1 else model
