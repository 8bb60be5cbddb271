"""The line in which the filter of the runs is typed."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

HINT = "model:lite  acc>0.85  train<600  status:failed  tag:…"


class FilterLine(Horizontal):
    """The filter's line, hidden until it is opened and again when it is left empty."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Before those of the field, which submits, and scrolls.
        Binding("enter,down", "keep", "keep", key_display="enter", priority=True),
        Binding("escape", "clear", "clear"),
    ]

    class Closed(Message):
        """The user has finished typing."""

    def compose(self) -> ComposeResult:
        yield Static("/ ", id="filter-word")
        yield Input(placeholder=HINT, compact=True, id="filter-text")
        yield Static(id="filter-wrong", markup=False)

    def open(self) -> None:
        """Show the line and focus it."""
        self.add_class("-open")
        self.screen.set_focus(self.query_one(Input))

    def write(self, text: str) -> None:
        """Filter by this text."""
        self.query_one(Input).value = text
        self.set_class(bool(text), "-open")

    def say(self, wrong: str) -> None:
        """Show what is wrong with the text, in one line; empty if it is valid."""
        self.query_one("#filter-wrong", Static).update(wrong)

    def action_keep(self) -> None:
        """Keep the text and return to the table."""
        self.set_class(bool(self.query_one(Input).value), "-open")
        self.post_message(self.Closed())

    def action_clear(self) -> None:
        """Clear the text and return to the table."""
        self.query_one(Input).value = ""
        self.action_keep()
