"""The epochs of a run as a table: losses, accuracies, seconds and rate of each."""

from __future__ import annotations

import math

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from engine.common.text import MISSING, Column, accuracy, fitted, most_important, rate
from engine.protocol.events import EpochEnded
from engine.state.snapshot import RunSnapshot
from tui.panels.charts.data import BEST_MARK

LEAST_LINES = 8
"""Border, heads and a few epochs: with fewer lines it is not worth its place."""
_LONG = 100.0
"""From here on a loss or a time is written without its decimals."""


def _number(value: float, decimals: int) -> str:
    if not math.isfinite(value):
        return MISSING
    return f"{value:.{decimals}f}" if value < _LONG else f"{value:.4g}"


def _seconds(end: EpochEnded) -> str:
    return _number(end.train_seconds + end.validation_seconds, 1)


COLUMNS = (
    Column("epoch", "\nepoch", lambda end: f"{end.epoch}", 9),
    Column("stage", "\nstage", lambda end: f"{end.stage}", 2),
    Column("loss", "train\nloss", lambda end: _number(end.loss, 3), 4),
    Column("accuracy", "train\nacc.", lambda end: accuracy(end.accuracy, 3), 5),
    Column("val_loss", "val\nloss", lambda end: _number(end.val_loss, 3), 7),
    Column("val_accuracy", "val\nacc.", lambda end: accuracy(end.val_accuracy, 3), 8),
    Column("seconds", "time\ns", _seconds, 3),
    Column("rate", "\nrate", lambda end: rate(end.learning_rate), 1),
)
"""Of an `EpochEnded`; the least important ones are left out where there is no room."""


def epoch_lines(run: RunSnapshot, width: int) -> tuple[Content, Content]:
    """Return the two lines of heads, and a line an epoch, the best on validation marked."""
    ends = run.ended_epochs
    cells = {column.key: [*column.title.split("\n"), *map(column.text, ends)] for column in COLUMNS}
    widths = {key: max(map(len, texts)) for key, texts in cells.items()}
    # The gap is one cell less than a table's elsewhere.
    shown = most_important(COLUMNS, {key: wide - 1 for key, wide in widths.items()}, width + 1)
    columns = [[fitted(text, widths[c.key], right=True) for text in cells[c.key]] for c in shown]
    lines = [" ".join(line) for line in zip(*columns, strict=True)]
    rows = [
        Content.styled(BEST_MARK + line[1:], "$validation bold")
        if end.epoch == run.best_epoch
        else Content.styled(line, "$foreground")
        for line, end in zip(lines[2:], ends, strict=False)
    ]
    nothing = Content.styled("each epoch that ends is a line here", "$muted")
    return Content.styled("\n".join(lines[:2]), "$muted"), Content("\n").join(rows or [nothing])


class EpochsPanel(VerticalScroll):
    """The heads stay in place; the newest epoch is in view unless the user has scrolled up."""

    DEFAULT_CSS = """
    EpochsPanel { scrollbar-gutter: stable; }
    EpochsPanel > .heads { dock: top; height: 2; }
    """
    snapshot: reactive[RunSnapshot | None] = reactive(None, always_update=True, repaint=False)
    _drawn: tuple[object, ...] = ()

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="panel")
        self.border_title = Content.styled("Epochs", "bold")

    def compose(self) -> ComposeResult:
        yield Static(classes="heads")
        yield Static(classes="rows")

    def watch_snapshot(self) -> None:
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        run, width = self.snapshot, self.scrollable_content_region.width
        if run is None or not self.is_mounted or not width:
            return
        drawn = (run.run_id, len(run.ended_epochs), run.best_epoch, width)
        if drawn == self._drawn:
            return
        self._drawn = drawn
        at_end = self.is_vertical_scroll_end
        heads, rows = epoch_lines(run, width)
        self.query_one(".heads", Static).update(heads)
        self.query_one(".rows", Static).update(rows)
        if at_end:
            self.scroll_end(animate=False)
