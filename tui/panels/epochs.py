"""The epochs of a run as a table: losses, accuracies, seconds and rate of each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from engine.common.text import MISSING, Column, accuracy, fitted, most_important, rate
from engine.protocol.events import EpochEnded
from engine.state.snapshot import RunSnapshot

BEST_MARK = "★"
LEAST_LINES = 8
"""Border, heads and a few epochs: with fewer lines it is not worth its place."""
_HEAD_LINES = 2
_LONG = 100.0
"""From here on a loss or a time is written without its decimals."""
_Row = Mapping[str, Any]


def _number(value: float, decimals: int) -> str:
    if not math.isfinite(value):
        return MISSING
    return f"{value:.{decimals}f}" if value < _LONG else f"{value:.4g}"


COLUMNS = (
    Column("epoch", "epoch", lambda row: f"{row['mark']}{row['epoch']:>4}", 9),
    Column("stage", "stage", lambda row: str(row["stage"]), 2),
    Column("loss", "train\nloss", lambda row: _number(row["loss"], 3), 4),
    Column("accuracy", "train\nacc.", lambda row: accuracy(row["accuracy"], 3), 5),
    Column("val_loss", "val\nloss", lambda row: _number(row["val_loss"], 3), 7),
    Column("val_accuracy", "val\nacc.", lambda row: accuracy(row["val_accuracy"], 3), 8),
    Column("seconds", "time\ns", lambda row: _number(row["seconds"], 1), 3),
    Column("rate", "rate", lambda row: rate(row["rate"]), 1),
)
"""The least important ones are left out where there is no room."""


def epoch_lines(run: RunSnapshot, width: int) -> tuple[Content, Content]:
    """Return the two lines of heads, and a line an epoch, the best on validation marked."""
    rows = [_row(end, is_best=end.epoch == run.best_epoch) for end in run.ended_epochs]
    heads = {column.key: column.title.rpartition("\n") for column in COLUMNS}
    texts = {column.key: [column.text(row) for row in rows] for column in COLUMNS}
    widths = {key: max(map(len, (heads[key][0], heads[key][2], *texts[key]))) for key in heads}
    # The gap is one cell less than a table's elsewhere.
    shown = most_important(COLUMNS, {key: cells - 1 for key, cells in widths.items()}, width + 1)
    upper, lower = (
        " ".join(
            fitted(heads[column.key][part], widths[column.key], right=True) for column in shown
        )
        for part in (0, 2)
    )
    lines = [
        Content.styled(
            " ".join(
                fitted(texts[column.key][i], widths[column.key], right=True) for column in shown
            ),
            "$validation bold" if row["mark"].strip() else "$foreground",
        )
        for i, row in enumerate(rows)
    ]
    nothing = Content.styled("each epoch that ends is a line here", "$muted")
    return Content.styled(f"{upper}\n{lower}", "$muted"), Content("\n").join(lines or [nothing])


def _row(end: EpochEnded, *, is_best: bool) -> _Row:
    return {
        "mark": BEST_MARK if is_best else " ",
        "epoch": end.epoch,
        "stage": end.stage,
        "loss": end.loss,
        "accuracy": end.accuracy,
        "val_loss": end.val_loss,
        "val_accuracy": end.val_accuracy,
        "seconds": end.train_seconds + end.validation_seconds,
        "rate": end.learning_rate,
    }


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
