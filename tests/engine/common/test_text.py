"""Numbers as a person reads them."""

from __future__ import annotations

import math

import pytest

from engine.common.text import (
    MISSING,
    accuracy,
    byte_size,
    count,
    duration,
    percent,
    rate,
    short_duration,
    whole,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (7.4, "0:07"), (192, "3:12"), (3847, "1:04:07"), (59.6, "1:00"), (-3, "0:00")],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0018, "1.8 ms"),
        (0.00996, "10 ms"),
        (0.096, "96 ms"),
        (4.0, "4.0 s"),
        (12.3, "12 s"),
        (59.6, "1:00"),
        (192, "3:12"),
    ],
)
def test_short_duration(seconds: float, text: str) -> None:
    assert short_duration(seconds) == text


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (0, "0"),
        (999, "999"),
        (999.6, "1.00 K"),
        (12_810, "12.8 K"),
        (3_400_000, "3.40 M"),
        (143_667_240, "144 M"),
        (999_600, "1.00 M"),
        (4.1e9, "4.10 G"),
    ],
)
def test_count(n: float, text: str) -> None:
    assert count(n) == text


@pytest.mark.parametrize(
    ("n", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.00 KB"), (90 * 2**20, "90.0 MB"), (2**40, "1.00 TB")],
)
def test_byte_size(n: int, text: str) -> None:
    assert byte_size(n) == text


def test_rate_percent_accuracy_and_whole() -> None:
    assert rate(1e-4) == "1.0e-04"
    assert percent(71.2) == "71 %"
    assert accuracy(0.91834) == "0.9183"
    assert whole(41_200) == "41,200"


@pytest.mark.parametrize("show", [duration, count, percent, byte_size, rate, accuracy, whole])
@pytest.mark.parametrize("nothing", [None, math.nan, math.inf])
def test_no_number_gives_a_dash(show: object, nothing: float | None) -> None:
    assert callable(show)
    assert show(nothing) == MISSING
