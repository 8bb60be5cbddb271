"""Text for people: numbers, durations, sizes, names on one line, the cells of a table.

Pure functions.

Where there is no number (None, NaN, infinite) each returns `MISSING`.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

MISSING = "–"
_NEAR = 0.6
"""How similar two words must be, 0 to 1, for one to count as a misspelling of the other."""
Row = Mapping[str, Any]
"""A row's values by column."""
_TERMINAL_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, moves of the cursor
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # titles, links
    r"|\x1b[ -/]*[0-Z\\^-~]"
)


def known(x: float | None) -> TypeGuard[float]:
    """Return whether there is a number."""
    return x is not None and math.isfinite(x)


def duration(seconds: float | None) -> str:
    """Return a duration as `0:07`, `3:12`, `1:04:07`; whole seconds, rounded."""
    if not known(seconds):
        return MISSING
    whole = max(round(seconds), 0)
    hours, rest = divmod(whole, 3600)
    minutes, second = divmod(rest, 60)
    if hours:
        return f"{hours}:{minutes:02}:{second:02}"
    return f"{minutes}:{second:02}"


def short_duration(seconds: float) -> str:
    """Return a duration that may be short: `1.8 ms`, `96 ms`, `4.2 s`, `12 s`, `3:12`."""
    if round(seconds) >= 60:
        return duration(seconds)
    number, unit = (seconds * 1e3, "ms") if seconds < 1 else (seconds, "s")
    return f"{number:.1f} {unit}" if number < 9.95 else f"{number:.0f} {unit}"


def fine_duration(seconds: float | None) -> str:
    """Return a duration with tenths where whole seconds say little: `0.3 s`, `0:12`, `3:12`."""
    if known(seconds) and 0 < round(seconds, 1) < 10:
        return f"{seconds:.1f} s"
    return duration(seconds)


def about_duration(seconds: float) -> str:
    """Return a duration as `~40 s`, `~12 min`, `~2.5 h`: as exact as a forecast is."""
    if seconds < 90:
        return f"~{max(round(seconds, -1), 10):.0f} s"
    minutes = seconds / 60
    return f"~{minutes:.0f} min" if minutes < 90 else f"~{minutes / 60:.1f} h"


def count(n: float | None) -> str:
    """Return a number as `512`, `12.8 K`, `3.40 M`: three digits and the largest unit that fits."""
    return _in_units(n, 1000, "", "K", "M", "G", "T")


def percent(x: float | None) -> str:
    """Return a share from 0 to 100 as `71 %`."""
    return f"{x:.0f} %" if known(x) else MISSING


def byte_size(n: float | None) -> str:
    """Return a size as `512 B`, `12.8 KB`, `3.10 GB`; 1 KB is 1,024 bytes."""
    return _in_units(n, 1024, "B", "KB", "MB", "GB", "TB", "PB")


def rate(x: float | None) -> str:
    """Return a learning rate as `1.0e-04`."""
    return f"{x:.1e}" if known(x) else MISSING


def accuracy(x: float | None, decimals: int = 4) -> str:
    """Return a share from 0 to 1, as with four decimals: `0.9183`."""
    return f"{x:.{decimals}f}" if known(x) else MISSING


def whole(n: float | None) -> str:
    """Return a whole number with separators: `41,200`."""
    return f"{n:,.0f}" if known(n) else MISSING


def _in_units(n: float | None, step: int, *units: str) -> str:
    """Return a number in the largest unit that fits, each `step` times the one before it."""
    if not known(n):
        return MISSING
    value, place = float(n), 0
    while abs(value) >= step - 0.5 and place + 1 < len(units):
        value, place = value / step, place + 1
    decimals = sum(abs(value) < size for size in (9.995, 99.95)) if place else 0
    return f"{value:.{decimals}f} {units[place]}".rstrip()


def printable(text: str) -> str:
    """Return the text with `?` for each character that a terminal would obey or cannot show."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "?" for char in text)


def readable(text: str) -> str:
    """Return a program's output as `printable` text, without sequences that colour it; in lines."""
    if text.isprintable():
        return text
    lines = _TERMINAL_SEQUENCE.sub("", text).expandtabs().splitlines()
    return "\n".join(map(printable, lines))


def one_line_name(name: str) -> str:
    """Return a folder's name on one line, its control characters and non-UTF-8 bytes escaped."""
    return "".join(_escaped(char) for char in name)


def _escaped(char: str) -> str:
    if unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp"):
        return char
    if 0xDC80 <= ord(char) <= 0xDCFF:  # how Python keeps such a byte
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape", "surrogatepass").decode()


@dataclass(frozen=True, slots=True)
class Column:
    """A column as people read it."""

    key: str
    """Its key in the row's values."""
    title: str
    text: Callable[[Any], str]
    """Its cell in a row: of a mapping, or of what else the rows of a table are."""
    importance: int
    """Its rank: where the width is short, the least important columns go first."""
    right: bool = True
    """Whether it is aligned to the right, as numbers are."""


def cell_width(text: str) -> int:
    """Count the columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def shortened(text: str, width: int) -> str:
    """Return the text in `width` cells at most, with an ellipsis for what is cut off."""
    if cell_width(text) <= width:
        return text
    text = text[: max(width - 1, 0)]
    while cell_width(text) >= max(width, 1):
        text = text[:-1]
    return text + "…"


def fitted(text: str, width: int, right: bool = False) -> str:
    """Return the text in exactly `width` cells, shortened or with blanks beside it."""
    if text.isascii() and len(text) <= width:
        return text.rjust(width) if right else text.ljust(width)
    text = shortened(text, width)
    blank = " " * (width - cell_width(text))
    return blank + text if right else text + blank


GAP = 2
"""Blank cells between two columns of a table."""


def did_you_mean(found: str, words: Iterable[str]) -> str:
    """Return `did you mean train? ` if one of some words is similar, else nothing."""
    import difflib  # only rejected input needs it

    # The dashes that all options share do not make them similar.
    by_name = {word.lstrip("-").lower(): word for word in words}
    near = difflib.get_close_matches(found.lstrip("-").lower(), by_name, n=1, cutoff=_NEAR)
    return f"did you mean {by_name[near[0]]}? " if near else ""


def aligned(rows: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    """Return the lines of a table whose cells stand below each other.

    Args:
        rows: cells of each line, the titles among them.
        right: whether a column is aligned to the right, as numbers are.
    """
    columns = []
    for column, is_right in zip(zip(*rows, strict=True), right, strict=True):
        # Each text once: of ten thousand rows many cells are the same.
        texts = {*column}
        width = max(map(cell_width, texts))
        cells = {text: fitted(text, width, is_right) for text in texts}
        columns.append([cells[text] for text in column])
    return [(" " * GAP).join(row).rstrip() for row in zip(*columns, strict=True)]


def most_important(columns: Sequence[Column], widths: Mapping[str, int], room: int) -> list[Column]:
    """Return the columns that fit into `room` cells, the gap before each included.

    The least important ones are left out; of equals the rightmost first.
    """
    kept = list(columns)
    while kept and sum(widths[column.key] + GAP for column in kept) > room:
        kept.remove(min(reversed(kept), key=lambda column: column.importance))
    return kept
