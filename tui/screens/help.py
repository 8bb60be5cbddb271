"""The keys, from the one place that defines them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.panels.layers.legend import SIGNS as LAYER_SIGNS
from tui.panels.tables.signs import SIGNS as RESULT_SIGNS
from tui.settings import keys

_KEY_WIDTH = 18
_LEAST_DESCRIPTION = 10
_FRAME = 4
"""Lines of the dialog besides the text: its border, a blank and the hint."""
_WIDE = 100
_SIGNS = {
    "layers": ("Signs in the layer tree", LAYER_SIGNS),
    "results": ("Signs in the results", RESULT_SIGNS),
}
"""By the place whose keys they follow."""


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
        with Vertical(classes="dialog", id="help") as dialog:
            dialog.border_title = "Keys"
            with VerticalScroll(id="help-page"):
                yield Static(id="help-text")
            hint = f"esc closes · ↑↓ scrolls · {keys.PALETTE_WRITTEN} finds an action"
            yield Static(hint, classes="dialog-hint")

    def on_mount(self) -> None:
        page = self.query_one("#help-page")
        for name in ("scroll_y", "virtual_size"):
            self.watch(page, name, self._say_where, init=False)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        text = help_text(self._places, self.query_one("#help-page").scrollable_content_region.width)
        self.query_one("#help-text", Static).update(text)
        self.query_one("#help").styles.max_height = text.plain.count("\n") + 1 + _FRAME

    def _say_where(self) -> None:
        """Say in the border which lines are to be seen, if they are not all."""
        page = self.query_one("#help-page")
        first, total = round(page.scroll_y), page.virtual_size.height
        last = min(first + page.size.height, total)
        all_seen = last - first == total
        self.query_one("#help").border_subtitle = (
            "" if all_seen else f"lines {first + 1}–{last} of {total}"
        )


def help_text(places: Sequence[keys.Place] = tuple(keys.PLACES), width: int = _WIDE) -> Content:
    """Return the keys by place, and after those of the layer tree and the results their signs.

    Args:
        places: in this order.
        width: cells of a line.
    """
    parts: list[Content | tuple[str, str]] = []
    room = max(width - _KEY_WIDTH - 2, _LEAST_DESCRIPTION)
    for place in places:
        parts.append((f"{keys.PLACES[place]}\n", "$muted bold"))
        rows = [(keys.written(key), "$primary", key.description) for key in keys.keys_of(place)]
        parts += _rows(rows, room)
        if place in _SIGNS:
            heading, signs = _SIGNS[place]
            parts.append((f"{heading}\n", "$muted bold"))
            parts += _rows(signs, room)
    return Content.assemble(*parts).rstrip()


def _rows(rows: Iterable[tuple[str, str, str]], room: int) -> Iterator[tuple[str, str]]:
    """Yield a line for each row, its meaning wrapped beside its name."""
    for name, style, meaning in rows:
        yield f"  {name:<{_KEY_WIDTH}}", style
        yield f"\n{'':{_KEY_WIDTH + 2}}".join(wrap(meaning, room)) + "\n", "$foreground"
    yield "\n", ""
