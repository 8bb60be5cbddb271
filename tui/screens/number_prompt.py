"""A question for one number, over any screen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from engine.errors import InputError

_MAX_LENGTH = 20


@dataclass(frozen=True, slots=True)
class NumberWanted:
    """What a number is for, and the numbers that are allowed."""

    title: str
    low: float
    high: float
    is_whole: bool = False
    above_low: bool = False
    """Whether `low` itself is too low."""
    initial: str = ""

    @property
    def expected(self) -> str:
        """`a whole number from 1 to 155`, `a number in (0, 10]`."""
        if self.is_whole:
            return f"a whole number from {self.low:.0f} to {self.high:.0f}"
        return f"a number in {'(' if self.above_low else '['}{self.low:g}, {self.high:g}]"

    def read(self, text: str) -> float:
        """Return the number in a text.

        Raises:
            InputError: it is not a number, or not an allowed one.
        """
        try:
            number = float(int(text)) if self.is_whole else float(text)
        except ValueError:
            number = math.nan
        too_low = number <= self.low if self.above_low else number < self.low
        if math.isnan(number) or too_low or number > self.high:
            raise InputError("", self.expected, text.strip() or "nothing")
        return number


class NumberPrompt(ModalScreen[float | None]):
    """A prompt for a number that checks it while it is typed; returns None for escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "cancel")]

    def __init__(self, wanted: NumberWanted) -> None:
        super().__init__()
        self.wanted = wanted

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self.wanted.title, classes="dialog-title", markup=False)
            yield Input(self.wanted.initial, compact=True, max_length=_MAX_LENGTH)
            yield Static(classes="dialog-note", markup=False)
            yield Static("enter takes it · esc cancels", classes="dialog-hint")

    def on_mount(self) -> None:
        self._judge(self.wanted.initial)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._judge(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        number = self._judge(event.value, is_given=True)
        if number is not None:
            self.dismiss(number)

    def _judge(self, text: str, *, is_given: bool = False) -> float | None:
        """Return the number, and say what is expected; a blank is wrong only once it is given."""
        number, words, wrong = None, f"expected {self.wanted.expected}", False
        if text.strip() or is_given:
            try:
                number = self.wanted.read(text)
            except InputError as error:
                words, wrong = str(error), True
        note = self.query_one(".dialog-note", Static)
        note.set_class(wrong, "-wrong")
        note.update(words)
        return number
