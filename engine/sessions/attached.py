"""A session of another process: its events come from the record, commands go into a file."""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.config.spec import RunSpec
from engine.errors import InputError
from engine.protocol.commands import Command, Stop, command_to_plain
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
from engine.state.event_clock import EventClock

if TYPE_CHECKING:
    from engine.sessions.local import Sink

POLL_SECONDS = 0.2
LOOK_SECONDS = 3.0
"""Without an event for so long, it is asked whether the run's process is still there."""
NEXT_RUN_SECONDS = 10.0
"""After a run's end was heard of, until the next of its queue must have begun."""
SAID_AFTER_END = (HardwareSampled, LogLine)
"""What other threads may still say when a run has ended."""


def append_command(path: Path, command: Command) -> None:
    """Append a command as one whole line; several processes may do so at a time.

    Raises:
        OSError: it cannot be written whole.
    """
    line = (json.dumps(command_to_plain(command)) + "\n").encode()
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            # Somebody's half a line must not take this one with it.
            line = b"\n" + line
        if os.write(descriptor, line) != len(line):
            raise OSError(f"{path.name} took only a part of the line")
    finally:
        os.close(descriptor)


class AttachedSession:
    """Follows a run of another process and then the next ones of its queue, from any process.

    A thread of its own reads the record: all of it first, then as it grows. When the run's process
    is gone it says RunEnded("interrupted"), which that could not write; a run that is resumed is
    followed on. It is alive while the run at work, or the next of its queue, may say something.

    Args:
        run: to begin with; of those before it in its queue only the outline is told.
    """

    def __init__(self, run: RunRecord) -> None:
        self._sinks: list[Sink] = []
        self._thread = threading.Thread(target=self._work, name="follower", daemon=True)
        self._closing = threading.Event()
        self._is_alive = True
        beside = list(runs_beside(run))
        self._known = {run.run_id, *(other.run_id for other in beside)}
        mates = {_place(other): other for other in beside if is_same_queue(run, other)}
        self._before = [mates[place] for place in sorted(mates) if place < _place(run)]
        # Who names an earlier run of a queue wants to see that one.
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
        """The run that is followed at present, as it was when it was found."""
        return self._run

    @property
    def is_alive(self) -> bool:
        """Whether something may still come; True until all of the history was told."""
        return self._is_alive

    def recorded_now(self) -> float:
        """The Unix second by the clock that tells the events, whatever this machine's says."""
        return self._clock.now()

    def add_sink(self, sink: Sink) -> None:
        """Send events to `sink` from now on."""
        self._sinks.append(sink)

    def start(self) -> None:
        """Start the thread that reads."""
        self._thread.start()

    def send(self, command: Command) -> None:
        """Append a command to the file of the run at work; it is rejected if that cannot be."""
        try:
            append_command(self._run.directory.commands, command)
        except OSError as error:
            reason = f"{self._run.directory.commands.name}: {error.strerror or error}"
            at = self.recorded_now()
            self._emit(CommandRejected(time=at, command=command, reason=reason))  # type: ignore[arg-type]

    def join(self, timeout: float | None = None) -> bool:
        """Wait until nothing more may come; whether it is so."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._is_alive and (deadline is None or time.monotonic() < deadline):
            self._closing.wait(POLL_SECONDS)
        return not self._is_alive

    def close(self) -> None:
        """Stop reading; the run itself goes on."""
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
        """Tell what has joined the record; whether anything has."""
        events = self._reader.read()
        for event in events:
            self._tell(event)
        if events:
            self._looked_at = time.monotonic()
            if self._history_is_told:
                self._joined_at = self._looked_at
        return bool(events)

    def _tell(self, event: Event) -> None:
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
        """For how long the record had stood still when its end was read; 0 for one that joins."""
        if self._history_is_told:
            return 0.0
        with suppress(OSError):
            return max(time.time() - self._run.directory.events.stat().st_mtime, 0.0)
        return 0.0

    def _revive(self, event: Event) -> None:
        """It was resumed, or had only stood still; screens learn it from its phase."""
        self._end, self._queue_stops, self._is_alive = None, False, True
        if not isinstance(event, (PhaseChanged, RunResumed)):
            self._emit(PhaseChanged(time=event.time, phase=self._phase))

    def _settle(self) -> None:
        """Nothing has joined the record: find out what that means."""
        self._history_is_told = True
        if self._end is None and time.monotonic() - self._looked_at >= LOOK_SECONDS:
            self._look()
        if self._end is not None:
            self._move_on()

    def _look(self) -> None:
        """Say the end of a run whose process is gone."""
        self._looked_at = time.monotonic()
        try:
            run = load_run(self._run.directory.path, self._quiet_seconds())
            end = derived_end(run, self._last_time)
        except InputError as error:
            end = RunEnded(time=self._last_time, status="interrupted", error=str(error))
        # What it wrote between the last reading and its end.
        if end is not None and not self._read():
            self._tell(end)

    def _quiet_seconds(self) -> float | None:
        """For how long the record was seen to stand still; None while that tells nothing yet."""
        quiet = time.monotonic() - (self._joined_at or self._began_at)
        return None if self._joined_at is None and quiet < HEARTBEAT_LOST_SECONDS else quiet

    def _move_on(self) -> None:
        """Go on with the next run of the queue, or call it over when there will be none."""
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
        """A change between two runs is in no record but the next run's own account of the queue."""
        specs = _queue_specs(run, {})
        if specs != self._specs:
            self._specs = specs
            self._tell_queue(self._run)

    def _tell_queue(self, before: RunRecord) -> None:
        """Say what follows a run that is over, as it is known now."""
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
        for sink in self._sinks:
            sink(_place(run), run.run_id, event)


def _place(run: RunRecord) -> int:
    """The run's place in its queue, from 0."""
    return run.file.queue_position if 0 <= run.file.queue_position < len(run.file.queue) else 0


def _queue_specs(run: RunRecord, mates: dict[int, RunRecord]) -> tuple[RunSpec, ...]:
    """One spec a place; where it is not known that of `run`, for the model of that place."""
    queue, specs = run.file.queue or (run.file.spec.model,), run.file.queue_specs
    if len(specs) != len(queue):
        specs = tuple(replace(run.file.spec, model=model) for model in queue)
    known = {place: mate.file.spec for place, mate in mates.items()} | {_place(run): run.file.spec}
    return tuple(known.get(place, spec) for place, spec in enumerate(specs))
