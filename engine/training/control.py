"""What the user has asked of the current run, and when it takes effect."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from engine.common.append import DiskFull, is_disk_full
from engine.config.schedule import fixed_rate
from engine.config.stage import Schedule
from engine.protocol.commands import (
    QUEUE_COMMANDS,
    ApplyNow,
    Command,
    CommandQueue,
    Interrupt,
    Pause,
    Resume,
    SaveCheckpoint,
    SetBatchNormLock,
    SetLearningRate,
    SetTrainable,
    SkipModel,
    SkipStage,
    Stop,
    Withdraw,
)
from engine.protocol.events import CommandAccepted, CommandRejected, Event, LogLine, PhaseChanged
from engine.runs.commands_file import CommandFile
from engine.runs.queue import RunQueue

STRENGTH = ("", "run", "epoch", "now")
"""When to stop or skip, from the mildest to the strongest: of two requests the stronger counts."""
PAUSE_POLL_SECONDS = 0.2
"""Between two readings of the run's file of commands while it is paused."""
ROOM_POLL_SECONDS = 2.0
"""Between two attempts to write to a full disk."""
NO_QUEUE = "this run has no queue"
"""Why runs can be neither added nor moved."""
Written = TypeVar("Written")
Change = SetTrainable | SetBatchNormLock | SetLearningRate


