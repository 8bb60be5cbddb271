"""How long a run still takes, from what its epochs took so far; warm-up and tracing left out."""

from __future__ import annotations

from dataclasses import dataclass

WARM_UP_STEPS = 8
"""Measured steps before an estimate is given: the first ones fill caches and mislead."""


@dataclass
class Pace:
    """Seconds and steps of the training measured in one stage."""

    seconds: float = 0.0
    steps: int = 0
    validation_seconds: float | None = None
    """Of the last validation."""

    def add(self, seconds: float, steps: int) -> None:
        """Count a stretch of batches without tracing."""
        self.seconds += seconds
        self.steps += steps

    @property
    def seconds_per_step(self) -> float | None:
        """None until warm."""
        return self.seconds / self.steps if self.steps >= WARM_UP_STEPS else None


def remaining_seconds(
    paces: list[Pace], stage: int, step: int, steps: int, epochs_left: list[int]
) -> float | None:
    """Estimate the rest of a run.

    Args:
        paces: one a stage; a stage not measured yet is taken to run as the last measured one.
        stage: index of the present stage.
        step: steps done in the present epoch.
        steps: steps of an epoch.
        epochs_left: epochs not finished, one number a stage, the present epoch included.

    Returns:
        Seconds; None while nothing is measured.
    """
    total = 0.0
    latest: Pace | None = None
    for index, left in enumerate(epochs_left):
        pace = paces[index]
        if pace.seconds_per_step is not None:
            latest = pace
        if index < stage or not left:
            continue
        if latest is None or latest.seconds_per_step is None:
            return None
        validation = _validation(paces, index)
        total += left * (steps * latest.seconds_per_step + validation)
        if index == stage:
            total -= min(step, steps) * latest.seconds_per_step
    return max(total, 0.0)


def _validation(paces: list[Pace], index: int) -> float:
    for pace in (paces[index], *reversed(paces)):
        if pace.validation_seconds is not None:
            return pace.validation_seconds
    return 0.0
