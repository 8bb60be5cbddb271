"""A screen whose footer shows only keys that do something, even while a text is typed."""

from __future__ import annotations

from dataclasses import replace

from textual.binding import ActiveBinding
from textual.keys import key_to_character
from textual.screen import Screen

from tui.panels.key_footer import KeyFooter

WHILE_TYPING = {"escape": "", "f1": "F1", "ctrl+q": ""}
"""Keys that the footer shows while a text is typed, and how they are written."""

_SELDOM = ("new_session", "app.new_session")
"""Actions that work at any time, but are what comes next only where a screen says so."""


class KeyedScreen(Screen[None]):
    """A screen on which letters and signs typed into a text field do not act as keys."""

    @property
    def keeps_busy(self) -> str:
        """A phrase of what it computes here, beside which no model may train; empty for nothing."""
        return ""

    def footer(self) -> KeyFooter:
        """Make its footer."""
        return KeyFooter(self.footer_name)

    def footer_name(self, action: str, name: str) -> str:
        """Return what the footer calls a key at present; empty where it would do nothing."""
        return "" if action in _SELDOM else name

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
