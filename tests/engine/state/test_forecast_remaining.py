"""The estimate of what is left."""

from __future__ import annotations

import pytest

from engine.state.forecast import WARM_UP_STEPS, Forecast, Pace, phase_pace, remaining_seconds


def test_nothing_is_said_before_it_is_warm() -> None:
    pace = Pace()
    pace.add(100.0, WARM_UP_STEPS - 1)
    assert pace.seconds_per_step is None
    pace.add(10.0, 3)
    assert pace.seconds_per_step == pytest.approx(110 / (WARM_UP_STEPS + 2))
    assert remaining_seconds([None], 0, 5, 100, [2]) is None


def test_steps_and_validations_left_are_added_up() -> None:
    left = remaining_seconds([Forecast(0.1, 3.0)], 0, 40, 100, [2])
    assert left == pytest.approx(0.1 * (200 - 40) + 2 * 3.0)


def test_each_stage_counts_at_its_own_cost_with_its_extraction() -> None:
    stages = [Forecast(0.1, 1.0, 5.0), Forecast(0.4, 2.0, 30.0)]
    assert remaining_seconds(stages, 0, 0, 100, [1, 2]) == pytest.approx(16 + 30 + 2 * 42)
    assert remaining_seconds(stages, 1, 50, 100, [0, 2]) == pytest.approx(30 + 2 * 42 - 20)


def test_a_stage_without_epochs_left_needs_no_forecast() -> None:
    assert remaining_seconds([None, Forecast(0.1, 0.0)], 0, 100, 100, [0, 1]) == pytest.approx(10)
    assert remaining_seconds([Forecast(0.1, 0.0), None], 0, 0, 100, [1, 1]) is None


def test_the_pace_of_a_phase_counts_from_its_first_word() -> None:
    assert phase_pace(256, 10.0, 256, 10.0, 1_000) == (None, None)
    a_second, left = phase_pace(256, 10.0, 756, 15.0, 1_000)
    assert a_second == 100.0
    assert left == pytest.approx(2.44)
    assert phase_pace(256, 10.0, 756, 15.0, None) == (100.0, None)
