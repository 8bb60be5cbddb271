"""A curve of bounded size: when it is full it keeps every second point and doubles its step."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve ready to draw: all of it thinned, and its last part at full resolution."""

    full: tuple[Point, ...] = ()
    recent: tuple[Point, ...] = ()


class Series:
    """Points (x, y) of a curve that may grow for hours in constant memory.

    The thinned history holds means over `step` neighbouring points, so that a curve keeps its level
    however often it was halved (the scheme of Burn's `full_history`).
    """

    def __init__(self, capacity: int = 512, recent: int = 240) -> None:
        self._capacity = capacity
        self._recent_size = recent
        self._step = 1
        self._full: list[Point] = []
        self._waiting: list[Point] = []
        self._recent: list[Point] = []

    def append(self, x: float, y: float) -> None:
        """Add a point; one that is not finite is left out."""
        if not (math.isfinite(x) and math.isfinite(y)):
            return
        self._recent.append((x, y))
        if len(self._recent) > 2 * self._recent_size:
            del self._recent[: -self._recent_size]
        self._waiting.append((x, y))
        if len(self._waiting) >= self._step:
            self._full.append(_mean(self._waiting))
            self._waiting.clear()
        if len(self._full) >= self._capacity:
            self._full = [_mean(self._full[i : i + 2]) for i in range(0, len(self._full), 2)]
            self._step *= 2

    def cut(self, x: float) -> None:
        """Drop the points beyond `x`."""
        self._full = [point for point in self._full if point[0] <= x]
        self._waiting = [point for point in self._waiting if point[0] <= x]
        self._recent = [point for point in self._recent if point[0] <= x]

    def curve(self) -> Curve:
        """The present curve as frozen values."""
        full = [*self._full, _mean(self._waiting)] if self._waiting else self._full
        return Curve(tuple(full), tuple(self._recent[-self._recent_size :]))


def smoothed(points: tuple[Point, ...], weight: float) -> tuple[Point, ...]:
    """Smooth by an exponential moving average, corrected for its start at 0 as TensorBoard does.

    Args:
        points: (x, y), every y finite.
        weight: of what came before, from 0 (changes nothing) to below 1.
    """
    if not 0.0 < weight < 1.0:
        return points
    average, share, smooth = 0.0, 0.0, []
    for x, y in points:
        average = weight * average + (1.0 - weight) * y
        share = weight * share + (1.0 - weight)
        smooth.append((x, average / share))
    return tuple(smooth)


def value_at(points: tuple[Point, ...], x: float) -> float:
    """Interpolate a rising curve at `x`, linearly from (0, 0) on; beyond its end its last y.

    Args:
        points: (x, y) with rising x.
        x: from 0.
    """
    index = bisect_left(points, (x, -math.inf))
    if index == len(points):
        return points[-1][1] if points else 0.0
    left, right = points[index - 1] if index else (0.0, 0.0), points[index]
    if right[0] <= left[0]:
        return right[1]
    return left[1] + (right[1] - left[1]) * (x - left[0]) / (right[0] - left[0])


def _mean(points: list[Point]) -> Point:
    return points[-1][0], sum(y for _, y in points) / len(points)
