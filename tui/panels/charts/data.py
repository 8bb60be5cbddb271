"""What a chart draws, apart from how: light, so that no screen waits for the canvas."""

from __future__ import annotations

from dataclasses import dataclass

from engine.common.axis import Axis
from engine.state.series import Point
from engine.state.snapshot import Marker


@dataclass(frozen=True, slots=True)
class ChartData:
    """What a chart draws; all x in the unit of `x_name`."""

    x: Axis
    y: Axis
    train: tuple[Point, ...] = ()
    raw: tuple[Point, ...] = ()
    """What was measured, drawn faint behind `train` where that is smoothed; empty otherwise."""
    validation: tuple[Point, ...] = ()
    best_x: float | None = None
    """Where the best validation stands."""
    markers: tuple[Marker, ...] = ()
    x_name: str = "epoch"
    rises: bool = False
    """Whether good curves rise; the room for the markers' texts is then at the bottom."""


def thinned(points: tuple[Point, ...], most: int) -> tuple[Point, ...]:
    """At most `most` points: means over neighbours, the last point's x kept."""
    if len(points) <= most or most < 1:
        return points
    size = -(-len(points) // most)
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return tuple((group[-1][0], sum(y for _, y in group) / len(group)) for group in groups)
