"""Words in the room there is: the longest form that fits, phrases in as few lines: pure."""

from __future__ import annotations

from collections.abc import Sequence

_BETWEEN = " · "


def longest(forms: Sequence[str], width: int) -> str:
    """The first form that `width` cells hold, else the last; give the longest first."""
    return next((form for form in forms if len(form) <= width), forms[-1])


def packed(phrases: Sequence[str], width: int) -> list[str]:
    """Phrases in order, as many on a line as `width` cells hold, at least one."""
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
