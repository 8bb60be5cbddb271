"""Replaces each drawn character by an ASCII one, for terminals without Unicode.

Every mark keeps its place and its width, so that the layout stays, and marks that a panel tells
apart by nothing else differ here as well. It is done last, on what goes to the terminal: no panel
knows of it, and none can forget it.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

VARIABLE = "CIFAR_TUI_ASCII"
_UNKNOWN = "?"
_MARKS = str.maketrans(
    {
        "★": "*",
        "●": "o",
        "◉": "@",
        "◆": "&",
        "✓": "v",
        **dict.fromkeys("○·▫…", "."),
        **dict.fromkeys("■█▇▉▊▋▌", "#"),
        **dict.fromkeys("□", "_"),
        **dict.fromkeys("◪▄▅▆", "="),
        **dict.fromkeys("▁▂▃", "_"),
        **dict.fromkeys("▍▎▏‖", "|"),
        **dict.fromkeys("→▸›🔎", ">"),
        **dict.fromkeys("←‹⌫", "<"),
        **dict.fromkeys("↑▴▲⇧", "^"),
        **dict.fromkeys("↓▾▼", "v"),
        **dict.fromkeys("–—−▔", "-"),
        **dict.fromkeys("×✗", "x"),
        **dict.fromkeys("±†", "+"),
        "‡": "=",
        "▀": '"',
        "≠": "!",
        "°": "'",
        "⏎": "<",
        "⚡": "+",
    }
)
_HORIZONTAL = frozenset("─━┄┅┈┉╌╍═╴╶╸╺╼╾")
_VERTICAL = frozenset("│┃┆┇┊┋╎╏║╵╷╹╻╽╿")
_UPPER_DOTS, _LOWER_DOTS = 0x1B, 0xE4
"""Of a braille character: its two upper rows, and its two lower ones."""


def to_ascii(text: str) -> str:
    """Write the text with an ASCII character in each cell; escape sequences stay as they are."""
    return text if text.isascii() else "".join(map(_mark, text))


@lru_cache(4096)
def _mark(character: str) -> str:
    if character.isascii():
        return character
    # The command line imports this module, and its help must start fast.
    from rich.cells import get_character_cell_size

    width = get_character_cell_size(character)
    found = _MARKS.get(ord(character)) or _drawn(character) or _letter(character)
    return found * width if len(found) == 1 else _UNKNOWN * width


def _drawn(character: str) -> str:
    """A part of a frame or a chart."""
    code = ord(character)
    if 0x2500 <= code <= 0x257F:
        return "-" if character in _HORIZONTAL else "|" if character in _VERTICAL else "+"
    if 0x2800 <= code <= 0x28FF:
        dots = code - 0x2800
        upper, lower = bool(dots & _UPPER_DOTS), bool(dots & _LOWER_DOTS)
        return ":" if upper and lower else "'" if upper else "." if lower else " "
    return ""


def _letter(character: str) -> str:
    """A letter without its accent, a digit without its height."""
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return plain[:1] or _UNKNOWN
