"""A screen whose footer has only keys that do something, also while a text is typed."""

from __future__ import annotations

from dataclasses import replace

from textual.binding import ActiveBinding
from textual.keys import key_to_character
from textual.screen import Screen

WHILE_TYPING = {"escape": "", "f1": "F1", "ctrl+q": ""}
"""Keys that the footer has in the place of those that are typed, and how they are written."""


class KeyedScreen(Screen[None]):
    """In a text field letters and signs are typed: they are no keys there."""

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """What the keys do at present, by key."""
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
