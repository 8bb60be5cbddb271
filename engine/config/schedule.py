"""The course of a stage: its learning rate at each step, and when it stops early."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.config.stage import Schedule


def rate_at(schedule: Schedule, base_rate: float, step: int, total_steps: int) -> float:
    """Return the learning rate of one step of a stage.

    Args:
        schedule: `constant`, or `cosine` from the base rate to zero at the stage's end.
        base_rate: the learning rate at the start of the stage.
        step: steps of the stage already taken; past its end counts as its end.
        total_steps: steps of the whole stage, 1 or more.
    """
    if schedule == "constant":
        return base_rate
    done = min(max(step / total_steps, 0.0), 1.0)
    return base_rate * 0.5 * (1.0 + math.cos(math.pi * done))


def fixed_rate(schedule: Schedule) -> str:
    """Return why nobody can change the rate of a stage while it trains; empty if they can."""
    if schedule == "constant":
        return ""
    return (
        f"the rate of this stage follows a {schedule}; with `schedule` constant it can be changed"
    )


def epochs_without_gain(val_accuracies: Sequence[float]) -> int:
    """Count the epochs since the best one; 0 while the last one is the best.

    Args:
        val_accuracies: of the stage's epochs so far, in order; NaN is never better.
    """
    known = [-math.inf, *(-math.inf if math.isnan(each) else each for each in val_accuracies)]
    return len(known) - 1 - known.index(max(known))
