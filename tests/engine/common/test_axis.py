"""Scales of a chart."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.common.axis import (
    COUNTS,
    SECONDS,
    Axis,
    LogAxis,
    Units,
    amount_axis_over,
    axis_over,
    log_axis_over,
)


def test_ticks_are_round_and_within_the_ends() -> None:
    assert Axis(0.0, 8.0).labels(10) == [(float(i), str(i)) for i in range(9)]
    assert [text for _, text in Axis(0.43, 0.97).labels(3)] == ["0.6", "0.8"]
    assert [text for _, text in Axis(0.0, 0.05).labels(5)] == [
        "0.00",
        "0.01",
        "0.02",
        "0.03",
        "0.04",
        "0.05",
    ]


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (0.0, 25_000.0, 5, ["0", "5k", "10k", "15k", "20k", "25k"]),
        (0.0, 2_500.0, 5, ["0", "500", "1000", "1500", "2000", "2500"]),
        (2.0e6, 3.0e6, 2, ["2.0M", "2.5M", "3.0M"]),
        (0.001, 0.003, 2, ["1e-3", "2e-3", "3e-3"]),
        (0.74, 0.75, 2, ["0.740", "0.745", "0.750"]),
        (1_234_000.0, 1_234_100.0, 2, ["1234000", "1234050", "1234100"]),
        (0.0, 4e15, 2, ["0", "2e15", "4e15"]),
        (0.0, 4e-9, 2, ["0", "2e-9", "4e-9"]),
    ],
)
def test_a_long_label_is_written_shorter(
    low: float, high: float, most: int, expected: list[str]
) -> None:
    assert [text for _, text in Axis(low, high).labels(most)] == expected


def test_what_is_counted_has_no_tick_between_two_whole_numbers() -> None:
    assert [text for _, text in Axis(0.0, 3.0, least_step=1.0).labels(10)] == ["0", "1", "2", "3"]
    assert [text for _, text in Axis(1.6, 2.7, least_step=1.0).labels(10)] == ["2"]
    assert [text for _, text in Axis(0.0, 50.0, least_step=1.0).labels(5)][:2] == ["0", "10"]
    minutes = Axis(0.0, 180.0, 60.0, "min", least_step=1.0)
    assert minutes.labels(10) == [(60.0 * i, str(i)) for i in range(4)]
    part = Axis(2.1, 2.9, least_step=1.0).labels(4)
    assert [text for _, text in part] == ["2.2", "2.4", "2.6", "2.8"]


def test_each_label_of_a_logarithmic_axis_is_as_short_as_it_can_be() -> None:
    texts = [text for _, text in LogAxis(0.001, 0.11).labels(9)]
    assert texts == ["1e-3", "2e-3", "5e-3", "0.01", "0.02", "0.05", "0.1"]
    assert [text for _, text in LogAxis(900.0, 3e6).labels(9)] == [
        *("1000", "3000", "10k", "30k", "100k", "300k", "1M", "3M"),
    ]


UNITS = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def value_of(text: str) -> float:
    return float(text.rstrip("kMGT")) * UNITS.get(text[-1], 1.0)


@given(st.floats(0, 1e9), st.floats(1e-6, 1e12), st.integers(1, 12), st.booleans())
def test_every_label_says_its_tick(low: float, length: float, most: int, is_log: bool) -> None:
    axis = LogAxis(low + 1e-9, low + length) if is_log else Axis(low, low + length)
    labels = axis.labels(most)
    for tick, text in labels:
        assert value_of(text) == pytest.approx(tick, rel=1e-9, abs=1e-12)
    assert len({text for _, text in labels}) == len(labels)


@pytest.mark.parametrize("values", [[], [math.nan], [math.inf, math.nan]])
def test_without_a_number_the_axis_is_the_whole_range(values: list[float]) -> None:
    assert axis_over(values, 0.1, 1.0) == Axis(0.0, 1.0)
    assert axis_over(values, 0.1) == Axis(0.0, 1.0)


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=20), st.integers(1, 12))
def test_an_axis_holds_its_values_and_few_ticks(values: list[float], most: int) -> None:
    axis = axis_over(values, 0.2)
    assert axis.low < axis.high
    slack = (axis.high - axis.low) * 1e-9
    assert axis.low - slack <= min(values)
    assert max(values) <= axis.high + slack
    assert len(axis.labels(most)) <= most + 1


@pytest.mark.parametrize(
    ("amounts", "units", "is_log", "unit"),
    [
        ([64, 1862], SECONDS, True, "min"),
        ([20, 90], SECONDS, False, "s"),
        ([3_600, 14_400], SECONDS, False, "h"),
        ([2.9e5, 2.4e7], COUNTS, True, "M"),
        ([13, 36_000], SECONDS, True, "min"),
        ([2e9, 3e9], COUNTS, False, "G"),
        ([0, 500], SECONDS, False, "min"),
        ([], SECONDS, False, "s"),
    ],
)
def test_the_axis_and_its_unit_fit_the_amounts(
    amounts: list[float], units: Units, is_log: bool, unit: str
) -> None:
    axis = amount_axis_over(amounts, units)
    assert (axis.is_log, axis.unit) == (is_log, unit)
    assert all(0 <= axis.share(value) <= 1 for value in amounts)


def test_ticks_are_round_in_the_unit() -> None:
    axis = amount_axis_over([60, 1_800], SECONDS)
    assert [label for _, label in axis.labels(9)] == ["1", "2", "5", "10", "20"]
    assert [value for value, _ in axis.labels(9)] == [60, 120, 300, 600, 1_200]
    assert len(axis.labels(2)) <= 3


@pytest.mark.parametrize("axis", [LogAxis(9e5, 2e7, 1e3, "K"), Axis(0.0, 2e7, 1e3, "K")])
def test_before_a_unit_no_label_has_a_suffix_of_its_own(axis: Axis) -> None:
    texts = [text for _, text in axis.labels(4)]
    assert texts[-1] in ("10,000", "20,000")
    assert not any(set(text) & set("kMe") for text in texts)


@given(st.lists(st.floats(1e-3, 1e12), min_size=1), st.integers(1, 20))
def test_every_amount_has_its_place_and_every_tick_too(amounts: list[float], most: int) -> None:
    for units in (SECONDS, COUNTS):
        axis = amount_axis_over(amounts, units)
        assert axis.low < axis.high
        assert all(0 <= axis.share(value) <= 1 for value in amounts)
        assert all(-1e-6 <= axis.share(tick) <= 1 + 1e-6 for tick, _ in axis.labels(most))


@given(st.lists(st.floats(1e-3, 1e6), min_size=1))
def test_a_logarithmic_axis_is_at_least_a_factor_two_long(values: list[float]) -> None:
    axis = log_axis_over(values)
    assert axis.high >= 2 * axis.low
    assert all(0 < axis.share(value) < 1 for value in values)
    assert all(-1e-6 <= axis.share(tick) <= 1 + 1e-6 for tick, _ in axis.labels(8))
