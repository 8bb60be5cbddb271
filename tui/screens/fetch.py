"""Downloads of what this machine lacks: the progress, rate and remaining time of each file."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from engine.common.text import byte_size, fitted
from engine.errors import InputError
from engine.tools.fetching import Fetched, FetchStep, Needed, fetch_all
from tui.panels.bars import bar, name_width
from tui.panels.line_fitting import Field, fit
from tui.screens.keyed_screen import KeyedScreen
from tui.settings import keys
from tui.settings.option_names import as_flag, in_flags

_TICK_SECONDS = 0.25
_MOST_NAME, _MOST_BAR = 24, 40
_WORDS_ROOM = 44
"""Cells of `12.0 MB of 95.0 MB  3.10 MB/s  ETA 0:27`, with some air."""


class FetchScreen(KeyedScreen):
    """The downloads of files, one after another, on a thread that ends with the screen.

    Args:
        wanted: the missing files, from `engine.tools.fetching.list_needed`.
    """

    CSS_PATH = "fetch.tcss"
    BINDINGS = keys.bindings("fetch")
    AUTO_FOCUS = "#fetch-body"

    def __init__(self, wanted: Sequence[Needed]) -> None:
        super().__init__()
        self._wanted = tuple(wanted)
        self._steps: dict[str, FetchStep] = {}
        self._outcomes: dict[str, Fetched] = {}
        self._problem = ""
        self._cancel = threading.Event()
        # Not a worker of Textual's: those keep the program from ending while a server is silent.
        self._thread = threading.Thread(target=self._fetch, name="fetch", daemon=True)

    def compose(self) -> ComposeResult:
        yield Static(id="fetch-head")
        with VerticalScroll(id="fetch-body", classes="panel"):
            yield Static(id="fetch-lines")
        yield Static(id="fetch-note")
        yield self.footer()

    def on_mount(self) -> None:
        self.query_one("#fetch-body").border_title = "Files"
        self.set_interval(_TICK_SECONDS, self._draw)
        self._thread.start()
        self._draw()

    def on_unmount(self) -> None:
        self._cancel.set()

    def on_resize(self) -> None:
        self._draw()

    def action_leave(self) -> None:
        """Cancel a running download, keeping what has arrived; else go back."""
        self._cancel.set()
        self.dismiss()

    def footer_name(self, action: str, name: str) -> str:
        """Say what escape does once there is nothing to cancel."""
        if action == "leave" and not self._thread.is_alive():
            return "back"
        return super().footer_name(action, name)

    def _fetch(self) -> None:
        try:
            outcomes = fetch_all(self._wanted, on_step=self._tell, cancel=self._cancel)
            for outcome in outcomes:
                self._outcomes[outcome.needed.name] = outcome
        except InputError as error:
            self._problem = error.line(as_flag)
        except OSError as error:
            self._problem = str(error)

    def _tell(self, needed: Needed, step: FetchStep) -> None:
        self._steps[needed.name] = step

    # Drawing.

    def _draw(self) -> None:
        if not self.query("#fetch-note"):
            return
        width = max(self.size.width, 20)
        done = sum(outcome.is_here for outcome in self._outcomes.values())
        left = [Field(Content.styled("Fetching", "$primary bold"), 9)]
        right = [Field(Content.styled(f"{done} of {len(self._wanted)} here", "$foreground"), 8)]
        self.query_one("#fetch-head", Static).update(fit(left, right, width).stylize("on $panel"))
        lines = [self._line(needed, width - 6) for needed in self._wanted]
        self.query_one("#fetch-lines", Static).update(Content("\n").join(lines))
        self.query_one("#fetch-note", Static).update(self._note(done))
        self.refresh_bindings()

    def _note(self, done: int) -> Content:
        if self._problem:
            return Content.styled(self._problem, "$error")
        key = keys.written_for("fetch", "leave")
        if self._thread.is_alive():
            words = f"{key} cancels; what has arrived is kept for the next time"
            return Content.styled(words, "$muted")
        if done == len(self._wanted):
            return Content.styled(f"everything is here; {key} goes back", "$success")
        return Content.styled(f"some downloads failed; {key} goes back", "$warning")

    def _line(self, needed: Needed, width: int) -> Content:
        left = name_width([each.name for each in self._wanted], _MOST_NAME)
        outcome, step = self._outcomes.get(needed.name), self._steps.get(needed.name)
        name = Content.styled(fitted(needed.name, left) + "  ", "$foreground bold")
        if outcome is not None and outcome.is_here:
            size = f"  {byte_size(needed.bytes)}" if needed.bytes else ""
            return Content.styled("✓ ", "$success") + name + Content(f"{outcome.state}{size}")
        if outcome is not None:
            error = Content.styled(in_flags(outcome.error), "$error")
            return Content.styled("✗ ", "$error") + name + error
        if step is None:
            waits = f"waits, about {byte_size(needed.bytes)}"
            return Content.styled("· ", "$muted") + name + Content.styled(waits, "$muted")
        cells = min(width - left - 4 - _WORDS_ROOM, _MOST_BAR)
        drawn = Content("")
        if step.total_bytes and cells >= 8:
            drawn = bar(step.done_bytes / step.total_bytes, cells) + Content("  ")
        words = Content.styled(step.text, "$foreground")
        return Content.styled("● ", "$primary") + name + drawn + words
