"""Which events a slow link shows at once; the others wait for the next regular drawing."""

from __future__ import annotations

from engine.protocol.events import (
    CommandAccepted,
    CommandRejected,
    Event,
    FreezeApplied,
    LearningRateChanged,
    PhaseChanged,
    QueueChanged,
    RunEnded,
    RunStarted,
)

ANSWERS = (
    CommandAccepted,
    CommandRejected,
    FreezeApplied,
    LearningRateChanged,
    QueueChanged,
    RunEnded,
    RunStarted,
)
"""What the user has asked for, or waits for."""


class Urgency:
    """Judges events by their kind, and phases by the one before."""

    def __init__(self) -> None:
        self._was_paused = False

    def is_urgent(self, event: Event) -> bool:
        """Whether the user may wait for it: an answer, a pause or its end."""
        if isinstance(event, PhaseChanged):
            was_paused, self._was_paused = self._was_paused, event.phase == "paused"
            return was_paused or self._was_paused
        return isinstance(event, ANSWERS)
