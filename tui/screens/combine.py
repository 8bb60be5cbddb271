"""Finished runs combined into one: the question how, then what is done, tried and made."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.markup import escape
from textual.widgets import Static

from engine.common.faults import Faults
from engine.common.text import accuracy, duration
from engine.errors import InputError
from engine.protocol.events import Event, LogLine, PhaseChanged, PhaseProgressed
from engine.runs.listing import RunRecord
from engine.tools.ensemble_candidates import can_average_weights
from tui.panels.bars import bar
from tui.panels.ensemble_text import NOTHING_WRITTEN, doing, how_far, made_lines
from tui.panels.line_fitting import Field, fit
from tui.panels.progress import SPINNER
from tui.screens.choice import Answer, Question
from tui.screens.keyed_screen import KeyedScreen
from tui.settings import keys
from tui.settings.option_names import as_flag

if TYPE_CHECKING:
    from engine.config.ensemble import Method
    from engine.tools.ensemble_candidates import Candidate

START_AFTER_SECONDS = 0.1
"""Importing TensorFlow holds the interpreter's lock at times, so the first frame comes first."""
_TICK_SECONDS = 0.25
_MOST_BAR, _LEAST_BAR = 40, 8
_NAMED_MOST = 4
"""How many runs the question names."""

WAYS: dict[str, Method | None] = {
    "better": None,
    "probabilities": "probabilities",
    "weights": "weights",
}
"""What is averaged, by the answer; None tries both and keeps the better one."""
_WORDS = {None: "by what is better", "probabilities": "by probabilities", "weights": "by weights"}


def combine_question(candidates: Sequence[Candidate]) -> Question:
    """Return the question how to combine runs; by weights only where they are of one network."""
    named = [
        f"{each.run_id}  {accuracy(each.run.summary.test_accuracy)} test" for each in candidates
    ]
    if len(named) > _NAMED_MOST:
        named[_NAMED_MOST - 1 :] = [f"and {len(named) - _NAMED_MOST + 1} more"]
    listed = escape("".join(f"\n  {line}" for line in named))
    title = f"Combine {len(candidates)} runs into one?[not bold]{listed}[/]"
    one_network = can_average_weights(candidates)
    return Question(title, tuple(_answers(one_network=one_network)))


def _answers(*, one_network: bool) -> Iterator[Answer]:
    if one_network:
        both = "tries probabilities and weights, and keeps the better"
        yield Answer("better", "b", "Whichever is better on validation images", both)
    side_by_side = "the networks stay side by side: an image costs what all cost"
    yield Answer("probabilities", "p", "Average their probabilities", side_by_side)
    if one_network:
        single = "one network, which costs what one of them costs"
        yield Answer("weights", "w", "Average their weights", single)
    yield Answer("cancel", "c", "Cancel", "combine nothing")


class _CancelledError(Exception):
    """The user has cancelled it, or left the program."""


