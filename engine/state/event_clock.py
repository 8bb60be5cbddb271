"""The clock of a trainer on another machine, as its events tell it."""

from __future__ import annotations

import time

from engine.protocol.events import Event, RunResumed

LATE_SECONDS = 60.0
"""An event may be heard so long after it was said: network file systems look for news that seldom.
One that is older by this clock was said by another clock."""


class EventClock:
    """Gives the second at which the trainer says an event now; may be read from any thread.

    No event is heard before it was said: of those of one clock the least late tells it best.
    """

    def __init__(self, at_first: float) -> None:
        """Begin with a Unix second of that clock."""
        self._ahead = at_first - time.monotonic()
        """Of this machine's monotonic clock."""

    def hear(self, event: Event) -> None:
        """Learn from an event that has just arrived, or that is read from a record in its order."""
        ahead = event.time - time.monotonic()
        is_other = isinstance(event, RunResumed) or ahead < self._ahead - LATE_SECONDS
        if is_other or ahead > self._ahead:
            self._ahead = ahead

    def now(self) -> float:
        """The Unix second there."""
        return self._ahead + time.monotonic()
