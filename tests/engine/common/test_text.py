"""Numbers as a person reads them."""

from __future__ import annotations

import math

import pytest

from engine.common.text import (
    MISSING,
    accuracy,
    aligned,
    byte_size,
    cell_width,
    count,
    duration,
    fine_duration,
    fitted,
    percent,
    rate,
    readable,
    short_duration,
    shortened,
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
    ("seconds", "text"),
    [(0.0, "0:00"), (0.04, "0:00"), (0.3, "0.3 s"), (9.94, "9.9 s"), (9.96, "0:10"), (None, "–")],
)
def test_fine_duration(seconds: float | None, text: str) -> None:
    assert fine_duration(seconds) == text


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


@pytest.mark.parametrize("text", ["", "abc", "★⚡", "more than fits", "⚡⚡⚡⚡⚡⚡"])
@pytest.mark.parametrize("right", [True, False])
def test_a_cell_has_its_width(text: str, right: bool) -> None:
    assert cell_width(fitted(text, 8, right)) == 8


def test_numbers_stand_to_the_right_and_long_texts_are_shortened() -> None:
    assert fitted("7", 3, True) == "  7"
    assert fitted("7", 3, False) == "7  "
    assert fitted("abcdef", 4, False) == "abc…"


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [("abcdef", 6, "abcdef"), ("abcdef", 4, "abc…"), ("⚡⚡⚡", 4, "⚡…"), ("ab", 1, "…")],
)
def test_what_is_cut_off_leaves_an_ellipsis(text: str, width: int, expected: str) -> None:
    assert shortened(text, width) == expected


def test_cells_of_a_column_stand_below_each_other() -> None:
    rows = [("name", "n"), ("⚡", "12"), ("", "3")]
    assert aligned(rows, [False, True]) == ["name   n", "⚡    12", "       3"]
    assert aligned([], []) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[1;31merror\x1b[0m: no", "error: no"),
        ("\x9b31mred", "red"),
        ("\x1b]8;;https://keras.io\x1b\\a link\x1b]8;;\x07", "a link"),
        ("a\x1b7b\x1b(B", "ab"),
        ("\x1b[?25l\x00\x7f\x9b\u202e", "????"),
        ("one\ttwo\r\nthree", "one     two\nthree"),
        ("Größe 3×3 ✓", "Größe 3×3 ✓"),
    ],
)
def test_output_is_read_without_what_a_terminal_would_obey(text: str, expected: str) -> None:
    assert readable(text) == expected
