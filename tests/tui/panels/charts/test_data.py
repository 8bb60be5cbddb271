"""What the charts draw of a run."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from engine.state.series import Curve
from engine.state.snapshot import RunSnapshot
from tui.panels.charts.data import accuracy_data, accuracy_title, loss_data, loss_title, thinned
from tui.panels.charts.settings import ChartSettings


def test_the_full_history_spans_all_epochs_of_the_run(trained: RunSnapshot) -> None:
    data = accuracy_data(trained)
    assert (data.x.low, data.x.high) == (0.0, 8.0)
    assert data.validation == ((1.0, 0.5), (2.0, 0.8), (3.0, 0.7))
    assert data.best_x == 2.0


def test_the_recent_window_ends_at_the_last_point(trained: RunSnapshot) -> None:
    data = accuracy_data(trained, ChartSettings(recent=True))
    assert (data.x.low, data.x.high) == (2.0, 2.99)
    assert data.validation == ((2.0, 0.8),)


def test_titles_hold_the_last_values_and_the_best_epoch(trained: RunSnapshot) -> None:
    title = accuracy_title(trained, 80).plain
    assert "train 0.798" in title
    assert "val 0.700" in title
    assert "best 0.800 in epoch 2" in title
    assert "val 0.900" in loss_title(trained).plain


def test_a_title_without_room_keeps_its_numbers(trained: RunSnapshot) -> None:
    assert accuracy_title(trained, 56).plain.endswith("★ 0.800 in epoch 2")
    short = accuracy_title(trained, 48).plain
    assert short == "Accuracy  ━ train 0.798  ● val 0.700  ★ 0.800"


def test_nothing_yet_and_nan_are_drawn_as_nothing(
    run: RunSnapshot, events: dict[str, Callable[..., Any]]
) -> None:
    assert accuracy_data(run, ChartSettings(recent=True)).train == ()
    assert "best" not in accuracy_title(run, 80).plain
    broken = replace(events["epoch_end"](1, math.nan), val_loss=math.nan)
    lost = replace(run, ended_epochs=(broken,))
    assert loss_data(lost).validation == ()
    assert "val –" in loss_title(lost).plain


def test_thinned_keeps_level_and_end() -> None:
    points = tuple((float(i), float(i % 2)) for i in range(1_000))
    few = thinned(points, 50)
    assert len(few) == 50
    assert few[-1][0] == 999.0
    assert {y for _, y in few} == {0.5}
    assert thinned(points[:3], 50) == points[:3]


def test_the_axis_in_steps_and_in_seconds_moves_all_that_is_drawn(trained: RunSnapshot) -> None:
    run = replace(trained, steps=100, clock=Curve(((1.0, 10.0), (2.0, 20.0), (3.0, 60.0)), ()))
    steps = accuracy_data(run, ChartSettings(x_unit="steps"))
    assert (steps.x.high, steps.x_name, steps.best_x) == (800.0, "step", 200.0)
    assert [x for x, _ in steps.validation] == [100.0, 200.0, 300.0]
    seconds = accuracy_data(run, ChartSettings(x_unit="seconds"))
    assert (seconds.x.high, seconds.x_name, seconds.best_x) == (60.0, "s", 20.0)
    assert [x for x, _ in seconds.validation] == [10.0, 20.0, 60.0]
    assert seconds.train[250][0] == pytest.approx(40.0)


def test_a_long_training_is_told_in_minutes_or_hours(trained: RunSnapshot) -> None:
    for last, high, name in ((500.0, 540.0, "min"), (10_000.0, 10_800.0, "h")):
        run = replace(trained, clock=Curve(((1.0, 10.0), (3.0, last)), ()))
        data = accuracy_data(run, ChartSettings(x_unit="seconds"))
        assert data.x.high == pytest.approx(high)
        assert data.x_name == name
        assert [text for _, text in data.x.labels(10)][:3] == ["0", "1", "2"]


def test_three_epochs_have_four_ticks(trained: RunSnapshot) -> None:
    data = accuracy_data(replace(trained, epochs=3))
    assert [text for _, text in data.x.labels(12)] == ["0", "1", "2", "3"]


def test_a_smoothed_line_keeps_what_was_measured_behind_it(trained: RunSnapshot) -> None:
    plain, smooth = accuracy_data(trained), accuracy_data(trained, ChartSettings(smoothing=0.9))
    assert plain.raw == ()
    assert smooth.raw == plain.train
    assert smooth.train[0] == plain.train[0]
    assert smooth.train[-1][1] < plain.train[-1][1]


def test_a_logarithmic_loss_stays_on_its_axis(trained: RunSnapshot) -> None:
    points = ((0.5, 4.0), (1.0, 0.4), (2.0, 0.04))
    data = loss_data(replace(trained, loss=Curve(points, ())), ChartSettings(log_loss=True))
    shares = [data.y.share(y) for _, y in points]
    assert shares[0] - shares[1] == pytest.approx(shares[1] - shares[2])
    assert all(0 < share < 1 for share in shares)
    assert data.y.labels(8)
