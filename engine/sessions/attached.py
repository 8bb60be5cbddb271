"""A session of another process: its events come from the record, commands go into a file."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from engine.common.append import LineFile
from engine.common.codec import to_plain
from engine.config.spec import RunSpec
from engine.errors import InputError
from engine.protocol.commands import Command, Stop
from engine.protocol.events import (
    FREQUENT,
    CommandAccepted,
    CommandRejected,
    Event,
    HardwareSampled,
    LogLine,
    Phase,
    PhaseChanged,
    QueueChanged,
    RunEnded,
    RunResumed,
)
from engine.runs.listing import HEARTBEAT_LOST_SECONDS, RunRecord, derived_end, load_run
from engine.runs.reading import RecordReader
from engine.runs.selecting import is_same_queue, runs_beside
from engine.sessions.handle import SessionHandle
from engine.state.event_clock import EventClock

POLL_SECONDS = 0.2
LOOK_SECONDS = 3.0
"""Seconds without an event after which the run's process is looked for."""
NEXT_RUN_SECONDS = 10.0
"""Seconds after a run's end within which the next of its queue must begin."""
SAID_AFTER_END = (HardwareSampled, LogLine)
"""Events that other threads may still emit when a run has ended."""


def append_command(path: Path, command: Command) -> str:
    """Append a command as one whole line; several processes may do so at a time.

    Returns:
        Why it cannot be written, empty on success.
    """
    file = LineFile(path)
    file.write(json.dumps(to_plain(command)) + "\n")
    file.close()
    return f"{path.name}: {file.full.reason}" if file.full else ""


