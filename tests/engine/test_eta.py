"""The estimate of what is left."""

from __future__ import annotations

import pytest

from engine.eta import WARM_UP_STEPS, Pace, remaining_seconds


def test_nothing_is_said_before_it_is_warm() -> None:
    pace = Pace()
    pace.add(100.0, WARM_UP_STEPS - 1)
    assert remaining_seconds([pace], 0, 5, 100, [2]) is None


def test_steps_and_validations_left_are_added_up() -> None:
    pace = Pace(seconds=10.0, steps=100, validation_seconds=3.0)
    left = remaining_seconds([pace], 0, 40, 100, [2])
    assert left == pytest.approx(0.1 * (200 - 40) + 2 * 3.0)


def test_a_stage_not_measured_yet_is_taken_to_run_as_the_last_one() -> None:
    pace = Pace(seconds=10.0, steps=100, validation_seconds=1.0)
    left = remaining_seconds([pace, Pace()], 0, 100, 100, [1, 3])
    assert left == pytest.approx(1.0 + 3 * (10.0 + 1.0))


def test_in_a_new_stage_the_last_pace_serves_until_its_own_is_known() -> None:
    head = Pace(seconds=10.0, steps=100, validation_seconds=1.0)
    tune = Pace()
    before = remaining_seconds([head, tune], 1, 0, 100, [0, 1])
    tune.add(40.0, 100)
    after = remaining_seconds([head, tune], 1, 0, 100, [0, 1])
    assert before == pytest.approx(11.0)
    assert after == pytest.approx(41.0)
