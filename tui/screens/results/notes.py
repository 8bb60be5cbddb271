"""Tags and a note for a run, over any screen."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from engine.runs.notes import Notes

_MAX_TAGS = 200
_MAX_NOTE = 500


class RunNotesScreen(ModalScreen[Notes | None]):
    """A prompt for tags and a note; returns the new notes, None for escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "cancel")]

    def __init__(self, title: str, notes: Notes) -> None:
        super().__init__()
        self._title = title
        self._notes = notes

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="run-notes"):
            yield Static(self._title, classes="dialog-title", markup=False)
            yield Label("tags, separated by commas", classes="field-name")
            tags = ", ".join(self._notes.tags)
            yield Input(tags, compact=True, max_length=_MAX_TAGS, id="tags")
            yield Label("note", classes="field-name")
            yield Input(self._notes.note, compact=True, max_length=_MAX_NOTE, id="note")
            yield Static("enter saves both · tab switches · esc cancels", classes="dialog-hint")

    def on_input_submitted(self) -> None:
        # `write_notes` normalizes what is written.
        tags = self.query_one("#tags", Input).value.split(",")
        note = self.query_one("#note", Input).value.strip()
        self.dismiss(replace(self._notes, tags=tuple(tags), note=note))
