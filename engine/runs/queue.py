"""The runs of a session in their order; those that have not begun can be moved and removed."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from engine.config.spec import RunSpec
from engine.protocol.commands import AddRuns, MoveRun, QueueCommand
from engine.protocol.events import QueueChanged
from engine.runs.resume import Queued

LONGEST = 1000
"""Most runs of a queue; more is a slip, and would not fit a line of commands."""


class RunQueue:
    """Hands out runs one by one; its methods may be called from any thread.

    A run's index counts the session's own runs from 0. Its place counts the whole queue, of which
    an earlier process may have run a part.
    """

    def __init__(self, queued: Sequence[Queued]) -> None:
        """Begin with these runs, the first of them next."""
        self._queued = list(queued)
        self._begun = 0
        self._lock = threading.Lock()

    @property
    def specs(self) -> tuple[RunSpec, ...]:
        """The session's own runs, in order."""
        with self._lock:
            return tuple(queued.spec for queued in self._queued)

    @property
    def state(self) -> QueueChanged:
        """The event that says what waits now, emitted after a change."""
        with self._lock:
            waiting = tuple(queued.spec for queued in self._queued[self._begun :])
            return QueueChanged(waiting=waiting, place=self._first_place())

    def _first_place(self) -> int:
        """Return the place of the first waiting run, or else of the next one to be added."""
        if self._begun < len(self._queued):
            return self._queued[self._begun].place
        return max(queued.place for queued in self._queued) + 1

    def begin(self) -> tuple[int, RunSpec] | None:
        """Return the next run's index and spec, which cannot be moved any more; None at the end."""
        with self._lock:
            if self._begun == len(self._queued):
                return None
            self._begun += 1
            return self._begun - 1, self._queued[self._begun - 1].spec

    def place(self, index: int) -> int:
        """Return where the run at `index` stands in the whole queue, from 0."""
        with self._lock:
            return self._queued[index].place

    def whole(self, planned: tuple[RunSpec, ...]) -> tuple[RunSpec, ...]:
        """Return the whole queue as it is now, from the one planned at first."""
        with self._lock:
            waiting, first = self._queued[self._begun :], self._first_place()
            done = {queued.place: queued.spec for queued in self._queued[: self._begun]}
        before = [done.get(place, planned[min(place, len(planned) - 1)]) for place in range(first)]
        return (*before, *(queued.spec for queued in waiting))

    def change(self, command: QueueCommand) -> str:
        """Carry a command out; return why that is impossible, empty on success."""
        with self._lock:
            waiting = [queued.spec for queued in self._queued[self._begun :]]
            reason = _change(waiting, command)
            if not reason:
                self._replace(waiting)
            return reason

    def _replace(self, waiting: Sequence[RunSpec]) -> None:
        first = self._first_place()
        self._queued[self._begun :] = [
            Queued(first + number, spec) for number, spec in enumerate(waiting)
        ]


def _change(waiting: list[RunSpec], command: QueueCommand) -> str:
    """Change the list of waiting specs; return why that is impossible, empty on success."""
    if isinstance(command, AddRuns):
        if not command.specs or len(waiting) + len(command.specs) > LONGEST:
            return f"expected 1 to {LONGEST} waiting runs, found {len(command.specs)} to add"
        waiting.extend(command.specs)
        return ""
    if not 0 <= command.position < len(waiting):
        return f"no run waits at position {command.position + 1}: it may have begun meanwhile"
    if waiting[command.position].model != command.model:
        return f"{command.model} no longer waits at position {command.position + 1}"
    spec = waiting.pop(command.position)
    if isinstance(command, MoveRun):
        waiting.insert(min(max(command.to, 0), len(waiting)), spec)
    return ""
