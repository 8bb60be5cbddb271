"""The report's charts as inline SVG, coloured by the page's style sheet, so light and dark."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from engine.analysis.pareto import pareto_front
from engine.common.axis import SECONDS, Axis, accuracy_axis, amount_axis_over
from engine.common.text import shortened

WIDTH, HEIGHT = 780, 340
LEFT, RIGHT, TOP, BOTTOM = 62, 240, 14, 46
"""Margins: the names of the lines are on the right."""
MOST_NAME = 33
"""Letters for which there is room."""
LINE = 16
"""Between two names, units of the drawing."""
COLORS = 8
"""Classes `c0` to `c7` of the style sheet; further lines differ by dashes."""

MOST_DOTS = 40
"""Points of a line, above which they are not marked."""
MOST_INTERVALS = 10
"""Between the ticks of an axis."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """A named curve or, with one point, a mark."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class _Scale:
    """Maps values to units of the drawing."""

    x: Axis
    y: Axis

    def at(self, point: Point) -> Point:
        across = self.x.share(point[0]) * (WIDTH - LEFT - RIGHT)
        up = self.y.share(point[1]) * (HEIGHT - TOP - BOTTOM)
        return LEFT + across, HEIGHT - BOTTOM - up


def curves_chart(lines: Sequence[Line], title: str) -> str:
    """Draw accuracy over epochs: a line a run, with its name at its end; empty without points."""
    shown = [Line(line.name, _finite(line.points)) for line in lines]
    shown = [line for line in shown if line.points]
    if not shown:
        return ""
    last = max(line.points[-1][0] for line in shown)
    accuracies = [y for line in shown for _, y in line.points]
    scale = _Scale(Axis(0.0, max(last, 1.0), least_step=1.0), accuracy_axis(accuracies))
    parts = [*_axes(scale, scale.x.labels(MOST_INTERVALS), "epoch")]
    for i, line in enumerate(shown):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(scale.at, line.points))
        dash = ' stroke-dasharray="6 4"' if i >= COLORS else ""
        parts.append(f'<polyline class="line c{i % COLORS}" points="{path}"{dash}/>')
        if len(line.points) <= MOST_DOTS:
            parts += _dots(scale, line.points, i, 2.5)
    ends = [scale.at(line.points[-1])[1] for line in shown]
    parts += _names([line.name for line in shown], ends)
    return _svg(title, parts)


def pareto_chart(marks: Sequence[Line], title: str) -> str:
    """Draw test accuracy against train seconds, a mark a run, with the front; empty without any."""
    shown = [mark for mark in marks if _finite(mark.points) and mark.points[0][0] > 0]
    if not shown:
        return ""
    points = [mark.points[0] for mark in shown]
    times = amount_axis_over([x for x, _ in points], SECONDS)
    scale = _Scale(times, accuracy_axis([y for _, y in points]))
    title_below = f"train time, {times.unit}{', on a logarithmic scale' if times.is_log else ''}"
    parts = [*_axes(scale, times.labels(MOST_INTERVALS), title_below)]
    front = [scale.at(points[i]) for i in pareto_front(points)]
    if len(front) > 1:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in front)
        parts.append(f'<polyline class="front" points="{path}"/>')
    for i, point in enumerate(points):
        parts += _dots(scale, [point], i, 5)
    parts += _names([mark.name for mark in shown], [scale.at(point)[1] for point in points])
    return _svg(title, parts)


def _svg(title: str, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">\n'
        f"<title>{escape(title)}</title>\n{body}\n</svg>"
    )


def _finite(points: Sequence[Point]) -> tuple[Point, ...]:
    return tuple(point for point in points if all(map(math.isfinite, point)))


def _axes(scale: _Scale, labels: Sequence[tuple[float, str]], title: str) -> Iterator[str]:
    """Draw the grid with its accuracies, and below it the x axis with labels and title."""
    for value, text in scale.y.labels(MOST_INTERVALS):
        _, y = scale.at((scale.x.low, value))
        yield f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
        place = f'x="{LEFT - 8}" y="{y + 4:.1f}"'
        yield f'<text class="tick" {place} text-anchor="end">{text}</text>'
    bottom = HEIGHT - BOTTOM
    for value, text in labels:
        x, _ = scale.at((value, scale.y.low))
        yield f'<line class="axis" x1="{x:.1f}" y1="{bottom}" x2="{x:.1f}" y2="{bottom + 5}"/>'
        yield (
            f'<text class="tick" x="{x:.1f}" y="{bottom + 19}" text-anchor="middle">'
            f"{escape(text)}</text>"
        )
    yield f'<line class="axis" x1="{LEFT}" y1="{bottom}" x2="{WIDTH - RIGHT}" y2="{bottom}"/>'
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield f'<text class="tick" x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{title}</text>'


def _dots(scale: _Scale, points: Sequence[Point], color: int, radius: float) -> Iterator[str]:
    for x, y in map(scale.at, points):
        place = f'cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"'
        yield f'<circle class="dot c{color % COLORS}" {place}/>'


def _names(names: Sequence[str], heights: Sequence[float]) -> Iterator[str]:
    """Write the names on the right, each at its height or as near as the others allow."""
    order = sorted(range(len(names)), key=lambda i: heights[i])
    bottom = HEIGHT - BOTTOM
    y = TOP - LINE + 6.0
    places = {}
    for rank, i in enumerate(order):
        room_below = (len(order) - 1 - rank) * LINE
        y = max(y + LINE, min(heights[i], bottom - room_below))
        places[i] = y
    x = WIDTH - RIGHT + 14
    for i, name in enumerate(names):
        y, text = places[i], escape(shortened(name, MOST_NAME))
        yield f'<rect class="fill c{i % COLORS}" x="{x}" y="{y - 4:.1f}" width="10" height="8"/>'
        yield f'<text class="name" x="{x + 16}" y="{y + 4:.1f}">{text}</text>'
