"""A question with a few answers, one key each, over any screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.settings import keys


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its id in code, its key, and a description of what it does."""

    id: str
    key: str
    label: str
    note: str = ""
    """What exactly it does, in lines of at most 60 cells, which fit a terminal of 80."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its answers, the mildest first: enter takes that before the cursor moves."""

    title: str
    answers: tuple[Answer, ...]
    hurried: str = ""
    """The answer that pressing the quit key again means; never a destructive one."""


CUT_SHORT = "this epoch stays unfinished: no validation, test or ranking;\na checkpoint is kept"
"""What ending a run in the middle of an epoch means."""
MARKED_STOPPED = "the model is validated, tested and ranked, marked stopped"
"""What ending it at an epoch's end means."""
STOP = Question(
    "Stop the training, and the rest of the queue?",
    (
        Answer("run", "m", "After this model", "it trains to its end, as planned"),
        Answer("epoch", "e", "After this epoch", MARKED_STOPPED),
        Answer("now", "n", "Now", CUT_SHORT),
        Answer("cancel", "c", "Cancel", "keep training"),
    ),
)
_AGAIN = f"{keys.written_for('everywhere', 'copy_or_quit')}, pressed again, does this"
LEAVE = Question(
    "A model is training. Quit?",
    (
        Answer(
            "leave",
            "h",
            "Leave it running",
            f"without a screen; the shell's prompt comes back;\n{_AGAIN}",
        ),
        Answer("epoch", "e", "Stop after this epoch and quit", MARKED_STOPPED),
        Answer("now", "n", "Stop now and quit", CUT_SHORT),
        Answer("cancel", "c", "Cancel", "keep training"),
    ),
    hurried="leave",
)
LEAVE_WHILE_STOPPING = Question(
    "The training is stopping; the program quits when it has.",
    (
        Answer("leave", "l", "Leave at once", f"it stops as asked, without a screen;\n{_AGAIN}"),
        Answer("now", "n", "Stop now and quit", "do not wait for the epoch's end"),
        Answer("cancel", "c", "Wait", ""),
    ),
    hurried="leave",
)


class ChoiceScreen(ModalScreen[str | None]):
    """A question; returns the answer's id, or None for the last answer and for escape."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "answer('cancel')", "cancel"),
        Binding("j", "go(1)", "down"),
        Binding("k", "go(-1)", "up"),
    ]

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question
        for answer in question.answers:
            self._bindings.bind(answer.key, f"answer('{answer.id}')", answer.label)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self.question.title, classes="dialog-title")
            yield OptionList(
                *(Option(_prompt(answer), id=answer.id) for answer in self.question.answers)
            )
            yield Static("↑↓ enter, or the letter · esc cancels", classes="dialog-hint")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.action_answer(event.option_id or "cancel")

    def action_go(self, by: int) -> None:
        """Move the cursor by a number of answers."""
        answers = self.query_one(OptionList)
        if by > 0:
            answers.action_cursor_down()
        else:
            answers.action_cursor_up()

    def action_answer(self, answer: str) -> None:
        # A second key may be on its way when the first has closed the question.
        if not self.is_current:
            return
        self.dismiss(None if answer == "cancel" else answer)


def _prompt(answer: Answer) -> Content:
    lines = answer.note.splitlines()
    return Content.assemble(
        (f" {answer.key} ", "$primary bold"),
        f" {answer.label}",
        *((f"\n    {line}", "$muted") for line in lines),
    )