class Control:
    """Drains the command queue, answers each command, and keeps those that wait.

    It decides nothing about the model: the trainer reads `needs_boundary` after every batch, leaves
    `fit` if it is true, and takes what is due.
    """

    def __init__(
        self,
        queue: CommandQueue,
        emit: Callable[[Event], None],
        file: CommandFile | None = None,
        record_full: Callable[[], DiskFull | None] = lambda: None,
        runs: RunQueue | None = None,
    ) -> None:
        """Begin without any request.

        Args:
            queue: where commands come from.
            emit: takes the answers.
            file: the run's file of commands, a second source of them.
            record_full: tries to write what the record could not, and returns what still waits.
            runs: the queue that commands may change; None where this is the only run.
        """
        self._runs = runs
        self._queue, self._file = queue, file
        self._emit, self._record_full = emit, record_full
        self._changes: list[Change] = []
        self._known: frozenset[str] = frozenset()
        self._closed = ""
        """Why only a Stop is accepted; empty while everything is."""
        self._fixed_rate = ""
        """Why the learning rate cannot be set now; empty where it can."""
        self._unskippable = ""
        """Why the stage cannot be skipped; empty where it can."""
        self.paused = False
        self.paused_seconds = 0.0
        """Spent in pauses so far."""
        self.stop: Literal["", "now", "epoch", "run"] = ""
        self.interrupted = False
        """Whether the process has to end: the run is to be resumed later."""
        self.skip_stage = False
        self.skip_model: Literal["", "now", "epoch"] = ""
        self.save_checkpoint = False

    def know_layers(self, layers: frozenset[str]) -> None:
        """Set which layers can be toggled: the leaves that have weights."""
        self._known = layers

    def close(self) -> None:
        """Reject everything but a Stop from now on, and the changes that came too late."""
        self._closed = "the training of this model has ended"
        self._reject(self._take(lambda change: True), self._closed)
        self.paused = self.save_checkpoint = False

    def begin_stage(self, schedule: Schedule, *, is_last: bool) -> None:
        """Set what the stage allows; reject a rate that was meant for the stage before."""
        self._reject(self.take_rates(), "its stage has ended")
        self._fixed_rate = fixed_rate(schedule)
        last = "this is the last stage; stop after this epoch instead"
        self._unskippable = last if is_last else ""

    def _take(self, is_taken: Callable[[Change], bool]) -> list[Any]:
        """Remove and return the changes that a test holds of, in the order of the requests."""
        taken = [change for change in self._changes if is_taken(change)]
        self._changes = [change for change in self._changes if change not in taken]
        return taken

    def _reject(self, changes: Sequence[Change], reason: str) -> None:
        for change in changes:
            self._emit(CommandRejected(command=change, reason=reason))

    def poll(self) -> None:
        """Answer all commands that have arrived; never waits."""
        self._read_file()
        for command in self._queue.drain():
            self._answer(command)

    def wait(self, seconds: float) -> None:
        """Answer commands, waiting up to `seconds` for one to arrive in the queue."""
        self._read_file()
        for command in self._queue.wait(seconds):
            self._answer(command)

    def wait_out_pause(self) -> bool:
        """Wait while paused, or while the disk has no room for the record.

        Returns:
            Whether it waited.
        """
        full = self._record_full()
        if not self.paused and (full is None or self.stops_now):
            return False
        self._emit(PhaseChanged(phase="paused", detail=full.words if full else ""))
        began = time.perf_counter()
        while self.paused or (self._record_full() is not None and not self.stops_now):
            self.wait(PAUSE_POLL_SECONDS)
        self.paused_seconds += time.perf_counter() - began
        return True

    def write(self, path: Path, size: int, write: Callable[[], Written]) -> Written:
        """Write something; while the disk has no room for it, the run waits.

        Args:
            path: the file, for messages.
            size: about how many bytes it takes.
            write: writes it whole or not at all; called again when there may be room.

        Raises:
            OSError: it could not be written for another reason, or a Stop came meanwhile.
        """
        began = None
        while True:
            try:
                written = write()
                break
            except OSError as error:
                if not is_disk_full(error) or self.stops_now:
                    raise
                if began is None:
                    began = time.perf_counter()
                    self._tell_full(DiskFull(path, size, error.strerror or "disk full"))
            self.wait(ROOM_POLL_SECONDS)
        if began is not None:
            self.paused_seconds += time.perf_counter() - began
            self._emit(LogLine(level="info", text=f"there is room again: {path.name} is written"))
            self._emit(PhaseChanged(phase="saving", detail=path.name))
        return written

    def _tell_full(self, full: DiskFull) -> None:
        self._emit(LogLine(level="warning", text=f"{full.words}; the run waits for room"))
        self._emit(PhaseChanged(phase="paused", detail=full.words))

    def _read_file(self) -> None:
        if self._file is None:
            return
        arrived = self._file.read()
        for command in arrived.commands:
            self._answer(command)
        for problem in arrived.problems:
            self._emit(LogLine(level="warning", text=problem))

    @property
    def stops_now(self) -> bool:
        """Whether the run is to end before the next batch."""
        return "now" in (self.stop, self.skip_model)

    @property
    def ends_run(self) -> bool:
        """Whether the run is to end with the current epoch at the latest."""
        return self.stop in ("now", "epoch") or bool(self.skip_model)

    @property
    def needs_boundary(self) -> bool:
        """Whether something has to happen before the next batch."""
        asked = self.stops_now or self.paused or self.save_checkpoint
        return asked or any(map(_is_for_now, self._changes)) or self._record_full() is not None

    def take_changes(self, *, at_epoch_end: bool) -> list[SetTrainable | SetBatchNormLock]:
        """Remove and return the changes of layers that are due, in the order of the requests."""
        return self._take(
            lambda change: (
                not isinstance(change, SetLearningRate) and (at_epoch_end or change.when == "now")
            )
        )

    @property
    def waiting(self) -> tuple[Change, ...]:
        """The changes that are not done yet."""
        return tuple(self._changes)

    def restore(self, waiting: Sequence[Change], *, skips_stage: bool) -> None:
        """Restore the requests that waited when a checkpoint was written."""
        self._changes = [*waiting, *self._changes]
        self.skip_stage |= skips_stage
        for change in waiting:
            self._emit(CommandAccepted(command=change))

    def take_rates(self) -> list[SetLearningRate]:
        """Remove and return the requested rates, which can be set at any time."""
        return self._take(lambda change: isinstance(change, SetLearningRate))

    def _answer(self, command: Command) -> None:
        reason = self._rejection(command)
        if not reason and isinstance(command, QUEUE_COMMANDS) and self._runs is not None:
            reason = self._runs.change(command)
        if reason:
            self._emit(CommandRejected(command=command, reason=reason))
            return
        self._emit(CommandAccepted(command=command))
        self._take_change(command)
        self._take_request(command)
        if isinstance(command, QUEUE_COMMANDS) and self._runs is not None:
            self._emit(self._runs.state)

    def _take_change(self, command: Command) -> None:
        match command:
            case SetTrainable() | SetBatchNormLock() | SetLearningRate():
                self._changes.append(command)
            case ApplyNow():
                self._changes = [_for_now(change) for change in self._changes]
            case Withdraw(commands=ids):
                self._take(lambda change: change.id in ids)

    def _take_request(self, command: Command) -> None:
        match command:
            case Pause():
                self.paused = True
            case Resume():
                self.paused = False
            case Stop(when=when):
                self.stop = max(self.stop, when, key=STRENGTH.index)
                self.paused = False
            case Interrupt():
                self.stop, self.paused, self.interrupted = "now", False, True
            case SkipStage():
                self.skip_stage = True
            case SkipModel(when=when):
                self.skip_model = max(self.skip_model, when, key=STRENGTH.index)
                self.paused = False
            case SaveCheckpoint():
                self.save_checkpoint = True

    def _rejection(self, command: Command) -> str:
        """Why a command is rejected; empty where it is accepted."""
        if isinstance(command, QUEUE_COMMANDS):
            return self._rejection_of_queue()
        if self._closed and not isinstance(command, (Stop, Interrupt)):
            return self._closed
        match command:
            case SetTrainable(layers=layers):
                unknown = [name for name in layers if name not in self._known]
                if unknown or not layers:
                    return f"expected layers with weights, found {unknown[:3]}"
            case SetLearningRate(value=value):
                return self._rejection_of_rate(value)
            case ApplyNow() if not self._changes:
                return "nothing waits"
            case Withdraw(commands=ids) if not any(c.id in ids for c in self._changes):
                return "none of these changes waits any more"
            case SkipStage():
                return self._unskippable
        return ""

    def _rejection_of_queue(self) -> str:
        if self._runs is None:
            return NO_QUEUE
        return "the queue is being stopped" if self.stop else ""

    def _rejection_of_rate(self, value: float) -> str:
        if self._fixed_rate:
            return self._fixed_rate
        is_rate = math.isfinite(value) and 0 < value <= 10
        return "" if is_rate else f"expected a rate in (0, 10], found {value}"


def _is_for_now(change: Change) -> bool:
    return isinstance(change, SetLearningRate) or change.when == "now"


def _for_now(change: Change) -> Change:
    return change if isinstance(change, SetLearningRate) else replace(change, when="now")
