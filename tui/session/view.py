"""The queue as a screen shows it: one store a run, and a frozen view of them all."""

from __future__ import annotations

from dataclasses import dataclass

from engine.config.spec import RunSpec
from engine.protocol.commands import Command
from engine.protocol.events import Event, QueueChanged
from engine.state.snapshot import RunSnapshot
from engine.state.store import RunStore


@dataclass(frozen=True, slots=True)
class SessionView:
    """All runs of a queue at one moment."""

    runs: tuple[RunSnapshot, ...]
    current: int = 0
    """Index of the current run, or of the last one."""
    is_over: bool = False
    """Whether the trainer has ended: no run will change any more."""

    @property
    def run(self) -> RunSnapshot:
        """The current run, or the last one."""
        return self.runs[self.current]


class SessionStores:
    """One store a run of the queue; only runs that changed get a new snapshot."""

    def __init__(self, specs: tuple[RunSpec, ...]) -> None:
        self._stores = [RunStore("", spec) for spec in specs]
        self._snapshots = [store.snapshot() for store in self._stores]
        self._changed: set[int] = set()
        self._current = 0

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

    def _follow(self, index: int, waiting: tuple[RunSpec, ...]) -> None:
        """Replace the runs that wait behind the last one that has begun, with new stores."""
        begun = max(index, self._current) + 1
        self._stores[begun:] = [RunStore("", spec) for spec in waiting]
        self._snapshots[begun:] = [store.snapshot() for store in self._stores[begun:]]
        self._changed = {changed for changed in self._changed if changed < begun}

    def requested(self, command: Command) -> None:
        """Show a command as pending for the current run."""
        self._stores[self._current].requested(command)
        self._changed.add(self._current)

    def view(self, *, is_over: bool) -> SessionView:
        """The queue as it is now."""
        for index in self._changed:
            self._snapshots[index] = self._stores[index].snapshot()
        self._changed.clear()
        return SessionView(tuple(self._snapshots), self._current, is_over)
