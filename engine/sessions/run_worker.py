"""One run in its directory: the lock, the record and the trainer of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from engine.backend import devices as backend
from engine.config.spec import RunSpec
from engine.protocol.commands import Command, CommandQueue
from engine.protocol.events import Event, HardwareSampled, LogLine, RunStatus, now
from engine.runs.directory import RunDirectory, remove_checkpoints
from engine.runs.listing import read_events
from engine.runs.lock import locked
from engine.runs.queue import RunQueue
from engine.runs.recorder import Recorder
from engine.runs.resume import resumption_of
from engine.training.control import ROOM_POLL_SECONDS
from engine.training.trainer import Trainer


class RunWorker:
    """Trains the run of one directory on the thread that calls `run`.

    Events go to the recorder first, so that a dead listener loses nothing, then to the listener.
    """

    def __init__(
        self,
        directory: RunDirectory,
        spec: RunSpec,
        commands: CommandQueue,
        tell: Callable[[Event], None],
        hear_late: Callable[[Sequence[Command]], bool],
        *,
        resumes: bool = False,
        began_on: str = "",
        queue: RunQueue | None = None,
        is_full: bool = False,
    ) -> None:
        """Prepare the run; nothing is opened or written yet.

        Args:
            directory: of the run, which exists.
            spec: what it trains.
            commands: where its commands come from, besides the file in its directory.
            tell: takes its events once they are recorded, from any thread.
            hear_late: takes commands that came after its end, while its record waits for room on
                the disk; returns whether to wait no longer.
            resumes: whether an earlier process began it.
            began_on: the backend of that process, by Keras' name.
            queue: the queue that its commands may change; None where it has none.
            is_full: whether the disk was full before it.
        """
        self._directory, self._spec = directory, spec
        self._commands, self._queue = commands, queue
        self._tell, self._hear_late = tell, hear_late
        self._resumes, self._began_on = resumes, began_on
        self._lock = threading.RLock()  # a listener may log
        self._recorder: Recorder | None = None
        self._log_budget = _LogBudget()
        self.is_full = is_full
        """Whether the disk was full when it was last written."""
        self.was_told_to_end = False
        """Whether the run was told to stop, and with it the queue that it belongs to."""

    def run(self) -> RunStatus:
        """Train to the end, holding the lock; a failure of the run is its status.

        Raises:
            InputError: another process works on it, or its record cannot be read.
            OSError: its directory cannot be written.
        """
        with locked(self._directory.lock):
            status = self._train()
        backend.release()
        return status

    def log(self, text: str) -> None:
        """Write a printed line into the log of the run, from any thread."""
        recorder = self._recorder
        if recorder is None:
            return
        if self._log_budget.allows():
            self._emit(LogLine(level="debug", text=text))
        else:
            recorder.log(text)

    def sampled(self, event: HardwareSampled) -> None:
        """Record and tell what the machine did, from any thread."""
        recorder = self._recorder
        if recorder is not None:
            recorder.retry()
            self._emit(event)

    def _train(self) -> RunStatus:
        directory = self._directory
        resumption = resumption_of(directory, self._began_on) if self._resumes else None
        recorder = Recorder(directory, self._spec)
        if resumption is not None:
            recorder.catch_up(read_events(directory), resumption.event)
        self._recorder = recorder
        trainer = Trainer(
            self._spec,
            directory,
            self._emit,
            self._commands,
            resumption,
            recorder.retry,
            self._queue,
        )
        try:
            status = trainer.run()
            self._settle(recorder, status, is_stopped=trainer.control.stops_now)
        finally:
            self._recorder = None
            recorder.close()
        self.was_told_to_end = trainer.control.stop != ""
        return status

    def _settle(self, recorder: Recorder, status: RunStatus, *, is_stopped: bool) -> None:
        """Record the end, waiting for room on the disk; then drop what only resuming needs.

        Not before: a run killed until then is resumed from its checkpoints.
        """
        while recorder.retry() is not None:
            if is_stopped or self._hear_late(self._commands.wait(ROOM_POLL_SECONDS)):
                return
        if status == "completed":
            remove_checkpoints(self._directory)

    def _emit(self, event: Event) -> None:
        with self._lock:
            recorder = self._recorder
            if recorder is None:
                return
            recorder.record(event)
            self._tell_full(recorder)
            self._tell(event)

    def _tell_full(self, recorder: Recorder) -> None:
        """Log once that the disk is full, and once that there is room again."""
        full = recorder.full
        if (full is not None) == self.is_full:
            return
        self.is_full = full is not None
        text = "there is room again: the record is whole"
        if full is not None:
            text = f"{full.words}; what is recorded waits in memory"
        self._emit(LogLine(level="warning", text=text))


class _LogBudget:
    """A bound on lines a second, so that a flood slows nothing."""

    LINES_PER_SECOND = 20

    def __init__(self) -> None:
        self._second = 0
        self._lines = 0

    def allows(self) -> bool:
        second = int(now())
        if second != self._second:
            self._second, self._lines = second, 0
        self._lines += 1
        return self._lines <= self.LINES_PER_SECOND
