"""Curves of bounded size."""

from __future__ import annotations

import math

import pytest

from engine.state.series import Series, smoothed, value_at


def test_all_points_are_kept_while_they_fit() -> None:
    series = Series(capacity=8)
    for i in range(5):
        series.append(i, 2 * i)
    assert series.curve().full == tuple((float(i), 2.0 * i) for i in range(5))
    assert series.curve().recent == series.curve().full


def test_the_size_stays_bounded_and_the_ends_and_level_stay_true() -> None:
    series = Series(capacity=64, recent=16)
    for i in range(100_000):
        series.append(i, 1.0 if i % 2 else 3.0)
    curve = series.curve()
    assert len(curve.full) <= 65
    assert len(curve.recent) == 16
    assert curve.full[-1][0] == curve.recent[-1][0] == 99_999
    assert [x for x, _ in curve.full] == sorted(x for x, _ in curve.full)
    assert all(y == 2.0 for _, y in curve.full)


def test_what_is_not_finite_is_left_out() -> None:
    series = Series()
    series.append(1, math.nan)
    series.append(2, math.inf)
    assert series.curve().full == ()


def test_smoothing_keeps_a_level_from_its_first_point_on() -> None:
    flat = tuple((float(i), 0.5) for i in range(20))
    assert [y for _, y in smoothed(flat, 0.9)] == pytest.approx([0.5] * 20)
    jump = smoothed(((0.0, 0.0), (1.0, 1.0)), 0.5)
    assert [y for _, y in jump] == pytest.approx([0.0, 2 / 3])
    assert smoothed(flat, 0.0) is flat


def test_a_value_between_two_points_lies_on_the_line_between_them() -> None:
    points = ((1.0, 10.0), (2.0, 30.0))
    assert [value_at(points, x) for x in (0.0, 0.5, 1.0, 1.5, 2.0, 9.0)] == [0, 5, 10, 20, 30, 30]
    assert value_at((), 1.0) == 0.0
