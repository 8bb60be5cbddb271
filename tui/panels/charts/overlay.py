"""Curves of several runs in one chart, which differ by strokes and letters as well as colours."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from engine.common.axis import Axis, accuracy_axis
from engine.state.series import Point
from tui.panels.charts.plot import CELLS_A_TICK, DOTS_A_CELL, Area, Plot

LETTERS = "ABCDEF"
STYLES = ("$primary", "$validation", "$success", "$error", "$secondary", "$foreground")
"""Colours of the runs, in the order of their letters."""
SAMPLES = ("────", "╌╌╌╌", "┈┈┈┈", "─ ┈ ", "── ─", "┈  ┈")
"""The strokes in a line of text."""
_STROKES = (
    (1,),
    (1, 1, 1, 1, 0, 0, 0),
    (1, 0, 0),
    (1, 1, 1, 1, 1, 0, 0, 1, 0, 0),
    (1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0),
    (1, 0, 0, 0, 0, 0),
)
"""Which dots of a curve are drawn, repeated along it."""
_TITLE_CELLS = 5


@dataclass(frozen=True, slots=True)
class Overlay:
    """Curves to draw over each other, with accuracies from 0 to 1."""

    curves: tuple[tuple[Point, ...], ...]
    x_title: str
    """Five letters at most, for which room is kept."""

    @property
    def x(self) -> Axis:
        """From 0 to the end of the longest curve."""
        last = max((x for curve in self.curves for x, _ in curve), default=1.0)
        return Axis(0.0, max(last, 1e-3), least_step=1.0)

    @property
    def y(self) -> Axis:
        """Around the accuracies of all curves."""
        return accuracy_axis(y for curve in self.curves for _, y in curve)


class OverlayChart(Plot[Overlay]):
    """Draws as many curves as there are letters, the first one over the others."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"chart--{letter}" for letter in LETTERS}
    DEFAULT_CSS = "\n".join(
        f"OverlayChart > .chart--{letter} {{ color: {style}; }}"
        for letter, style in zip(LETTERS, STYLES, strict=True)
    )

    def draw(self, area: Area, data: Overlay) -> None:
        """Draw the labels and the curves, each point of a curve as its letter."""
        self.draw_y_labels(area)
        title = f"{data.x_title:<{_TITLE_CELLS}}"
        self.write(0, area.bottom + 1, title, self.style_of("axis"))
        self.draw_x_labels(area, CELLS_A_TICK, (len(title) + 1, area.right), shifts_last=True)
        drawn = list(zip(LETTERS, _STROKES, data.curves, strict=False))
        for letter, stroke, curve in reversed(drawn):
            style = self.style_of(letter)
            places = [area.place(*point) for point in curve]
            self.draw_dots(list(dotted(places, stroke)), style)
            for x, y in curve:
                self.set_pixel(*area.cell(x, y), letter, style)


def dotted(places: Sequence[Point], stroke: Sequence[int]) -> Iterator[Point]:
    """Make the dots along a line through places in cells, without those where the stroke has 0."""
    number = 0
    for (x, y), (to_x, to_y) in pairwise(places):
        steps = max(math.ceil(max(to_x - x, abs(to_y - y) * 2) * DOTS_A_CELL), 1)
        for step in range(steps):
            if stroke[number % len(stroke)]:
                yield x + (to_x - x) * step / steps, y + (to_y - y) * step / steps
            number += 1
