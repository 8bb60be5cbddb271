"""The line at the layer panel's foot in which a part of a layer's name is typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static


def places_of(text: str, names: Sequence[str]) -> list[int]:
    """Where the names are that contain `text`, whatever its case; an empty text is nowhere."""
    wanted = text.casefold()
    return [at for at, name in enumerate(names) if wanted and wanted in name.casefold()]


def next_place(found: Sequence[int], here: int, step: int) -> int:
    """The place to go to: for `step` 0 the first, for 1 the next, for -1 the one before.

    Args:
        found: places in rising order, at least one.
        here: the present place; beyond the last one it begins anew at the other end.
        step: 0, 1 or -1.
    """
    if step > 0:
        return next((at for at in found if at > here), found[0])
    if step < 0:
        return next((at for at in reversed(found) if at < here), found[-1])
    return found[0]


class LayerFind(Input):
    """Takes the name's part; says where to go and when to close."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,down", "step(1)", "next", key_display="⏎ ↓"),
        Binding("up", "step(-1)", "previous", key_display="↑"),
        Binding("escape", "close", "close", key_display="esc"),
    ]

    @dataclass
    class Stepped(Message):
        """On to another row found: 1 the next, -1 the one before."""

        step: int

    class Closed(Message):
        """The person is done with finding."""

    def action_step(self, step: int) -> None:
        """Go to the next row found, or to the one before."""
        self.post_message(self.Stepped(step))

    def action_close(self) -> None:
        """Close the line and go back to the tree."""
        self.post_message(self.Closed())


class FindLine(Horizontal):
    """The word `find`, what is typed, and which of how many rows the cursor is on."""

    def compose(self) -> ComposeResult:
        yield Static("find ", id="find-word")
        yield LayerFind(placeholder="part of a layer's name", compact=True, id="find-text")
        yield Static("", id="find-place")

    def show_place(self, place: int, total: int) -> None:
        """`3 of 12`; nothing where none was found."""
        words = f" {place} of {total}" if total else ""
        self.query_one("#find-place", Static).update(words)
