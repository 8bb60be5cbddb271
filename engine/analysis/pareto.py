"""The Pareto front: the points that no other beats in both cost and accuracy."""

from __future__ import annotations

import math
from collections.abc import Sequence


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Find the indices of the points on the front, by rising cost.

    A point is off the front if another costs no more, is no less accurate, and is better in one of
    the two; equal points are all on it. Points that are not finite are left out.

    Args:
        points: cost and accuracy of each; a low cost and a high accuracy win.
    """
    known = [i for i, point in enumerate(points) if all(map(math.isfinite, point))]
    front: list[int] = []
    for i in sorted(known, key=lambda i: (points[i][0], -points[i][1])):
        if not front or points[i][1] > points[front[-1]][1] or points[i] == points[front[-1]]:
            front.append(i)
    return front
