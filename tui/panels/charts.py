"""Accuracy and loss over the epochs, train against validation; all of it or the recent part."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import reactive

from engine.formatting import MISSING
from engine.series import Curve, Point
from engine.snapshot import RunSnapshot
from tui.panels.axis import Axis, axis_over
from tui.panels.chart_data import ChartData

_LEAST_ACCURACY_SPAN = 0.1
_LEAST_LOSS_SPAN = 0.2
_LEAST_EPOCHS = 1.0
_CANVAS_AFTER_SECONDS = 0.05
"""Enough for the first frame to be out; what is called after a refresh may come before it."""


class ChartsPanel(Vertical):
    """Two charts, drawn anew at most once in `seconds_between_draws`."""

    snapshot: reactive[RunSnapshot | None] = reactive(None, always_update=True, repaint=False)
    shows_recent: reactive[bool] = reactive(False, repaint=False)
    seconds_between_draws = 2.0

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._drawn_at = -math.inf
        self._drawn: tuple[object, ...] = ()
        self._has_charts = False

    def compose(self) -> ComposeResult:
        for name in ("accuracy", "loss"):
            yield Vertical(classes="panel", id=f"{name}-panel")

    def on_mount(self) -> None:
        self.set_interval(self.seconds_between_draws, self._draw_if_due)
        self.set_timer(_CANVAS_AFTER_SECONDS, self._add_charts)

    async def _add_charts(self) -> None:
        # The canvas imports NumPy: the first frame does not wait for it.
        from tui.panels.curve_chart import CurveChart

        for name in ("accuracy", "loss"):
            await self.query_one(f"#{name}-panel").mount(CurveChart(id=f"{name}-chart"))
        self._has_charts = True
        self._draw_if_due()

    def watch_snapshot(self) -> None:
        self._draw_if_due()

    def watch_shows_recent(self) -> None:
        self._drawn_at = -math.inf
        self._draw_if_due()

    def _draw_if_due(self) -> None:
        run = self.snapshot
        if run is None or not self._has_charts:
            return
        now = time.monotonic()
        if now - self._drawn_at < self.seconds_between_draws * 0.9:
            return
        content = (
            run.run_id,
            run.epoch,
            run.step,
            len(run.ended_epochs),
            len(run.markers),
            self.shows_recent,
        )
        if content != self._drawn:
            self._drawn, self._drawn_at = content, now
            self._draw(run)

    def _draw(self, run: RunSnapshot) -> None:
        from tui.panels.curve_chart import CurveChart

        for name, data, title in (
            ("accuracy", accuracy_data(run, recent=self.shows_recent), accuracy_title(run)),
            ("loss", loss_data(run, recent=self.shows_recent), loss_title(run)),
        ):
            panel = self.query_one(f"#{name}-panel", Vertical)
            panel.border_title = title
            panel.border_subtitle = "recent window" if self.shows_recent else ""
            panel.query_one(CurveChart).show(data)


def accuracy_data(run: RunSnapshot, *, recent: bool) -> ChartData:
    """The accuracy chart of a run."""
    validation = tuple((float(e.epoch), e.val_accuracy) for e in run.ended_epochs)
    return _data(
        run,
        run.accuracy,
        validation,
        recent=recent,
        rises=True,
        scale=lambda ys: axis_over(ys, _LEAST_ACCURACY_SPAN, 0.0, 1.0),
    )


def loss_data(run: RunSnapshot, *, recent: bool) -> ChartData:
    """The loss chart of a run."""
    validation = tuple((float(e.epoch), e.val_loss) for e in run.ended_epochs)
    return _data(
        run,
        run.loss,
        validation,
        recent=recent,
        rises=False,
        scale=lambda ys: axis_over(ys, _LEAST_LOSS_SPAN, 0.0, math.inf),
    )


def _data(
    run: RunSnapshot,
    curve: Curve,
    validation: tuple[Point, ...],
    *,
    recent: bool,
    rises: bool,
    scale: Callable[[list[float]], Axis],
) -> ChartData:
    train = curve.recent if recent else curve.full
    x = _recent_axis(train) if recent else Axis(0.0, max(float(run.epochs), _LEAST_EPOCHS))
    known = tuple(point for point in validation if math.isfinite(point[1]) and x.holds(point[0]))
    return ChartData(
        x=x,
        y=scale([y for _, y in (*train, *known)]),
        train=train,
        validation=known,
        best_x=float(run.best_epoch) if run.best_epoch else None,
        markers=run.markers,
        rises=rises,
    )


def _recent_axis(train: tuple[Point, ...]) -> Axis:
    if not train:
        return Axis(0.0, _LEAST_EPOCHS)
    low, high = train[0][0], train[-1][0]
    return Axis(low, high) if high - low > 1e-6 else Axis(max(low - 0.5, 0.0), high + 0.5)


def accuracy_title(run: RunSnapshot) -> Content:
    """`Accuracy  ━ train 0.912  ● val 0.901  ★ best 0.917 in epoch 7`."""
    last = run.ended_epochs[-1].val_accuracy if run.ended_epochs else None
    title = _title("Accuracy", run.accuracy, last)
    best = next((e for e in run.ended_epochs if e.epoch == run.best_epoch), None)
    if best is None:
        return title
    return title + Content.assemble(
        ("  ★", "$validation"),
        (f" best {_short(best.val_accuracy)} in epoch {best.epoch}", "$muted"),
    )


def loss_title(run: RunSnapshot) -> Content:
    """`Loss  ━ train 0.412  ● val 0.436`."""
    last = run.ended_epochs[-1].val_loss if run.ended_epochs else None
    return _title("Loss", run.loss, last)


def _title(name: str, curve: Curve, validation: float | None) -> Content:
    train = curve.full[-1][1] if curve.full else None
    return Content.assemble(
        (name, "bold"),
        ("  ━", "$primary"),
        (f" train {_short(train)}", "$muted"),
        ("  ●", "$validation"),
        (f" val {_short(validation)}", "$muted"),
    )


def _short(value: float | None) -> str:
    return MISSING if value is None or not math.isfinite(value) else f"{value:.3f}"
