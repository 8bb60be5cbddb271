"""Pieces of sentences."""

from __future__ import annotations

import math

import pytest

from engine.analysis.grammar import counted, listed, points, share_text, times


def test_lists() -> None:
    found = [listed(list(letters)) for letters in ("a", "ab", "abc")]
    assert found == ["a", "a and b", "a, b and c"]


@pytest.mark.parametrize(
    ("n", "words"),
    [(0, "no runs"), (1, "one run"), (12, "twelve runs"), (13, "13 runs"), (1_000, "1,000 runs")],
)
def test_counts(n: int, words: str) -> None:
    assert counted(n, "run") == words


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(1.0, "1.0"), (9.94, "9.9"), (9.96, "10"), (1_234.5, "1,234"), (math.inf, "–")],
)
def test_ratios(ratio: float, text: str) -> None:
    assert times(ratio) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.1736, "17.4"), (-0.02, "2.0"), (0.0004, "0.04"), (0.0, "0.00")]
)
def test_percentage_points(share: float, text: str) -> None:
    assert points(share) == text


def test_shares_of_what_is_not_known_are_none() -> None:
    assert share_text(1, 4) == "25 %"
    assert share_text(None, 4) is share_text(1, None) is share_text(1, 0) is None
    assert share_text(1.0, 1e-320) is None
