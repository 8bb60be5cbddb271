"""How long a run still takes: the pace measured so far, and the epochs left at what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WARM_UP_STEPS = 8
"""Measured steps before an estimate is given: the first ones fill caches and mislead."""


@dataclass
class Pace:
    """What was measured while the same layers trained; warm-up and tracing left out."""

    seconds: float = 0.0
    steps: int = 0
    validation_seconds: float | None = None
    """Of the last validation."""
    epoch_seconds: float | None = None
    """Training and validation of the last epoch in which nothing else trained."""

    def add(self, seconds: float, steps: int) -> None:
        """Count a stretch of batches without tracing."""
        self.seconds += seconds
        self.steps += steps

    @property
    def seconds_per_step(self) -> float | None:
        """None until warm."""
        return self.seconds / self.steps if self.steps >= WARM_UP_STEPS else None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a stage is taken to cost, measured or estimated."""

    seconds_per_step: float
    validation_seconds: float
    """Of one validation."""
    extraction_seconds: float = 0.0
    """Until its features stand ready, before its first epoch to come."""

    def epoch_seconds(self, steps: int) -> float:
        """Of a whole epoch with its validation."""
        return steps * self.seconds_per_step + self.validation_seconds


def remaining_seconds(
    forecasts: Sequence[Forecast | None], stage: int, step: int, steps: int, epochs_left: list[int]
) -> float | None:
    """Estimate the rest of a run.

    Args:
        forecasts: one a stage; None where nothing can be said.
        stage: index of the present stage.
        step: steps done in the present epoch.
        steps: steps of an epoch.
        epochs_left: epochs not finished, one number a stage, the present epoch included.

    Returns:
        Seconds; None while an epoch is left of which nothing can be said.
    """
    total = 0.0
    for index, left in enumerate(epochs_left):
        if index < stage or not left:
            continue
        forecast = forecasts[index]
        if forecast is None:
            return None
        total += forecast.extraction_seconds + left * forecast.epoch_seconds(steps)
        if index == stage:
            total -= min(step, steps) * forecast.seconds_per_step
    return max(total, 0.0)


def phase_pace(
    done_before: int, at_first: float, done: int, at: float, total: int | None
) -> tuple[float | None, float | None]:
    """Units a second between two looks at a phase at Unix seconds, and the seconds left at that.

    Both are None until something was done in between; the second also where no total is known.
    """
    seconds, units = at - at_first, done - done_before
    if seconds <= 0 or units <= 0:
        return None, None
    rate = units / seconds
    return rate, None if total is None else max(total - done, 0) / rate