class AttachedSession(SessionHandle):
    """Follows a run of another process and then the next ones of its queue, from any process.

    A thread of its own reads the record: all of it first, then as it grows. When the run's process
    is gone it emits RunEnded("interrupted"), which that process could not write; it keeps following
    a run that is resumed. It is alive while the current run, or the next of its queue, may emit
    events.

    Args:
        run: the first one to follow; of those before it in its queue only an outline is emitted.
    """

    def __init__(self, run: RunRecord) -> None:
        super().__init__("follower")
        self._closing = threading.Event()
        self._is_alive = True
        beside = list(runs_beside(run))
        self._known = {run.run_id, *(other.run_id for other in beside)}
        mates = {_place(other): other for other in beside if is_same_queue(run, other)}
        self._before = [mates[place] for place in sorted(mates) if place < _place(run)]
        # A user who names an earlier run of a queue wants to see that one.
        self._goes_on = not any(place > _place(run) for place in mates)
        self._specs = _queue_specs(run, mates)
        self._clock = EventClock(run.file.created_at)
        self._begin(run)

    @property
    def specs(self) -> tuple[RunSpec, ...]:
        """What the queue holds, in order."""
        return self._specs

    @property
    def run(self) -> RunRecord:
        """The run that is followed now, as it was when it was found."""
        return self._run

    @property
    def is_alive(self) -> bool:
        """Whether events may still come; True until all of the history was emitted."""
        return self._is_alive

    def recorded_now(self) -> float:
        """Return the Unix second by the clock of the events, whatever this machine's clock says."""
        return self._clock.now()

    def send(self, command: Command) -> None:
        """Append a command to the file of the running run; reject it if that is impossible."""
        if reason := append_command(self._run.directory.commands, command):
            at = self.recorded_now()
            self._emit(CommandRejected(time=at, command=command, reason=reason))

    def join(self, timeout: float | None = None) -> bool:
        """Wait until no more events may come; return whether that is so."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._is_alive and (deadline is None or time.monotonic() < deadline):
            self._closing.wait(POLL_SECONDS)
        return not self._is_alive

    def close(self) -> None:
        """Stop reading; the run itself continues."""
        self._closing.set()

    def _begin(self, run: RunRecord) -> None:
        self._run = run
        self._reader = RecordReader(run.directory.events)
        self._phase: Phase = "queued"
        self._last_time = run.file.created_at
        self._looked_at = -LOOK_SECONDS
        self._began_at = time.monotonic()
        self._history_is_told = False
        self._joined_at: float | None = None
        self._end: RunEnded | None = None
        self._ended_at = 0.0
        self._queue_stops = False

    def _work(self) -> None:
        for run in self._before:
            self._outline(run)
        if self._before:
            self._tell_queue(self._before[-1])
        while not self._closing.is_set():
            if not self._read():
                self._settle()
                self._closing.wait(POLL_SECONDS)

    def _outline(self, run: RunRecord) -> None:
        reader, last_time, has_ended = RecordReader(run.directory.events), 0.0, False
        while events := reader.read():
            for event in events:
                last_time = event.time
                self._clock.hear(event)
                has_ended = has_ended or isinstance(event, RunEnded)
                if not isinstance(event, FREQUENT):  # no screen shows them once another run follows
                    self._emit(event, run)
        end = derived_end(run, last_time)
        if end is not None and not has_ended:
            self._emit(end, run)

    def _read(self) -> bool:
        """Emit what was added to the record; return whether anything was."""
        events = self._reader.read()
        for event in events:
            self._follow(event)
        if events:
            self._looked_at = time.monotonic()
            if self._history_is_told:
                self._joined_at = self._looked_at
        return bool(events)

    def _follow(self, event: Event) -> None:
        self._clock.hear(event)
        if isinstance(event, RunEnded):
            self._end, self._ended_at = event, time.monotonic() - self._quiet_before()
        elif self._end is not None and not isinstance(event, SAID_AFTER_END):
            self._revive(event)
        if isinstance(event, PhaseChanged):
            self._phase = event.phase
        elif isinstance(event, CommandAccepted) and isinstance(event.command, Stop):
            self._queue_stops = True
        elif isinstance(event, QueueChanged):
            self._specs = (*self._specs[: event.place], *event.waiting)
        self._last_time = event.time
        self._emit(event)

    def _quiet_before(self) -> float:
        """Return how long the record had not changed when its end was read; 0 for a further run."""
        if self._history_is_told:
            return 0.0
        with suppress(OSError):
            return max(time.time() - self._run.directory.events.stat().st_mtime, 0.0)
        return 0.0

    def _revive(self, event: Event) -> None:
        """Show as alive a run that was resumed or had only paused; screens see it by its phase."""
        self._end, self._queue_stops, self._is_alive = None, False, True
        if not isinstance(event, (PhaseChanged, RunResumed)):
            self._emit(PhaseChanged(time=event.time, phase=self._phase))

    def _settle(self) -> None:
        """Find out why nothing was added to the record."""
        self._history_is_told = True
        if self._end is None and time.monotonic() - self._looked_at >= LOOK_SECONDS:
            self._look()
        if self._end is not None:
            self._move_on()

    def _look(self) -> None:
        """Emit the end of a run whose process is gone."""
        self._looked_at = time.monotonic()
        try:
            run = load_run(self._run.directory.path, self._quiet_seconds())
            end = derived_end(run, self._last_time)
        except InputError as error:
            end = RunEnded(time=self._last_time, status="interrupted", error=str(error))
        # What it wrote between the last reading and its end.
        if end is not None and not self._read():
            self._follow(end)

    def _quiet_seconds(self) -> float | None:
        """Return how long the record was seen not to change; None while that means nothing yet."""
        quiet = time.monotonic() - (self._joined_at or self._began_at)
        return None if self._joined_at is None and quiet < HEARTBEAT_LOST_SECONDS else quiet

    def _move_on(self) -> None:
        """Follow the next run of the queue, or end when there will be none."""
        if not self._goes_on or _place(self._run) + 1 >= len(self._specs):
            self._is_alive = False
            return
        for run in runs_beside(self._run, self._known):
            self._known.add(run.run_id)
            if is_same_queue(self._run, run) and _place(run) > _place(self._run):
                self._learn_queue(run)
                self._begin(run)
                self._is_alive = True
                return
        self._is_alive = self._expects_next()

    def _learn_queue(self, run: RunRecord) -> None:
        """Learn a change made between two runs, which only the next run's own queue shows."""
        specs = _queue_specs(run, {})
        if specs != self._specs:
            self._specs = specs
            self._tell_queue(self._run)

    def _tell_queue(self, before: RunRecord) -> None:
        """Emit what follows a run that is over, as known now."""
        place = _place(before) + 1
        waiting = self._specs[place:]
        self._emit(QueueChanged(time=self._last_time, waiting=waiting, place=place), before)

    def _expects_next(self) -> bool:
        end = self._end
        if end is None or self._queue_stops or end.status == "interrupted":
            return False
        return time.monotonic() - self._ended_at < NEXT_RUN_SECONDS

    def _emit(self, event: Event, run: RunRecord | None = None) -> None:
        run = run or self._run
        self._tell(_place(run), run.run_id, event)


def _place(run: RunRecord) -> int:
    """Return the run's place in its queue, from 0."""
    return run.file.queue_position if 0 <= run.file.queue_position < len(run.file.queue) else 0


def _queue_specs(run: RunRecord, mates: dict[int, RunRecord]) -> tuple[RunSpec, ...]:
    """Return one spec per place; an unknown one is that of `run` with the model of that place."""
    queue, specs = run.file.queue or (run.file.spec.model,), run.file.queue_specs
    if len(specs) != len(queue):
        specs = tuple(replace(run.file.spec, model=model) for model in queue)
    known = {place: mate.file.spec for place, mate in mates.items()} | {_place(run): run.file.spec}
    return tuple(known.get(place, spec) for place, spec in enumerate(specs))
