"""Columns of a table as people read them, and the cells that a text takes on a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
"""A row's values by column."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as people read it."""

    key: str
    """Of the row's values."""
    title: str
    text: Callable[[Row], str]
    importance: int
    """Where the width is short, the least important columns go first."""
    right: bool = True
    """Numbers stand to the right."""


def cell_width(text: str) -> int:
    """Columns that a terminal takes for a text."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
