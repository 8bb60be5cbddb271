"""Pieces of sentences: numbers as the report's tables show them, lists, counts."""

from __future__ import annotations

from collections.abc import Sequence

from engine.common.text import MISSING, Row, accuracy, known, percent

_WORDS = (
    *("no", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)


def listed(parts: Sequence[str], word: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    *before, last = parts
    return f"{', '.join(before)} {word} {last}" if before else last


def agreeing(names: Sequence[str], one: str, many: str) -> str:
    """`a has`, `a and b have`: names with the verb for one or for many."""
    return f"{listed(names)} {one if len(names) == 1 else many}"


def counted(n: int, noun: str) -> str:
    """`no runs`, `one run`, `two runs`, `13 runs`."""
    return f"{number_word(n)} {noun if n == 1 else noun + 's'}"


MOST_WORDS = len(_WORDS) - 1
"""The largest number that has a word."""


def number_word(n: int) -> str:
    """`no`, `one`, `twelve`, `13`."""
    return _WORDS[n] if n < len(_WORDS) else f"{n:,}"


def times(ratio: float) -> str:
    """How many times as much: `1.4`, `12`."""
    if not known(ratio):
        return MISSING
    return f"{ratio:.1f}" if ratio < 9.95 else f"{ratio:,.0f}"


def points(share: float) -> str:
    """A difference of accuracies in percentage points: `12.3`; `0.04` where it is small."""
    size = abs(share) * 100
    return f"{size:.1f}" if size >= 0.95 else f"{size:.2f}"


def interval(row: Row) -> str:
    """The 95 % interval of a run's test accuracy as `0.9281 to 0.9380`; empty if unknown."""
    low, high = row.get("accuracy_low"), row.get("accuracy_high")
    return f"{accuracy(low)} to {accuracy(high)}" if known(low) and known(high) else ""


def share_text(part: float | None, of: float | None) -> str | None:
    """A part of a whole as `57 %`; None where either is unknown."""
    if not known(part) or not known(of) or not of:
        return None
    share = 100 * part / of
    return percent(share) if known(share) else None
