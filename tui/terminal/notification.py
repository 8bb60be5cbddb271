"""What calls the user back when a queue has ended: the bell, and a message of the terminal."""

from __future__ import annotations

from typing import Literal, get_args

from engine.common.text import printable
from tui.settings.preferences import read_preferences, write_preferences

Way = Literal["off", "bell", "bell and message"]
WAYS: tuple[Way, ...] = get_args(Way)
MOST_CHARACTERS = 120
_SECTION, _KEY = "notification", "way"
_BELL = "\x07"


def chosen_way() -> Way:
    """Return what was chosen last; nothing rings unless the user chose it."""
    found = read_preferences(_SECTION).get(_KEY)
    return next((way for way in WAYS if way == found), WAYS[0])


def choose_next_way() -> Way:
    """Choose the next one, and remember it."""
    way = WAYS[(WAYS.index(chosen_way()) + 1) % len(WAYS)]
    write_preferences(_SECTION, {_KEY: way})
    return way


def sequence(way: Way, text: str) -> str:
    """Make what to write to the terminal; empty for `off`.

    The message is OSC 9, which iTerm2 introduced and Windows Terminal, kitty, WezTerm, Ghostty and
    others show; terminals that do not know it show nothing.
    """
    if way == "off":
        return ""
    message = "" if way == "bell" else f"\x1b]9;{printable(text)[:MOST_CHARACTERS]}\x07"
    return message + _BELL
