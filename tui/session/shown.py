"""The session that the screens show: its stores, when to draw them again, whether it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.protocol.commands import Command
from engine.protocol.events import Event
from engine.state.snapshot import RunSnapshot
from tui.session.urgency import Urgency
from tui.session.view import SessionStores, SessionView
from tui.terminal.slow_link import SLOWER, is_slow

if TYPE_CHECKING:
    from engine.sessions.local import SessionHandle


class ShownSession:
    """Takes in a session's events, and decides at each tick of a clock what to draw."""

    def __init__(self, session: SessionHandle) -> None:
        self._session = session
        self._stores = SessionStores(session.specs)
        self._urgency = Urgency()
        self._is_stale = self._is_due = False
        self._has_started = self._has_ended = False
        self._is_over = False
        self._ticks = 0

    @property
    def is_alive(self) -> bool:
        """Whether the trainer is running."""
        return self._session.is_alive

    @property
    def has_started(self) -> bool:
        """Whether the trainer was started."""
        return self._has_started

    @property
    def is_over(self) -> bool:
        """Whether the trainer has ended and all its events were taken in."""
        return self._is_over

    @property
    def runs(self) -> tuple[RunSnapshot, ...]:
        """The runs of the queue that have begun."""
        runs = self._stores.view(is_over=not self.is_alive).runs
        return tuple(run for run in runs if run.started_at is not None)

    def view(self) -> SessionView:
        """The queue as it is now."""
        return self._stores.view(is_over=self._is_over)

    def start(self) -> None:
        """Start the trainer."""
        self._session.start()
        self._has_started = True

    def apply(self, index: int, run_id: str, event: Event) -> None:
        """Take in an event of the run at place `index` of the queue."""
        self._stores.apply(index, run_id, event)
        self._is_stale = True
        self._is_due |= self._urgency.is_urgent(event) or not is_slow()

    def request(self, command: Command) -> SessionView:
        """Send a command to the trainer, and return the queue with the command pending.

        A key that is pressed twice builds on its first request, which must be visible at once.
        """
        self._stores.requested(command)
        self._session.send(command)
        self._is_stale = False
        return self.view()

    def tick(self) -> SessionView | None:
        """Return what to draw now; None if nothing has changed, or a slow link has to wait."""
        # The trainer's last events may still be in the queue when its end is first seen.
        has_ended = self._has_started and not self._session.is_alive
        is_over, self._has_ended = has_ended and self._has_ended, has_ended
        self._ticks += 1
        is_due = self._is_due or self._ticks % SLOWER == 0
        if not (self._is_stale and is_due) and is_over == self._is_over:
            return None
        self._is_stale, self._is_due, self._is_over = False, False, is_over
        return self.view()
