"""The session that the screens show: a store a run, when to draw them again, whether it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.config.spec import RunSpec
from engine.protocol.commands import Command
from engine.protocol.events import Event, QueueChanged
from engine.state.snapshot import RunSnapshot
from engine.state.store import RunStore
from tui.session.view import SessionView

if TYPE_CHECKING:
    from engine.sessions.handle import SessionHandle


class ShownSession:
    """Applies a session's events; only runs that changed get a new snapshot."""

    def __init__(self, session: SessionHandle) -> None:
        self._session = session
        self._stores = [RunStore("", spec) for spec in session.specs]
        self._snapshots = [store.snapshot() for store in self._stores]
        self._changed: set[int] = set()
        self._current = 0
        self._is_stale = False
        self._has_ended = False
        self.has_started = False
        """Whether the trainer was started."""
        self.is_over = False
        """Whether the trainer has ended and all its events were taken in."""

    @property
    def is_alive(self) -> bool:
        """Whether the trainer is running."""
        return self._session.is_alive

    @property
    def runs(self) -> tuple[RunSnapshot, ...]:
        """The runs of the queue that have begun."""
        return tuple(run for run in self.view().runs if run.started_at is not None)

    def view(self) -> SessionView:
        """The queue as it is now."""
        for index in self._changed:
            self._snapshots[index] = self._stores[index].snapshot()
        self._changed.clear()
        return SessionView(tuple(self._snapshots), self._current, self.is_over)

    def start(self) -> None:
        """Start the trainer."""
        self._session.start()
        self.has_started = True

    def apply(self, index: int, run_id: str, event: Event) -> None:
        """Apply an event of the run at `index`; one of no run in the queue is ignored.

        An empty `run_id` means a run without a directory, or the one already known at `index`.
        """
        if not 0 <= index < len(self._stores):
            return
        if run_id and self._snapshots[index].run_id != run_id:
            self._stores[index] = RunStore(run_id, self._snapshots[index].spec)
            self._snapshots[index] = self._stores[index].snapshot()
        if isinstance(event, QueueChanged):
            self._follow(index, event.waiting)
        self._stores[index].apply(event)
        self._changed.add(index)
        self._current = max(self._current, index)
        self._is_stale = True

    def _follow(self, index: int, waiting: tuple[RunSpec, ...]) -> None:
        """Replace the runs that wait behind the last one that has begun, with new stores."""
        begun = max(index, self._current) + 1
        self._stores[begun:] = [RunStore("", spec) for spec in waiting]
        self._snapshots[begun:] = [store.snapshot() for store in self._stores[begun:]]
        self._changed = {changed for changed in self._changed if changed < begun}

    def request(self, command: Command) -> SessionView:
        """Send a command to the trainer, and return the queue with the command pending.

        A key that is pressed twice builds on its first request, which must be visible at once.
        """
        self._stores[self._current].requested(command)
        self._changed.add(self._current)
        self._session.send(command)
        self._is_stale = False
        return self.view()

    def tick(self) -> SessionView | None:
        """Return what to draw now; None if nothing has changed."""
        # The trainer's last events may still be in the queue when its end is first seen.
        has_ended = self.has_started and not self._session.is_alive
        is_over, self._has_ended = has_ended and self._has_ended, has_ended
        if not self._is_stale and is_over == self.is_over:
            return None
        self._is_stale, self.is_over = False, is_over
        return self.view()
