"""Accuracy and loss over the epochs, train against validation; all of it or the recent part."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import reactive

from engine.common.axis import Axis, axis_over, log_axis_over
from engine.common.formatting import MISSING
from engine.state.series import Curve, Point, smoothed, value_at
from engine.state.snapshot import RunSnapshot
from tui.panels.charts.data import ChartData
from tui.panels.charts.settings import ChartSettings, XUnit, read_settings
from tui.slow_link import paced

_LEAST_ACCURACY_SPAN = 0.1
_LEAST_LOSS_SPAN = 0.2
_LEAST_EPOCHS = 1.0
_PLAIN = ChartSettings()
_X_NAMES: dict[XUnit, str] = {"epochs": "epoch", "steps": "step", "seconds": "s"}
_CANVAS_AFTER_SECONDS = 0.05
"""Enough for the first frame to be out; what is called after a refresh may come before it."""


class ChartsPanel(Vertical):
    """Two charts, drawn anew at most once in `seconds_between_draws`."""

    snapshot: reactive[RunSnapshot | None] = reactive(None, always_update=True, repaint=False)
    settings: reactive[ChartSettings] = reactive(read_settings, repaint=False)
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
        self.set_interval(paced(self.seconds_between_draws), self._draw_if_due)
        self.set_timer(_CANVAS_AFTER_SECONDS, self._add_charts)

    async def _add_charts(self) -> None:
        # The canvas imports NumPy: the first frame does not wait for it.
        from tui.panels.charts.curves import CurveChart

        for name in ("accuracy", "loss"):
            await self.query_one(f"#{name}-panel").mount(CurveChart(id=f"{name}-chart"))
        self._has_charts = True
        self._draw_if_due()

    def watch_snapshot(self) -> None:
        self._draw_if_due()

    def watch_settings(self) -> None:
        self._drawn_at = -math.inf
        self._draw_if_due()

    def _draw_if_due(self) -> None:
        run = self.snapshot
        if run is None or not self._has_charts:
            return
        now = time.monotonic()
        if now - self._drawn_at < paced(self.seconds_between_draws) * 0.9:
            return
        content = (
            run.run_id,
            run.epoch,
            run.step,
            len(run.ended_epochs),
            len(run.markers),
            self.settings,
        )
        if content != self._drawn:
            self._drawn, self._drawn_at = content, now
            self._draw(run)

    def _draw(self, run: RunSnapshot) -> None:
        from tui.panels.charts.curves import CurveChart

        for name, data, title in (
            ("accuracy", accuracy_data(run, self.settings), accuracy_title(run)),
            ("loss", loss_data(run, self.settings), loss_title(run)),
        ):
            panel = self.query_one(f"#{name}-panel", Vertical)
            panel.border_title = title
            panel.border_subtitle = self.settings.words(of_loss=name == "loss")
            panel.query_one(CurveChart).show(data)


def accuracy_data(run: RunSnapshot, settings: ChartSettings = _PLAIN) -> ChartData:
    """The accuracy chart of a run."""
    validation = tuple((float(e.epoch), e.val_accuracy) for e in run.ended_epochs)
    return _data(
        run,
        run.accuracy,
        validation,
        settings,
        rises=True,
        scale=lambda ys: axis_over(ys, _LEAST_ACCURACY_SPAN, 0.0, 1.0),
    )


def loss_data(run: RunSnapshot, settings: ChartSettings = _PLAIN) -> ChartData:
    """The loss chart of a run."""
    validation = tuple((float(e.epoch), e.val_loss) for e in run.ended_epochs)
    return _data(
        run,
        run.loss,
        validation,
        settings,
        rises=False,
        scale=log_axis_over if settings.log_loss else _loss_axis,
    )


def _loss_axis(losses: list[float]) -> Axis:
    return axis_over(losses, _LEAST_LOSS_SPAN, 0.0, math.inf)


def _data(
    run: RunSnapshot,
    curve: Curve,
    validation: tuple[Point, ...],
    settings: ChartSettings,
    *,
    rises: bool,
    scale: Callable[[list[float]], Axis],
) -> ChartData:
    place = _placing(run, settings.x_unit)
    raw = _moved(curve.recent if settings.recent else curve.full, place)
    train = smoothed(raw, settings.smoothing)
    x = _recent_axis(raw) if settings.recent else _whole_axis(run, settings.x_unit)
    known = tuple(
        point
        for point in _moved(validation, place)
        if math.isfinite(point[1]) and x.holds(point[0])
    )
    return ChartData(
        x=x,
        y=scale([y for _, y in (*raw, *known)]),
        train=train,
        raw=raw if settings.smoothing else (),
        validation=known,
        best_x=place(float(run.best_epoch)) if run.best_epoch else None,
        markers=tuple(replace(marker, x=place(marker.x)) for marker in run.markers),
        x_name=_X_NAMES[settings.x_unit],
        rises=rises,
    )


def _moved(points: tuple[Point, ...], place: Callable[[float], float]) -> tuple[Point, ...]:
    return tuple((place(x), y) for x, y in points)


def _placing(run: RunSnapshot, unit: XUnit) -> Callable[[float], float]:
    """What turns a place in epochs into one in `unit`."""
    if unit == "steps":
        return lambda x: x * max(run.steps, 1)
    if unit == "seconds":
        recent = run.clock.recent
        # Thinned points lag a little: none of them among those at full resolution.
        early = (p for p in run.clock.full if not recent or p[0] < recent[0][0])
        clock = (*early, *recent)
        return lambda x: value_at(clock, x)
    return lambda x: x


def _whole_axis(run: RunSnapshot, unit: XUnit) -> Axis:
    if unit == "seconds":
        last = run.clock.full[-1][1] if run.clock.full else 0.0
        return axis_over((0.0, last), 1.0, 0.0, math.inf)
    epochs = max(float(run.epochs), _LEAST_EPOCHS)
    return Axis(0.0, epochs * max(run.steps, 1) if unit == "steps" else epochs)


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
