"""The keys, from the one place that defines them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.panels.layers.legend import SIGNS
from tui.settings import keys

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
    """Return the keys by place, and after those of the layer tree its signs."""
    parts: list[Content | tuple[str, str]] = []
    for place in places:
        parts.append((f"{keys.PLACES[place]}\n", "$muted bold"))
        rows = [(keys.written(key), "$primary", key.description) for key in keys.keys_of(place)]
        parts += _rows(rows)
        if place == "layers":
            parts.append(("Signs in the layer tree\n", "$muted bold"))
            parts += _rows(SIGNS)
    return Content.assemble(*parts).rstrip()


def _rows(rows: Iterable[tuple[str, str, str]]) -> Iterator[tuple[str, str]]:
    for name, style, meaning in rows:
        yield f"  {name:<{_KEY_WIDTH}}", style
        yield f"{meaning}\n", "$foreground"
    yield "\n", ""
