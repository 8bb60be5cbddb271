"""The queue: every run with its state, accuracy and time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from engine.common.text import accuracy, cell_width, duration, fitted
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
_GLYPH_WIDTH = 2
_ACCURACY_WIDTH = 8
_TIME_WIDTH = 8


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

    @property
    def lines_wanted(self) -> int:
        """With its border, the lines in which every run is visible."""
        return 2 + (len(self.view.runs) if self.view is not None else 0)

    def watch_view(self) -> None:
        self._draw()

    def _draw(self) -> None:
        view = self.view
        if view is None or not self.is_mounted:
            return
        width = self.scrollable_content_region.width
        lines = queue_lines(view.runs, self._clock(), width)
        text, field = Content("\n").join(lines), self.query_one(Static)
        if text != field.content:
            field.update(text)
        ended = sum(run.is_over for run in view.runs)
        self.border_subtitle = f"{ended} of {len(view.runs)} ended"
        if view.current != self._in_view:
            self._in_view = view.current
            self.scroll_to(y=max(view.current - 2, 0), animate=False)


def queue_lines(runs: Sequence[RunSnapshot], at: float, width: int) -> list[Content]:
    """A line a run: glyph, model, accuracy (test, or the best on validation so far), time.

    Where the names would be cut, the time is left out first, then the accuracy.
    """
    with_seed = len({run.spec.seed for run in runs}) > 1
    names = [
        f"{run.spec.model}, seed {run.spec.seed}" if with_seed else run.spec.model for run in runs
    ]
    room = width - _GLYPH_WIDTH
    spare = room - max(map(cell_width, names), default=0)
    has_score = spare >= _ACCURACY_WIDTH
    has_time = spare >= _ACCURACY_WIDTH + _TIME_WIDTH
    room = max(room - _ACCURACY_WIDTH * has_score - _TIME_WIDTH * has_time, 1)
    lines = []
    for run, name in zip(runs, names, strict=True):
        glyph, style = GLYPHS[run.status]
        line = Content.assemble((f"{glyph} ", style), (fitted(name, room), _name_style(run)))
        line += Content.assemble(_score(run)) if has_score else Content("")
        spent = "" if run.started_at is None else duration(run.wall_seconds(at))
        lines.append(line + Content.styled(f"{spent:>{_TIME_WIDTH}}" if has_time else "", "$muted"))
    return lines


def _name_style(run: RunSnapshot) -> str:
    return {"running": "$foreground bold", "queued": "$muted"}.get(run.status, "$foreground")


def _score(run: RunSnapshot) -> tuple[str, str]:
    if run.status == "failed":
        return f"{'failed':>{_ACCURACY_WIDTH}}", "$error"
    if run.test is not None:
        return f"{accuracy(run.test.accuracy):>{_ACCURACY_WIDTH}}", "$foreground bold"
    if run.kept is None:
        return " " * _ACCURACY_WIDTH, ""
    return f"{'~' + accuracy(run.kept.val_accuracy):>{_ACCURACY_WIDTH}}", "$validation"
