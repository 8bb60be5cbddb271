"""The learning rate over the steps of a stage."""

from __future__ import annotations

import math

from engine.config.spec import Schedule


def rate_at(schedule: Schedule, base_rate: float, step: int, total_steps: int) -> float:
    """The learning rate of one step of a stage.

    Args:
        schedule: `constant`, or `cosine` from the base rate to zero at the stage's end.
        base_rate: What the stage starts with.
        step: Steps of the stage already taken; past its end counts as its end.
        total_steps: Of the whole stage, 1 or more.
    """
    if schedule == "constant":
        return base_rate
    done = min(max(step / total_steps, 0.0), 1.0)
    return base_rate * 0.5 * (1.0 + math.cos(math.pi * done))
