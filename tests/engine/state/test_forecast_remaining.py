"""The estimate of what is left."""

from __future__ import annotations

import pytest

from engine.state.forecast import WARM_UP_STEPS, Costs, Pace, Rates, Work
from engine.state.step_times import StepTimes

HEAD, TUNE, ALL = Work(1, 1, 100), Work(60, 20, 80), Work(300, 100, 0)


def costs(**measured: tuple[float, float]) -> Costs:
    """Costs of which seconds of a step and of a validation were measured."""
    known = {"head": HEAD, "tune": TUNE}
    paces = {
        known[name]: Pace(StepTimes(10, 10 * step), validation)
        for name, (step, validation) in measured.items()
    }
    return Costs(batch_size=50, steps=100, validation_images=500, rows=1_000, paces=paces)


def test_nothing_is_said_before_it_is_warm() -> None:
    pace = Pace(StepTimes().plus(WARM_UP_STEPS - 1, 100.0, None), 1.0)
    assert pace.seconds_per_step is None
    cold = costs()
    cold.paces[HEAD] = pace
    assert cold.seconds([(2, HEAD)], step=5) is None
    pace.times = pace.times.plus(3, 10.0, None)
    assert pace.seconds_per_step == pytest.approx(110 / (WARM_UP_STEPS + 2))
    assert cold.seconds([(2, HEAD)], ready=(100,)) is not None


def test_steps_and_validations_left_are_added_up() -> None:
    left = costs(head=(0.1, 3.0)).seconds([(2, HEAD)], ready=(100,), step=40)
    assert left == pytest.approx(0.1 * (200 - 40) + 2 * 3.0)


def test_each_part_counts_at_its_own_cost_with_its_extraction() -> None:
    known = costs(head=(0.1, 1.0), tune=(0.4, 2.0))
    known.extraction = 1e-3
    parts = [(1, HEAD), (2, TUNE)]
    ready = known.seconds(parts, ready=(100, 80))
    assert ready == pytest.approx(11 + 2 * 42)
    # One pass over the images makes the features of both.
    assert known.seconds(parts) == pytest.approx(100 + 11 + 2 * 42)
    assert known.seconds(parts, extraction_left=5.0) == pytest.approx(5 + 11 + 2 * 42)
    between = Work(60, 20, 90)
    known.paces[between] = known.paces[TUNE]
    # Those between start from the shallowest.
    several = known.seconds([(1, HEAD), (1, between), (1, TUNE)])
    assert several == pytest.approx(100 + 11 + 10 + 2 * 42)
    assert known.seconds([(2, TUNE)], ready=(80,), step=50) == pytest.approx(2 * 42 - 20)


def test_before_anything_is_measured_the_assumed_rates_tell() -> None:
    assumed = Costs(50, 100, 500, 1_000, Rates(per_flop=1e-4, per_step=0.01))
    epoch = 100 * (300 * 50e-4 + 0.01) + 10 * (100 * 50e-4 + 0.01)
    assert assumed.seconds([(2, ALL)]) == pytest.approx(2 * epoch)
    assert assumed.extraction_seconds(TUNE, 0, ()) == pytest.approx(8)
    assumed.paces[ALL] = Pace(StepTimes(10, 1.0), 2.0)
    assert assumed.seconds([(2, ALL)]) == pytest.approx(2 * 12)


def test_nothing_left_takes_no_time() -> None:
    assert costs().seconds([]) == 0
