"""Accuracy against cost as points, axes and the front that nothing beats: what the chart draws."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.analysis.pareto import pareto_front
from engine.common.axis import Axis, axis_over
from engine.common.columns import Row
from tui.panels.table_columns import is_missing

_LOG_FROM = 10.0
"""Costs whose largest is so many times the smallest stand on a logarithmic axis."""
_MARGIN = 1.12
_LEAST_TICK = 0.05
"""Of a logarithmic axis; below it a smaller unit reads better."""
_LEAST_ACCURACY_SPAN = 0.02
_LOG_STEPS = ((1, 2, 5), (1, 3), (1,))
_SECONDS = ((7200.0, 3600.0, "h"), (120.0, 60.0, "min"), (0.0, 1.0, "s"))
_COUNTS = ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e3, 1e3, "K"), (0.0, 1.0, ""))


@dataclass(frozen=True, slots=True)
class Cost:
    """What an accuracy is held against."""

    key: str
    """Of the ranking."""
    title: str
    units: tuple[tuple[float, float, str], ...]
    """From which value on, by how much it is divided, and the unit's name; largest first."""


COSTS = (
    Cost("train_seconds", "training time", _SECONDS),
    Cost("wall_seconds", "time in all", _SECONDS),
    Cost("parameters", "parameters", _COUNTS),
    Cost("flops", "FLOPs an image", _COUNTS),
)


@dataclass(frozen=True, slots=True)
class CostAxis:
    """The axis of costs, from `low` to `high`, in the units of the ranking."""

    low: float
    high: float
    is_log: bool = False
    divisor: float = 1.0
    unit: str = ""

    def share(self, cost: float) -> float:
        """Where a cost lies: 0 at `low`, 1 at `high`."""
        if self.is_log:
            return math.log(cost / self.low) / math.log(self.high / self.low)
        return (cost - self.low) / (self.high - self.low)

    def labels(self, most: int) -> list[tuple[float, str]]:
        """Round costs between the ends, about `most` at most, each with its text."""
        low, high = self.low / self.divisor, self.high / self.divisor
        if not self.is_log:
            return [(tick * self.divisor, text) for tick, text in Axis(low, high).labels(most)]
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for steps in _LOG_STEPS:
            ticks = [step * 10.0**power for power in powers for step in steps]
            ticks = [tick for tick in ticks if low <= tick <= high]
            if len(ticks) <= max(most, 1):
                break
        return [(tick * self.divisor, f"{tick:,.10g}") for tick in ticks]


@dataclass(frozen=True, slots=True)
class ParetoPoint:
    """A run on the chart."""

    run_id: str
    name: str
    cost: float
    accuracy: float
    is_on_front: bool = False
    is_apart: bool = False
    """Whether it learned from other data than most, so that its accuracy is another thing."""


@dataclass(frozen=True, slots=True)
class ParetoData:
    """What the chart draws."""

    cost: Cost
    x: CostAxis
    y: Axis
    points: tuple[ParetoPoint, ...] = ()

    @property
    def front(self) -> tuple[ParetoPoint, ...]:
        """The points on the front, by rising cost."""
        return tuple(
            sorted(
                (point for point in self.points if point.is_on_front),
                key=lambda point: (point.cost, point.accuracy),
            )
        )


def pareto_data(rows: Iterable[Row], cost: Cost) -> ParetoData:
    """The tested runs among these whose cost is known.

    Runs on other data than most of them stand apart: they are drawn, but not held against the
    front.
    """
    shown = [row for row in rows if row["ranked"] and _is_known(row, cost)]
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
    y = axis_over(accuracies, _LEAST_ACCURACY_SPAN, 0.0, 1.0)
    return ParetoData(cost, cost_axis([point.cost for point in points], cost), y, points)


def _name(row: Row, recipes: Mapping[str, set[str]]) -> str:
    """The model, and by which recipe it was trained where that tells two runs apart."""
    model = str(row["model"])
    return f"{model} {row['recipe']}" if len(recipes[model]) > 1 else model


def cost_axis(costs: Sequence[float], cost: Cost) -> CostAxis:
    """An axis around costs, logarithmic where they differ tenfold, in a unit that fits."""
    low, high = (min(costs), max(costs)) if costs else (0.0, 1.0)
    is_log = low > 0 and high / low >= _LOG_FROM
    divisor, unit = _unit(high, cost)
    if is_log and low / divisor < _LEAST_TICK:
        divisor, unit = _unit(math.sqrt(low * high), cost)
    if is_log:
        return CostAxis(low / _MARGIN, high * _MARGIN, True, divisor, unit)
    room = (high - low) * (_MARGIN - 1) or high / 2 or 1.0
    return CostAxis(max(low - room, 0.0), high + room, False, divisor, unit)


def _unit(typical: float, cost: Cost) -> tuple[float, str]:
    _, divisor, unit = next(fit for fit in cost.units if typical >= fit[0])
    return divisor, unit


def _is_known(row: Row, cost: Cost) -> bool:
    values: tuple[Any, ...] = (row.get(cost.key), row["test_accuracy"])
    return all(not is_missing(value) and math.isfinite(value) for value in values)
