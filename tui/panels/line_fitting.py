"""Text in limited room: the longest form that fits, phrases in as few lines as possible: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

_BETWEEN = " · "


@dataclass(frozen=True, slots=True)
class Field:
    """A part of a line; where not all fit, those of the lowest rank are left out first."""

    text: Content
    rank: int
    continues: bool = False
    """Whether it belongs to the field before it, one blank away."""


def fit(left: list[Field], right: list[Field], width: int, gap: int = 3) -> Content:
    """Make a line of exactly `width` cells: `left` at its left, `right` at its right."""
    while True:
        start, end = _joined(left, gap), _joined(right, gap)
        fields = left + right
        used = start.cell_length + end.cell_length + (gap if left and right else 0)
        if used + 2 <= width or len(fields) <= 1:
            break
        lowest = min(fields, key=lambda field: field.rank)
        left = [field for field in left if field is not lowest]
        right = [field for field in right if field is not lowest]
    start, end = Content(" ") + start, end + Content(" ")
    start = start.truncate(max(width - end.cell_length, 0), ellipsis=True)
    return start + Content(" " * (width - start.cell_length - end.cell_length)) + end


def _joined(fields: list[Field], gap: int) -> Content:
    line = Content("")
    for number, field in enumerate(fields):
        blanks = 0 if not number else 1 if field.continues else gap
        line += Content(" " * blanks) + field.text
    return line


def longest(forms: Sequence[str], width: int) -> str:
    """Choose the first form that fits into `width` cells, else the last; give the longest first."""
    return next((form for form in forms if len(form) <= width), forms[-1])


def packed(phrases: Sequence[str], width: int) -> list[str]:
    """Pack phrases in order, as many on a line as fit into `width` cells, at least one."""
    lines: list[str] = []
    for phrase in phrases:
        if lines and len(lines[-1]) + len(_BETWEEN) + len(phrase) <= width:
            lines[-1] += _BETWEEN + phrase
        else:
            lines.append(phrase)
    return lines


def change(before: str, after: str) -> str:
    """`15.1 → 15.4 MB`, `980 KB → 1.02 MB`, or `15.1 MB` where both read the same."""
    if before == after:
        return after
    number, _, unit = before.partition(" ")
    if unit and after.endswith(f" {unit}"):
        before = number
    return f"{before} → {after}"
