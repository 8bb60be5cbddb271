"""Curves of several runs in one chart, told apart by strokes and letters as well as by colour."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from textual_hires_canvas import HiResMode

from engine.common.axis import Axis, axis_over
from engine.state.series import Point
from tui.panels.charts.curves import CurveChart
from tui.panels.charts.data import ChartData

LETTERS = "ABCDEF"
STYLES = ("$primary", "$validation", "$success", "$error", "$secondary", "$foreground")
"""Colours of the runs, in the order of their letters."""
SAMPLES = ("────", "╌╌╌╌", "┈┈┈┈", "─ ┈ ", "── ─", "┈  ┈")
"""What the strokes look like in a line of text."""
_STROKES = (
    (1,),
    (1, 1, 1, 1, 0, 0, 0),
    (1, 0, 0),
    (1, 1, 1, 1, 1, 0, 0, 1, 0, 0),
    (1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0),
    (1, 0, 0, 0, 0, 0),
)
"""Which dots of a curve are drawn, over and over."""
_DOTS_A_CELL = 2
_LEAST_SPAN = 0.1


@dataclass(frozen=True, slots=True)
class Overlay:
    """Curves to draw over each other, the accuracies from 0 to 1."""

    curves: tuple[tuple[Point, ...], ...]
    x_title: str
    """Five letters at most."""

    @property
    def axes(self) -> ChartData:
        """The axes around all curves."""
        points = [point for curve in self.curves for point in curve]
        last = max((x for x, _ in points), default=1.0)
        return ChartData(
            x=Axis(0.0, max(last, 1e-3)),
            y=axis_over([y for _, y in points], _LEAST_SPAN, 0.0, 1.0),
            rises=True,
        )


class OverlayChart(CurveChart):
    """As many curves as there are letters; the first is drawn over the others."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"overlay--{letter}" for letter in LETTERS}
    DEFAULT_CSS = "OverlayChart {\n" + "\n".join(
        f"& > .overlay--{letter} {{ color: {style}; }}"
        for letter, style in zip(LETTERS, STYLES, strict=True)
    )
    DEFAULT_CSS += """
        & > .chart--axis, & > .chart--marker { color: $muted; }
        & > .chart--grid { color: $grid; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._overlay: Overlay | None = None

    def show_overlay(self, overlay: Overlay) -> None:
        """Draw these curves."""
        self._overlay = overlay
        self.show(overlay.axes)

    def _draw(self) -> None:
        super()._draw()
        overlay, data = self._overlay, self.data
        if overlay is None or data is None or self._plot_width < 4 or self._plot_height < 2:
            return
        with self.batch_refresh():
            self._write(0, self._plot_height + 1, f"{overlay.x_title:<5}", self._style("axis"))
            drawn = list(zip(LETTERS, _STROKES, overlay.curves, strict=False))
            for letter, stroke, curve in reversed(drawn):
                style = str(self.get_component_rich_style(f"overlay--{letter}", partial=True))
                places = [self._place(data, *point) for point in curve]
                dots = list(dotted(places, stroke))
                if dots:
                    self.set_hires_pixels(dots, HiResMode.BRAILLE, style)
                for x, y in curve:
                    self.set_pixel(*self._cell(data, x, y), letter, style)


def dotted(places: Sequence[Point], stroke: Sequence[int]) -> Iterator[Point]:
    """Dots along a line through places in cells, those of the stroke left out that are 0."""
    number = 0
    for (x, y), (to_x, to_y) in pairwise(places):
        steps = max(math.ceil(max(to_x - x, abs(to_y - y) * 2) * _DOTS_A_CELL), 1)
        for step in range(steps):
            if stroke[number % len(stroke)]:
                yield x + (to_x - x) * step / steps, y + (to_y - y) * step / steps
            number += 1
