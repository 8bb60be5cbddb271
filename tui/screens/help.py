"""The keys, from the one place that defines them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.settings import keys

_GLYPHS = (
    ("■", "$primary", "trains"),
    ("◪", "$primary", "some of the group trains"),
    ("□", "$muted", "frozen"),
    ("→", "$warning", "asked for, waits for the epoch's end"),
)
_KEY_WIDTH = 18


class HelpScreen(ModalScreen[None]):
    """Every key and what it does, and the meaning of the signs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,enter", "dismiss", "close"),
    ]

    def __init__(self, places: Sequence[keys.Place] = tuple(keys.PLACES)) -> None:
        """Show the keys of these places, in this order."""
        super().__init__()
        self._places = places

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="help"):
            yield Static("Keys", classes="dialog-title")
            with VerticalScroll():
                yield Static(help_text(self._places))
            hint = f"esc closes · {keys.PALETTE_WRITTEN} finds any action by name"
            yield Static(hint, classes="dialog-hint")


def help_text(places: Sequence[keys.Place] = tuple(keys.PLACES)) -> Content:
    """Return the keys by place, then the signs of the layer tree."""
    parts: list[Content | tuple[str, str]] = []
    for place in places:
        parts.append((f"{keys.PLACES[place]}\n", "$muted bold"))
        for key in keys.keys_of(place):
            parts.append((f"  {keys.written(key):<{_KEY_WIDTH}}", "$primary"))
            parts.append((f"{key.description}\n", "$foreground"))
        parts.append(("\n", ""))
    parts.append(("Signs in the layer tree\n", "$muted bold"))
    for glyph, style, meaning in _GLYPHS:
        parts.append((f"  {glyph:<{_KEY_WIDTH}}", style))
        parts.append((f"{meaning}\n", "$foreground"))
    return Content.assemble(*parts).rstrip()
