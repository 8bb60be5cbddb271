"""The report's charts as inline SVG, coloured by the page's style sheet, so light and dark."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from engine.analysis.pareto import pareto_front
from engine.common.formatting import duration

WIDTH, HEIGHT = 780, 340
LEFT, RIGHT, TOP, BOTTOM = 62, 240, 14, 46
"""Margins: the names of the lines stand on the right."""
LINE = 16
"""Between two names, units of the drawing."""
COLORS = 8
"""Classes `c0` to `c7` of the style sheet; dashes tell further ones apart."""

LOG_MARGIN = 0.1
MOST_TICKS = 9
TIME_TICKS = (
    *(1, 2, 3, 5, 10, 15, 20, 30, 45),
    *(60 * minutes for minutes in (1, 2, 3, 5, 7, 10, 15, 20, 30, 45)),
    *(3_600 * hours for hours in (1, 2, 3, 5, 8, 12, 24, 48, 100, 300, 1_000)),
)
"""Seconds that are round to a reader."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """A named curve or, with one point, a mark."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class _Scale:
    """From figures to units of the drawing."""

    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, point: Point) -> Point:
        (x0, x1), (y0, y1) = self.x, self.y
        across = (point[0] - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT)
        up = (point[1] - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM)
        return LEFT + across, HEIGHT - BOTTOM - up


def curves_chart(lines: Sequence[Line], title: str) -> str:
    """Accuracy over epochs: a line a run, each with its name at its end; empty without points."""
    shown = [Line(line.name, _finite(line.points)) for line in lines]
    shown = [line for line in shown if line.points]
    if not shown:
        return ""
    last = max(line.points[-1][0] for line in shown)
    scale = _Scale((0, max(last, 1)), _accuracy_range([p for line in shown for p in line.points]))
    parts = [*_axes(scale, _whole_ticks(last), lambda x: f"{x:g}", "epoch")]
    for i, line in enumerate(shown):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(scale.at, line.points))
        dash = ' stroke-dasharray="6 4"' if i >= COLORS else ""
        parts.append(f'<polyline class="line c{i % COLORS}" points="{path}"{dash}/>')
        parts += _dots(scale, line.points, i)
    ends = [scale.at(line.points[-1])[1] for line in shown]
    parts += _names([line.name for line in shown], ends)
    return _svg(title, parts)


def pareto_chart(marks: Sequence[Line], title: str) -> str:
    """Test accuracy against train seconds: a mark a run, the front drawn; empty without marks."""
    shown = [mark for mark in marks if _finite(mark.points) and mark.points[0][0] > 0]
    if not shown:
        return ""
    points = [mark.points[0] for mark in shown]
    logs = [(math.log10(x), y) for x, y in points]
    low, high = _log_range([x for x, _ in logs])
    scale = _Scale((low, high), _accuracy_range(points))
    ticks = [t for t in TIME_TICKS if 10**low <= t <= 10**high]
    ticks = ticks[:: math.ceil(len(ticks) / MOST_TICKS) or 1]
    parts = [
        *_axes(
            scale,
            [math.log10(t) for t in ticks],
            lambda x: duration(10**x),
            "train time (min:s), on a logarithmic scale",
        )
    ]
    front = [scale.at(logs[i]) for i in pareto_front(points)]
    if len(front) > 1:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in front)
        parts.append(f'<polyline class="front" points="{path}"/>')
    for i, point in enumerate(logs):
        x, y = scale.at(point)
        parts.append(f'<circle class="dot c{i % COLORS}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>')
    parts += _names([mark.name for mark in shown], [scale.at(point)[1] for point in logs])
    return _svg(title, parts)


def _svg(title: str, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">\n'
        f"<title>{escape(title)}</title>\n{body}\n</svg>"
    )


def _finite(points: Sequence[Point]) -> tuple[Point, ...]:
    return tuple(point for point in points if all(map(math.isfinite, point)))


def _accuracy_range(points: Sequence[Point]) -> tuple[float, float]:
    """Down to a tenth below the least and up to one above the most, within 0 to 1."""
    low = max(math.floor(min(y for _, y in points) * 10 - 0.2) / 10, 0.0)
    high = min(math.ceil(max(y for _, y in points) * 10 + 0.2) / 10, 1.0)
    return low, max(high, low + 0.1)


def _whole_ticks(last: float) -> list[float]:
    step = max(1, math.ceil(last / 10))
    return [float(tick) for tick in range(0, int(last) + 1, step)]


def _log_range(logs: Sequence[float]) -> tuple[float, float]:
    """A little wider than the points, and at least a factor of two."""
    low, high = min(logs) - LOG_MARGIN, max(logs) + LOG_MARGIN
    lack = max(math.log10(2) - (high - low), 0.0) / 2
    return low - lack, high + lack


def _axes(
    scale: _Scale, ticks: Sequence[float], text: Callable[[float], str], title: str
) -> Iterator[str]:
    low, high = scale.y
    steps = round((high - low) * 10)
    share = 10 if steps > 2 else 20
    for i in range(round(low * share), round(high * share) + 1):
        _, y = scale.at((scale.x[0], i / share))
        yield f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
        place = f'x="{LEFT - 8}" y="{y + 4:.1f}"'
        yield f'<text class="tick" {place} text-anchor="end">{i / share:.2f}</text>'
    bottom = HEIGHT - BOTTOM
    for tick in ticks:
        x, _ = scale.at((tick, low))
        yield f'<line class="axis" x1="{x:.1f}" y1="{bottom}" x2="{x:.1f}" y2="{bottom + 5}"/>'
        yield (
            f'<text class="tick" x="{x:.1f}" y="{bottom + 19}" text-anchor="middle">'
            f"{escape(text(tick))}</text>"
        )
    yield f'<line class="axis" x1="{LEFT}" y1="{bottom}" x2="{WIDTH - RIGHT}" y2="{bottom}"/>'
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield f'<text class="tick" x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{title}</text>'


def _dots(scale: _Scale, points: Sequence[Point], color: int) -> Iterator[str]:
    if len(points) > 40:
        return
    for point in points:
        x, y = scale.at(point)
        yield f'<circle class="dot c{color % COLORS}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>'


def _names(names: Sequence[str], heights: Sequence[float]) -> Iterator[str]:
    """The names on the right, each at its height or as near as the others let it."""
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
        y, text = places[i], escape(_short(name))
        yield f'<rect class="fill c{i % COLORS}" x="{x}" y="{y - 4:.1f}" width="10" height="8"/>'
        yield f'<text class="name" x="{x + 16}" y="{y + 4:.1f}">{text}</text>'


def _short(name: str) -> str:
    return name if len(name) <= 33 else name[:32] + "…"
