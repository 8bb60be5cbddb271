"""The queue of runs and the trainer thread that runs it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from engine.common.append import is_disk_full
from engine.config.spec import RunSpec
from engine.errors import InputError
from engine.keras_setup.loading import DEFAULT, check_can_compute
from engine.machine.provenance import find_origin
from engine.machine.sampler import HardwareSampler
from engine.protocol.commands import (
    QUEUE_COMMANDS,
    Command,
    CommandQueue,
    Interrupt,
    QueueCommand,
    Stop,
)
from engine.protocol.events import (
    CommandAccepted,
    CommandRejected,
    Event,
    HardwareSampled,
    LogLine,
    RunEnded,
    RunStatus,
    now,
)
from engine.runs.directory import RunDirectory, SpecFile, create_run
from engine.runs.listing import RunRecord
from engine.runs.queue import RunQueue
from engine.runs.resume import Queued, check_named, queue_from
from engine.sessions.handle import SessionHandle, Sink
from engine.sessions.run_worker import RunWorker
from engine.training.control import NO_QUEUE, ROOM_POLL_SECONDS

TRAINER = "trainer"
"""The name of the thread that trains."""


class Session(SessionHandle):
    """Works off a queue of runs, one after the other, on a thread that may outlive any screen."""

    def __init__(
        self,
        specs: Sequence[RunSpec],
        runs_dir: Path,
        *,
        sinks: Sequence[Sink] = (),
        hardware: bool = True,
        resumes: RunRecord | None = None,
        whole_queue: bool = True,
    ) -> None:
        """Prepare a queue.

        Args:
            specs: what to train, in order; ignored where a run is resumed.
            runs_dir: the folder for their directories.
            sinks: receivers of the events.
            hardware: whether the machine is sampled.
            resumes: an unfinished run, which is resumed in its directory, and then its queue.
            whole_queue: whether the runs that waited behind it are trained too; without them its
                commands change no queue.

        Raises:
            InputError: the backend on which that run began cannot compute in this process, or
                its data set is not installed here.
        """
        super().__init__(TRAINER, is_daemon=False)
        self._sinks += sinks
        self._resumes = resumes
        self._backend = ""
        if resumes is not None:
            began_on = resumes.file.origin.backend or DEFAULT
            self._backend = check_can_compute(began_on, resumes.run_id)
            check_named(resumes)
            queued = queue_from(resumes)
        else:
            queued = tuple(Queued(place, spec) for place, spec in enumerate(specs))
        self._queue = RunQueue(queued if whole_queue else queued[:1])
        self._is_alone = not whole_queue
        self._planned = (resumes.file.queue_specs if resumes else ()) or self._queue.specs
        self._queue_id = (resumes.file.queue_id if resumes else "") or uuid.uuid4().hex[:12]
        self._runs_dir = runs_dir
        self._samples_hardware = hardware
        self._commands = CommandQueue()
        self._worker: RunWorker | None = None
        self._statuses: list[RunStatus] = []
        self._run_ids: list[str] = []
        self._begun = 0
        self._is_full = False
        self._ends = False

    @property
    def specs(self) -> tuple[RunSpec, ...]:
        """What the queue holds now, in order."""
        return self._queue.specs

    @property
    def run_ids(self) -> tuple[str, ...]:
        """The runs begun so far."""
        return tuple(self._run_ids)

    @property
    def exit_code(self) -> int:
        """0 all completed, 1 some run failed, 130 stopped before the end, 143 interrupted."""
        if "interrupted" in self._statuses:
            return 143
        if "failed" in self._statuses:
            return 1
        is_whole = len(self._statuses) == len(self._queue.specs)
        return 0 if is_whole and set(self._statuses) == {"completed"} else 130

    def send(self, command: Command) -> None:
        """Send a command to the current run; never blocks."""
        self._commands.put(command)

    def log(self, text: str) -> None:
        """Write a printed line into the log of the current run, from any thread."""
        worker = self._worker
        if worker is not None:
            worker.log(text)

    def _work(self) -> None:
        sampler = HardwareSampler(self._sampled) if self._samples_hardware else None
        if sampler is not None:
            sampler.start()
        try:
            while (begun := self._queue.begin()) is not None:
                self._begun, spec = begun
                if self._work_off(self._begun, spec):
                    return
        except Exception as problem:
            self._fail(problem)
        finally:
            if sampler is not None:
                sampler.stop()
            self._reject_the_rest()

    def _reject_the_rest(self) -> None:
        """Reject commands that came too late for any run, so that no one waits for an answer."""
        for command in self._commands.drain():
            if isinstance(command, QUEUE_COMMANDS) and self._run_ids:
                self._tell_apart(CommandRejected(command=command, reason="the queue has ended"))

    def _fail(self, problem: Exception) -> None:
        """Emit what ended the queue outside any run, such as a folder that cannot be written."""
        self._statuses = [*self._statuses[: self._begun], "failed"]
        error = f"{type(problem).__name__}: {problem}"
        if isinstance(problem, InputError):
            error = problem.recorded()
        self._tell_apart(RunEnded(status="failed", error=error))

    def _work_off(self, index: int, spec: RunSpec) -> bool:
        """Run one spec; return whether the queue is to end with it."""
        resumes = self._resumes if index == 0 else None
        directory = resumes.directory if resumes else self._create_when_room(index, spec)
        worker = self._worker = RunWorker(
            directory,
            spec,
            self._commands,
            partial(self._tell_begun, index, directory.run_id),
            self._is_told_to_end,
            resumes=resumes is not None,
            began_on=self._backend,
            queue=None if self._is_alone else self._queue,
            is_full=self._is_full,
        )
        try:
            self._statuses.append(worker.run())
        finally:
            self._worker, self._is_full = None, worker.is_full
        return self._is_told_to_end(self._commands.drain()) or worker.was_told_to_end

    def _tell_begun(self, index: int, run_id: str, event: Event) -> None:
        """Emit an event of a run, which has begun with its first one."""
        if index == len(self._run_ids):
            self._run_ids.append(run_id)
        self._tell(index, run_id, event)

    def _is_told_to_end(self, commands: Sequence[Command]) -> bool:
        """Return whether the queue is to end; other commands after a run's end belong to no run."""
        self._ends |= any(isinstance(command, (Stop, Interrupt)) for command in commands)
        for command in commands:
            if isinstance(command, QUEUE_COMMANDS):
                self._change_queue(command)
        return self._ends

    def _change_queue(self, command: QueueCommand) -> None:
        """Carry out between two runs what the trainer does during one."""
        if self._is_alone:
            reason = NO_QUEUE
        else:
            reason = "the queue is being stopped" if self._ends else self._queue.change(command)
        if reason:
            self._tell_apart(CommandRejected(command=command, reason=reason))
            return
        self._tell_apart(CommandAccepted(command=command))
        self._tell_apart(self._queue.state)

    def _tell_apart(self, event: Event) -> None:
        """Emit an event that no record takes: its run has ended, or has no directory yet."""
        index = self._begun
        self._tell(index, self._run_ids[index] if index < len(self._run_ids) else "", event)

    def _create_when_room(self, index: int, spec: RunSpec) -> RunDirectory:
        """Make a run's directory; between two runs the queue waits for room on the disk."""
        while True:
            try:
                return self._create(index, spec)
            except OSError as error:
                if index == 0 or not is_disk_full(error):
                    raise
                self._tell_waiting(error)
            if self._is_told_to_end(self._commands.wait(ROOM_POLL_SECONDS)):
                said = "a full disk, and the wish to end: no further run was begun"
                raise InputError(self._runs_dir, "room for a run", said)

    def _tell_waiting(self, error: OSError) -> None:
        if self._is_full:
            return
        self._is_full = True
        text = f"{self._runs_dir}: {error.strerror}; the next run waits for room"
        self._tell(self._begun - 1, self._run_ids[-1], LogLine(level="warning", text=text))

    def _create(self, index: int, spec: RunSpec) -> RunDirectory:
        whole = self._queue.whole(self._planned)
        file = SpecFile(
            spec=spec,
            queue=tuple(entry.model for entry in whole),
            queue_position=self._queue.place(index),
            created_at=now(),
            origin=find_origin(spec.dataset),
            queue_id=self._queue_id,
            queue_specs=whole,
        )
        return create_run(self._runs_dir, file)

    def _sampled(self, event: HardwareSampled) -> None:
        worker = self._worker
        if worker is not None:
            worker.sampled(event)
