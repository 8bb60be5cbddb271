"""How long the steps of an epoch take, and how long of it they wait for their batches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.protocol.events import BatchEnded, EpochEnded


@dataclass(frozen=True, slots=True)
class StepTimes:
    """Sums over steps, without tracing."""

    steps: float = 0.0
    seconds: float = 0.0
    waited: float | None = 0.0
    """Of `seconds`; None where not measured."""

    def after(self, event: BatchEnded, batch_size: int) -> StepTimes:
        """Add the batches of an event; none where all of them were traced."""
        if not (math.isfinite(event.images_per_second) and event.images_per_second > 0):
            return self
        seconds = event.batches * batch_size / event.images_per_second
        return self.plus(event.batches, seconds, event.input_wait_seconds)

    def plus(self, steps: float, seconds: float, waited: float | None) -> StepTimes:
        """Add steps that took these seconds together."""
        total = None if self.waited is None or waited is None else self.waited + waited
        return StepTimes(self.steps + steps, self.seconds + seconds, total)

    @property
    def step_seconds(self) -> float | None:
        """Mean of a step; None before the first."""
        return self.seconds / self.steps if self.steps else None

    @property
    def input_wait_seconds(self) -> float | None:
        """Mean of a step; None where not measured."""
        return self.waited / self.steps if self.steps and self.waited is not None else None


def times_of(epochs: Sequence[EpochEnded], batch_size: int) -> StepTimes:
    """Of whole epochs."""
    times = StepTimes()
    for epoch in epochs:
        # NaN where all of the epoch was tracing.
        if epoch.train_seconds > 0 and epoch.images_per_second > 0:
            steps = epoch.train_seconds * epoch.images_per_second / batch_size
            times = times.plus(steps, epoch.train_seconds, epoch.input_wait_seconds)
    return times
