"""The queue: every run with its state, accuracy and time."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from engine.common.text import accuracy, duration, fitted
from engine.protocol.events import now
from engine.state.snapshot import RunSnapshot
from tui.session.view import SessionView

GLYPHS: dict[str, tuple[str, str]] = {
    "queued": ("·", "$muted"),
    "running": ("●", "$success"),
    "completed": ("✓", "$success"),
    "stopped": ("■", "$warning"),
    "failed": ("✗", "$error"),
    "interrupted": ("✗", "$error"),
}
_TIME_WIDTH = 8
_ACCURACY_WIDTH = 8


class QueuePanel(VerticalScroll):
    """One line a run, with the current one in view."""

    view: reactive[SessionView | None] = reactive(None, always_update=True, repaint=False)

    def __init__(self, *, clock: Callable[[], float] = now, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="panel")
        self.border_title = Content.styled("Queue", "bold")
        self._clock = clock
        self._in_view = -1

    def compose(self) -> ComposeResult:
        yield Static()

    def on_mount(self) -> None:
        self.set_interval(1.0, self._draw)

    def on_resize(self) -> None:
        self._draw()

    def watch_view(self) -> None:
        self._draw()

    def _draw(self) -> None:
        view = self.view
        if view is None or not self.is_mounted:
            return
        several_seeds = len({run.spec.seed for run in view.runs}) > 1
        width = self.scrollable_content_region.width
        lines = [queue_line(run, self._clock(), width, several_seeds) for run in view.runs]
        text, field = Content("\n").join(lines), self.query_one(Static)
        if text != field.content:
            field.update(text)
        ended = sum(run.is_over for run in view.runs)
        self.border_subtitle = f"{ended} of {len(view.runs)} ended"
        if view.current != self._in_view:
            self._in_view = view.current
            self.scroll_to(y=max(view.current - 2, 0), animate=False)


def queue_line(run: RunSnapshot, at: float, width: int, with_seed: bool) -> Content:
    """Glyph, model, accuracy (test, or the best on validation so far), time."""
    glyph, style = GLYPHS[run.status]
    name = f"{run.spec.model}, seed {run.spec.seed}" if with_seed else run.spec.model
    room = max(width - 2 - _ACCURACY_WIDTH - _TIME_WIDTH, 4)
    name_style = {"running": "$foreground bold", "queued": "$muted"}.get(run.status, "$foreground")
    spent = "" if run.started_at is None else duration(run.wall_seconds(at))
    return Content.assemble(
        (f"{glyph} ", style),
        (fitted(name, room), name_style),
        _score(run),
        (f"{spent:>{_TIME_WIDTH}}", "$muted"),
    )


def _score(run: RunSnapshot) -> tuple[str, str]:
    if run.status == "failed":
        return f"{'failed':>{_ACCURACY_WIDTH}}", "$error"
    if run.test is not None:
        return f"{accuracy(run.test.accuracy):>{_ACCURACY_WIDTH}}", "$foreground bold"
    if run.kept is None:
        return " " * _ACCURACY_WIDTH, ""
    return f"{'~' + accuracy(run.kept.val_accuracy):>{_ACCURACY_WIDTH}}", "$validation"
