"""A session that plays the record of a run, by the times at which its events were recorded."""

from __future__ import annotations

import threading
import time

from engine.config.spec import RunSpec
from engine.protocol.commands import Command
from engine.protocol.events import Event, QueueChanged, RunEnded
from engine.runs.listing import RunRecord, derived_end, read_events
from engine.sessions.handle import SessionHandle

LONGEST_GAP_SECONDS = 5.0
"""Seconds of the recording to which a longer pause between events is shortened."""
SHORTEST_WAIT_SECONDS = 0.005


class ReplaySession(SessionHandle):
    """Plays a record on a thread of its own, and is alive until the end.

    Args:
        run: a run that is over.
        speed: seconds of the recording per second.
    """

    def __init__(self, run: RunRecord, speed: float) -> None:
        super().__init__("replay")
        self._run = run
        self._speed = speed
        self._closing = threading.Event()
        self._told = (run.file.created_at, time.monotonic())

    @property
    def specs(self) -> tuple[RunSpec, ...]:
        """The spec of the run, and no other."""
        return (self._run.file.spec,)

    def send(self, command: Command) -> None:
        """Ignore the command: what is recorded has happened."""

    def close(self) -> None:
        """Stop playing."""
        self._closing.set()

    def recorded_now(self) -> float:
        """Return the Unix second of the recording that is being played."""
        recorded, told_at = self._told
        return recorded + min((time.monotonic() - told_at) * self._speed, LONGEST_GAP_SECONDS)

    def _work(self) -> None:
        last_time, has_ended = self._run.file.created_at, False
        due = time.monotonic()
        for event in read_events(self._run.directory):
            gap = min(max(event.time - last_time, 0.0), LONGEST_GAP_SECONDS)
            due += gap / self._speed
            if not self._waits_until(due):
                return
            if not isinstance(event, QueueChanged):  # the run is shown without its queue
                self._emit(event)
            last_time, has_ended = event.time, has_ended or isinstance(event, RunEnded)
        end = derived_end(self._run, last_time)
        if end is not None and not has_ended:
            self._emit(end)

    def _waits_until(self, due: float) -> bool:
        """Return whether the time came before the session was closed."""
        wait = due - time.monotonic()
        if wait > SHORTEST_WAIT_SECONDS:
            return not self._closing.wait(wait)
        return not self._closing.is_set()

    def _emit(self, event: Event) -> None:
        self._told = (event.time, time.monotonic())
        self._tell(0, self._run.run_id, event)
