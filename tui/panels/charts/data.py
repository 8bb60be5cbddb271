"""The data of a run's charts, apart from drawing: light, so that no screen waits for the canvas."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from textual.content import Content

from engine.common.axis import SECONDS, Axis, accuracy_axis, axis_over, log_axis_over, unit_of
from engine.common.text import accuracy
from engine.state.series import Curve, Point, smoothed, value_at
from engine.state.snapshot import Marker, RunSnapshot
from tui.panels.charts.settings import ChartSettings, XUnit
from tui.panels.line_fitting import longest

BEST_MARK = "★"
"""Of the best epoch on the validation images."""
_LEAST_LOSS_SPAN = 0.2
_LEAST_EPOCHS = 1.0
_PLAIN = ChartSettings()
_X_NAMES: dict[XUnit, str] = {"epochs": "epoch", "steps": "step"}


@dataclass(frozen=True, slots=True)
class ChartData:
    """What a chart draws; all x in epochs, steps or seconds, whose axis is called `x_name`."""

    x: Axis
    y: Axis
    train: tuple[Point, ...] = ()
    raw: tuple[Point, ...] = ()
    """The measured line, drawn faint behind `train` where that is smoothed; empty otherwise."""
    validation: tuple[Point, ...] = ()
    best_x: float | None = None
    """The point of the best validation."""
    markers: tuple[Marker, ...] = ()
    x_name: str = "epoch"
    rises: bool = False
    """Whether good curves rise; the markers' texts are then at the bottom."""


def thinned(points: tuple[Point, ...], most: int) -> tuple[Point, ...]:
    """Thin a curve to at most `most` points: means over neighbours, with the last point's x."""
    if len(points) <= most or most < 1:
        return points
    size = -(-len(points) // most)
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return tuple((group[-1][0], sum(y for _, y in group) / len(group)) for group in groups)


def accuracy_data(run: RunSnapshot, settings: ChartSettings = _PLAIN) -> ChartData:
    """Make the accuracy chart of a run."""
    validation = tuple((float(e.epoch), e.val_accuracy) for e in run.ended_epochs)
    return replace(_data(run, run.accuracy, validation, settings, accuracy_axis), rises=True)


def loss_data(run: RunSnapshot, settings: ChartSettings = _PLAIN) -> ChartData:
    """Make the loss chart of a run."""
    validation = tuple((float(e.epoch), e.val_loss) for e in run.ended_epochs)
    scale = log_axis_over if settings.log_loss else partial(axis_over, least=_LEAST_LOSS_SPAN)
    return _data(run, run.loss, validation, settings, scale)


def _data(
    run: RunSnapshot,
    curve: Curve,
    validation: tuple[Point, ...],
    settings: ChartSettings,
    scale: Callable[[list[float]], Axis],
) -> ChartData:
    place = _placing(run, settings.x_unit)
    raw = _moved(curve.recent if settings.recent else curve.full, place)
    train = smoothed(raw, settings.smoothing)
    ends = _recent_ends(raw) if settings.recent else _whole_ends(run, settings.x_unit)
    x = _x_axis(*ends, settings.x_unit)
    moved = _moved(validation, place)
    known = tuple(point for point in moved if math.isfinite(point[1]) and x.holds(point[0]))
    return ChartData(
        x=x,
        y=scale([y for _, y in (*raw, *known)]),
        train=train,
        raw=raw if settings.smoothing else (),
        validation=known,
        best_x=place(float(run.best_epoch)) if run.best_epoch else None,
        markers=tuple(replace(marker, x=place(marker.x)) for marker in run.markers),
        x_name=x.unit or _X_NAMES[settings.x_unit],
    )


def _moved(points: tuple[Point, ...], place: Callable[[float], float]) -> tuple[Point, ...]:
    return tuple((place(x), y) for x, y in points)


def _placing(run: RunSnapshot, unit: XUnit) -> Callable[[float], float]:
    """Make the function that converts epochs into `unit`."""
    if unit == "steps":
        return lambda x: x * max(run.steps, 1)
    if unit == "seconds":
        recent = run.clock.recent
        # Thinned points lag a little: none may lie among those at full resolution.
        early = (p for p in run.clock.full if not recent or p[0] < recent[0][0])
        clock = (*early, *recent)
        return lambda x: value_at(clock, x)
    return lambda x: x


def _x_axis(low: float, high: float, unit: XUnit) -> Axis:
    """Make an axis with ticks at whole epochs, steps, or seconds, minutes or hours."""
    divisor, name = unit_of(high, SECONDS) if unit == "seconds" else (1.0, "")
    return Axis(low, high, divisor, name, least_step=1.0)


def _whole_ends(run: RunSnapshot, unit: XUnit) -> tuple[float, float]:
    if unit == "seconds":
        last = run.clock.full[-1][1] if run.clock.full else 0.0
        divisor, _ = unit_of(last, SECONDS)
        return 0.0, axis_over((0.0, last / divisor), 1.0).high * divisor
    epochs = max(float(run.epochs), _LEAST_EPOCHS)
    return 0.0, epochs * max(run.steps, 1) if unit == "steps" else epochs


def _recent_ends(train: tuple[Point, ...]) -> tuple[float, float]:
    if not train:
        return 0.0, _LEAST_EPOCHS
    low, high = train[0][0], train[-1][0]
    return (low, high) if high - low > 1e-6 else (max(low - 0.5, 0.0), high + 0.5)


def accuracy_title(run: RunSnapshot, room: int) -> Content:
    """`Accuracy  ━ train 0.912  ● val 0.901  ★ best 0.917 in epoch 7`, shorter in fewer cells."""
    last = run.ended_epochs[-1].val_accuracy if run.ended_epochs else None
    title = _title("Accuracy", run.accuracy, last)
    best = next((e for e in run.ended_epochs if e.epoch == run.best_epoch), None)
    if best is None:
        return title
    title += Content.styled(f"  {BEST_MARK}", "$validation")
    value = accuracy(best.val_accuracy, 3)
    forms = (f" best {value} in epoch {best.epoch}", f" {value} in epoch {best.epoch}", f" {value}")
    return title + Content.styled(longest(forms, room - title.cell_length), "$muted")


def loss_title(run: RunSnapshot) -> Content:
    """`Loss  ━ train 0.412  ● val 0.436`, which is always short."""
    last = run.ended_epochs[-1].val_loss if run.ended_epochs else None
    return _title("Loss", run.loss, last)


def _title(name: str, curve: Curve, validation: float | None) -> Content:
    train = curve.full[-1][1] if curve.full else None
    return Content.assemble(
        (name, "bold"),
        ("  ━", "$primary"),
        (f" train {accuracy(train, 3)}", "$muted"),
        ("  ●", "$validation"),
        (f" val {accuracy(validation, 3)}", "$muted"),
    )


CHARTS = (
    ("accuracy", accuracy_title, accuracy_data),
    ("loss", lambda run, _: loss_title(run), loss_data),
)
"""Of each chart its name, and what makes its title, for a number of cells, and its data."""
