"""A question for one line of text, over any screen."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Static

from engine.config.kinds import Number, Whole
from engine.errors import InputError
from tui.settings.option_names import as_label

_MAX_LENGTH = 60
T = TypeVar("T")


class Prompt(ModalScreen[T | None], Generic[T]):
    """A prompt for a line that is checked while it is typed; returns None for escape.

    Args:
        title: what to type.
        note: what is said below the field while it is empty.
        judge: returns the note on a text, or raises InputError for one that will not do.
        read: returns the answer that a text is, or raises InputError.
        initial: the text to start with.
        enter: what the key does to it.
        suggester: completes the text, which may then be of any length.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel")]

    def __init__(
        self,
        title: str,
        note: str,
        judge: Callable[[str], str],
        read: Callable[[str], T],
        initial: str = "",
        enter: str = "accepts",
        suggester: Suggester | None = None,
    ) -> None:
        super().__init__()
        self._suggester = suggester
        self._title, self._note, self._initial, self._enter = title, note, initial, enter
        self._judge, self._read = judge, read

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self._title, classes="dialog-title", markup=False)
            yield Input(
                self._initial,
                compact=True,
                max_length=0 if self._suggester else _MAX_LENGTH,
                suggester=self._suggester,
            )
            yield Static(self._note, classes="dialog-note", markup=False)
            yield Static(f"enter {self._enter} it · esc cancels", classes="dialog-hint")

    def on_input_changed(self, event: Input.Changed) -> None:
        text = event.value.strip()
        try:
            self._say(self._judge(text) if text else self._note)
        except InputError as error:
            self._say(error.line(as_label), wrong=True)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        try:
            self.dismiss(self._read(event.value.strip()))
        except InputError as error:
            self._say(error.line(as_label), wrong=True)

    def action_cancel(self) -> None:
        self.dismiss(None)

    def _say(self, words: str, *, wrong: bool = False) -> None:
        note = self.query_one(".dialog-note", Static)
        note.set_class(wrong, "-wrong")
        note.update(words)


def number_prompt(title: str, kind: Number | Whole, initial: str = "") -> Prompt[float]:
    """Return a prompt for a number of a kind."""
    note = f"expected {kind.limits}"

    def judge(text: str) -> str:
        kind.read("", text)
        return note

    return Prompt(title, note, judge, partial(kind.read, ""), initial)
