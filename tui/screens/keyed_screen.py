"""A screen whose footer shows only keys that do something, even while a text is typed."""

from __future__ import annotations

from dataclasses import replace

from textual.binding import ActiveBinding
from textual.keys import key_to_character
from textual.screen import Screen

WHILE_TYPING = {"escape": "", "f1": "F1", "ctrl+q": ""}
"""Keys that the footer shows while a text is typed, and how they are written."""


class KeyedScreen(Screen[None]):
    """A screen on which letters and signs typed into a text field do not act as keys."""

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """The bindings in effect, by key."""
        found, field = super().active_bindings, self.focused
        if field is None or not field.check_consume_key("a", "a"):
            return found
        left = {
            key: active
            for key, active in found.items()
            if not field.check_consume_key(key, key_to_character(key))
        }
        for key in left.keys() & WHILE_TYPING.keys():
            shown = replace(left[key].binding, show=True)
            if WHILE_TYPING[key]:
                shown = replace(shown, key_display=WHILE_TYPING[key])
            left[key] = left[key]._replace(binding=shown)
        return left
