"""The clock of a trainer on another machine, estimated from the times of its events."""

from __future__ import annotations

import time

from engine.protocol.events import Event, RunResumed

LATE_SECONDS = 60.0
"""The longest delay of an event: network file systems look for changes that seldom. What is older
than this was timed by another clock."""


class EventClock:
    """Estimates the trainer's present time; may be read from any thread.

    No event arrives before it was written, so of all events the least delayed one tells best.
    """

    def __init__(self, at_first: float) -> None:
        """Begin with a Unix second of that clock."""
        self._ahead = at_first - time.monotonic()
        """Of this machine's monotonic clock."""

    def hear(self, event: Event) -> None:
        """Learn from an event that has just arrived, or that is read in order from a record."""
        ahead = event.time - time.monotonic()
        is_other = isinstance(event, RunResumed) or ahead < self._ahead - LATE_SECONDS
        if is_other or ahead > self._ahead:
            self._ahead = ahead

    def now(self) -> float:
        """The present Unix second of that clock."""
        return self._ahead + time.monotonic()
