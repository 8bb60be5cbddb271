"""Pareto fronts: by hand, and by the definition over generated points."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.analysis.pareto import pareto_front

Points = list[tuple[float, float]]


@pytest.mark.parametrize(
    ("points", "front"),
    [
        ([], []),
        ([(1, 0.5)], [0]),
        ([(1, 0.5), (2, 0.9), (3, 0.8), (0.5, 0.4)], [3, 0, 1]),
        ([(1, 0.5), (1, 0.6)], [1]),
        ([(2, 0.6), (1, 0.6)], [1]),
        ([(1, 0.6), (1, 0.6), (2, 0.6)], [0, 1]),
        ([(math.nan, 0.99), (1, math.nan), (2, 0.3), (math.inf, 1.0)], [2]),
    ],
)
def test_fronts_by_hand(points: Points, front: list[int]) -> None:
    assert pareto_front(points) == front


few = st.sampled_from([0.0, 1.0, 2.0, 3.0, 5.0])


@given(st.lists(st.tuples(few, few), max_size=12))
def test_the_front_is_what_nothing_beats(points: Points) -> None:
    def beaten(point: tuple[float, float]) -> bool:
        return any(
            other != point and other[0] <= point[0] and other[1] >= point[1] for other in points
        )

    front = pareto_front(points)
    assert sorted(front) == [i for i, point in enumerate(points) if not beaten(point)]
    assert [points[i][0] for i in front] == sorted(points[i][0] for i in front)
