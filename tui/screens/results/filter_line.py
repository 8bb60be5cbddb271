"""The line in which is typed what the runs shown shall have."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

HINT = "model:lite  acc>0.85  train<600  status:failed  tag:…"


class FilterInput(Input):
    """Takes the text; enter and down keep it, escape clears it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,down", "keep", "keep", key_display="⏎"),
        Binding("escape", "clear", "clear", key_display="esc"),
    ]

    def action_keep(self) -> None:
        """Keep what was typed and go back to the table."""
        self.post_message(FilterLine.Closed())

    def action_clear(self) -> None:
        """Clear what was typed and go back to the table."""
        self.value = ""
        self.post_message(FilterLine.Closed())


class FilterLine(Horizontal):
    """Hidden until it is opened, and again when it was left empty."""

    class Closed(Message):
        """The person is done with typing."""

    def compose(self) -> ComposeResult:
        yield Static("/ ", id="filter-word")
        yield FilterInput(placeholder=HINT, compact=True, id="filter-text")
        yield Static(id="filter-wrong", markup=False)

    def open(self) -> None:
        """Show the line and type into it."""
        self.add_class("-open")
        self.screen.set_focus(self.query_one(FilterInput))

    def write(self, text: str) -> None:
        """Filter by this text."""
        self.query_one(FilterInput).value = text
        self.set_class(bool(text), "-open")

    def say(self, wrong: str) -> None:
        """What is wrong with the text, in a line; nothing where it holds."""
        self.query_one("#filter-wrong", Static).update(wrong)

    def on_filter_line_closed(self) -> None:
        self.set_class(bool(self.query_one(FilterInput).value), "-open")