class CombineScreen(KeyedScreen):
    """A combination of finished runs, on a thread that ends before the screen is left.

    Args:
        runs: two or more, of one data set.
        runs_dir: the folder for the run that is made.
        by: what is averaged; None tries both where both are possible.
    """

    CSS_PATH = "combine.tcss"
    BINDINGS = keys.bindings("combine")
    AUTO_FOCUS = "#combine-body"

    def __init__(self, runs: Sequence[RunRecord], runs_dir: Path, by: Method | None) -> None:
        super().__init__()
        self._runs, self._runs_dir, self._by = tuple(runs), runs_dir, by
        self.made: RunRecord | None = None
        """The run that was made, once there is one."""
        self._result: tuple[str, ...] = ()
        """The lines of it."""
        self._was_cancelled = False
        self._problem = ""
        """Why nothing was made."""
        self._tried: list[str] = []
        self._now = "starting"
        self._progress: PhaseProgressed | None = None
        self._cancel, self._is_over = threading.Event(), threading.Event()
        self._began, self._seconds, self._ticks = time.monotonic(), 0.0, 0
        # Not a daemon: a program that is left waits until it has removed what it has written.
        self._thread = threading.Thread(target=self._combine, name="combine")

    def compose(self) -> ComposeResult:
        yield Static(id="combine-head", classes="head")
        with VerticalScroll(id="combine-body", classes="panel"):
            yield Static(id="combine-lines")
        yield Static(id="combine-now")
        yield self.footer()

    def on_mount(self) -> None:
        self.set_interval(_TICK_SECONDS, self._tick)
        self.set_timer(START_AFTER_SECONDS, self._thread.start)
        self._draw()

    def on_unmount(self) -> None:
        self._cancel.set()

    def on_resize(self) -> None:
        self._draw()

    @property
    def keeps_busy(self) -> str:
        """What no training may run beside."""
        return "" if self._is_over.is_set() else "Runs are being combined"

    def action_leave(self) -> None:
        """Cancel the work, and go back once it has removed what it has written; else go back."""
        self._cancel.set()
        self._tick()

    def footer_name(self, action: str, name: str) -> str:
        """Say what escape does once there is nothing to cancel."""
        if action == "leave" and self._cancel.is_set():
            return ""
        if action == "leave" and self._is_over.is_set():
            return "back"
        return super().footer_name(action, name)

    # On the thread.

    def _combine(self) -> None:
        try:
            with Faults("ensemble").told("combining runs"):
                self._make()
        finally:
            self._is_over.set()

    def _make(self) -> None:
        from engine.tools.ensemble import combine

        self._problem = "an internal error, which will be printed when you quit"
        try:
            made = combine(self._runs, self._runs_dir, self._by, self._take)
            self._result, self.made = tuple(made_lines(made)), made
        except InputError as error:
            self._problem, self._was_cancelled = error.line(as_flag), self._cancel.is_set()
        except OSError as error:
            self._problem, self._was_cancelled = str(error), self._cancel.is_set()
        except Exception:
            # Whatever it met on its way, as when the interpreter ends meanwhile: it was to end.
            self._was_cancelled = self._cancel.is_set()
            if not self._was_cancelled:
                raise

    def _take(self, event: Event) -> None:
        if self._cancel.is_set():
            raise _CancelledError
        match event:
            case LogLine():
                self._tried.append(event.text)
            case PhaseChanged():
                self._now, self._progress = doing(event), None
            case PhaseProgressed():
                self._progress = event

    # Drawing.

    def _tick(self) -> None:
        if not self._is_over.is_set():
            self._seconds = time.monotonic() - self._began
            self._ticks += 1
        elif self._cancel.is_set():
            if self.is_active:  # else what lies over it is closed first
                if self._was_cancelled:
                    self.notify(f"Cancelled: {NOTHING_WRITTEN}.")
                self.dismiss()
            return
        self._draw()

    def _draw(self) -> None:
        # A screen that closes loses its widgets before its timers end.
        if not self.query("#combine-now"):
            return
        width = max(self.size.width, 20)
        self.query_one("#combine-head", Static).update(self._head(width))
        self.query_one("#combine-lines", Static).update(Content("\n").join(self._lines()))
        now = Content("\n").join(self._state(width - 2))
        self.query_one("#combine-now", Static).update(now)
        self.refresh_bindings()

    def _head(self, width: int) -> Content:
        left = [
            Field(Content.styled("Ensemble", "$primary bold"), 9),
            Field(Content.styled(f"{len(self._runs)} runs", "$foreground bold"), 8),
            Field(Content.styled(_WORDS[self._by], "$muted"), 5),
        ]
        right = [Field(Content.styled(duration(self._seconds), "$foreground"), 6)]
        return fit(left, right, width).stylize("on $panel")

    def _lines(self) -> Iterator[Content]:
        """Yield what was made, or as long as nothing is what it is made of; and what was tried."""
        if self._result:
            yield Content.styled("Made", "bold")
            yield Content.styled(self._result[0], "$primary bold")
            yield from (Content.styled(line, "$foreground") for line in self._result[1:])
        else:
            yield Content.styled("Runs", "bold")
            for run in self._runs:
                reached = f"  {accuracy(run.summary.test_accuracy)} test"
                yield Content.assemble((run.run_id, "$foreground"), (reached, "$muted"))
        if self._tried:
            yield Content("")
            yield Content.styled("Tried", "bold")
            yield from (Content.styled(line, "$foreground") for line in [*self._tried])

    def _state(self, width: int) -> Iterator[Content]:
        """Yield what is done, how far that is, and what escape does; at the end what came of it."""
        key = keys.written_for("combine", "leave")
        if self._is_over.is_set():
            if self.made is not None:
                yield Content.styled(f"✓ {self.made.run_id} is made", "$success")
                yield Content.styled(
                    f"{key} goes back to the results, where it is listed", "$muted"
                )
            else:
                yield Content.styled(f"✗ {self._problem}", "$error")
                yield Content.styled(f"{NOTHING_WRITTEN}; {key} goes back", "$muted")
            return
        spinner = SPINNER[self._ticks % len(SPINNER)]
        doing = "cancelling…" if self._cancel.is_set() else self._now
        yield Content.assemble((f"{spinner} ", "$primary bold"), (doing, "$foreground"))
        yield self._bar(width)
        words = "" if self._cancel.is_set() else f"{key} cancels, and leaves nothing behind"
        yield Content.styled(words, "$muted")

    def _bar(self, width: int) -> Content:
        progress = self._progress
        if progress is None:
            return Content("")
        words = Content.styled(how_far(progress), "$foreground")
        cells = min(width - words.cell_length - 4, _MOST_BAR)
        if not progress.total or cells < _LEAST_BAR:
            return Content("  ") + words
        return Content("  ") + bar(progress.done / progress.total, cells) + Content("  ") + words
