"""What the person has asked of the run at work, and when it takes effect."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeGuard, TypeVar

from engine.common.append import DiskFull, is_disk_full
from engine.config.spec import Schedule
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
"""Of two Stops, and of two SkipModels, the one that ends more counts."""
PAUSE_POLL_SECONDS = 0.2
"""Between two looks at the run's file of commands."""
ROOM_POLL_SECONDS = 2.0
"""Between two tries to write what a full disk did not take."""
Written = TypeVar("Written")
Change = SetTrainable | SetBatchNormLock | SetLearningRate


class Control:
    """Drains the command queue, answers each command, and keeps what waits for its time.

    It decides nothing about the model: the trainer asks `needs_boundary` after every batch, leaves
    `fit` if so, and takes what is due.
    """

    def __init__(
        self,
        queue: CommandQueue,
        emit: Callable[[Event], None],
        file: CommandFile | None = None,
        record_full: Callable[[], DiskFull | None] = lambda: None,
        runs: RunQueue | None = None,
    ) -> None:
        """Begin with nothing asked.

        Args:
            queue: where commands come from.
            emit: takes the answers.
            file: the run's file of commands, where they come from as well.
            record_full: tries to write what the record could not, and says what still waits.
            runs: the queue that commands may change; None where this run is all there is.
        """
        self._runs = runs
        self._queue, self._file = queue, file
        self._emit, self._record_full = emit, record_full
        self._changes: list[Change] = []
        self._known: frozenset[str] = frozenset()
        self._refuses = ""
        self.refuses_rate = ""
        """Why the learning rate cannot be set now; empty where it can."""
        self.refuses_skip = ""
        """Why the stage cannot be skipped; empty where it can."""
        self.paused = False
        self.paused_seconds = 0.0
        """Spent in pauses so far."""
        self.stop: Literal["", "now", "epoch", "run"] = ""
        self.interrupted = False
        """Whether the process has to go: the run is to be resumed elsewhere."""
        self.skip_stage = False
        self.skip_model: Literal["", "now", "epoch"] = ""
        self.save_checkpoint = False

    def know_layers(self, layers: frozenset[str]) -> None:
        """Tell which layers can be toggled: the leaves that hold weights."""
        self._known = layers

    def close(self) -> None:
        """Refuse from now on all but a Stop, and what was accepted but came too late."""
        self._refuses = "the training of this model has ended"
        self._withdraw(self._changes, self._refuses)
        self.paused = self.save_checkpoint = False

    def begin_stage(self, schedule: Schedule, *, is_last: bool) -> None:
        """Know what the stage allows; a rate that was asked for the one before is refused."""
        rates = [change for change in self._changes if isinstance(change, SetLearningRate)]
        self._withdraw(rates, "its stage has ended")
        self.refuses_rate = self.refuses_skip = ""
        if schedule != "constant":
            self.refuses_rate = f"the rate of this stage follows its {schedule}"
        if is_last:
            self.refuses_skip = "this is the last stage; stop after this epoch instead"

    def _withdraw(self, changes: Sequence[Change], reason: str) -> None:
        self._changes = [change for change in self._changes if change not in changes]
        for change in changes:
            self._emit(CommandRejected(command=change, reason=reason))

    def poll(self) -> None:
        """Take and answer all commands that have arrived; never waits."""
        self._read_file()
        for command in self._queue.drain():
            self._answer(command)

    def wait(self, seconds: float) -> None:
        """The same, waiting up to `seconds` for one to arrive in the queue."""
        self._read_file()
        for command in self._queue.wait(seconds):
            self._answer(command)

    def wait_out_pause(self) -> bool:
        """Stand still while paused, or while the record finds no room; gives whether it did."""
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
        """Write something, waiting with the run as long as the disk has no room for it.

        Args:
            path: what is written, for the words.
            size: about how many bytes it takes.
            write: writes it whole or not at all; called again once there may be room.

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
        """Whether the run is to end at the latest with the epoch at work."""
        return self.stop in ("now", "epoch") or bool(self.skip_model)

    @property
    def needs_boundary(self) -> bool:
        """Whether something is to happen before the next batch."""
        asked = self.stops_now or self.paused or self.save_checkpoint or bool(self._due(now=True))
        return asked or self._record_full() is not None

    def take_changes(self, *, at_epoch_end: bool) -> list[SetTrainable | SetBatchNormLock]:
        """The changes of layers that are due, in the order they were asked; they wait no longer."""
        due = [change for change in self._due(now=not at_epoch_end) if _is_of_layers(change)]
        self._changes = [change for change in self._changes if change not in due]
        return due

    @property
    def waiting(self) -> tuple[Change, ...]:
        """The changes that are not carried out yet."""
        return tuple(self._changes)

    def restore(self, waiting: Sequence[Change], *, skips_stage: bool) -> None:
        """Go on with what a checkpoint found waiting."""
        self._changes = [*waiting, *self._changes]
        self.skip_stage |= skips_stage
        for change in waiting:
            self._emit(CommandAccepted(command=change))

    def take_rates(self) -> list[SetLearningRate]:
        """The rates that were asked for: they can be set at any time."""
        rates = [change for change in self._changes if isinstance(change, SetLearningRate)]
        self._changes = [change for change in self._changes if change not in rates]
        return rates

    def _due(self, *, now: bool) -> list[Change]:
        return [change for change in self._changes if not now or _is_for_now(change)]

    def _answer(self, command: Command) -> None:
        reason = self._refusal(command)
        if not reason and isinstance(command, QUEUE_COMMANDS) and self._runs is not None:
            reason = self._runs.change(command)
        if reason:
            self._emit(CommandRejected(command=command, reason=reason))  # type: ignore[arg-type]
            return
        self._emit(CommandAccepted(command=command))  # type: ignore[arg-type]
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
                self._changes = [change for change in self._changes if change.id not in ids]

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

    def _refusal(self, command: Command) -> str:
        if isinstance(command, QUEUE_COMMANDS):
            return self._refusal_of_queue()
        if self._refuses and not isinstance(command, (Stop, Interrupt)):
            return self._refuses
        match command:
            case SetTrainable(layers=layers):
                unknown = [name for name in layers if name not in self._known]
                if unknown or not layers:
                    return f"expected layers with weights, found {unknown[:3]}"
            case SetLearningRate(value=value):
                return self._refusal_of_rate(value)
            case ApplyNow() if not self._changes:
                return "nothing waits"
            case Withdraw(commands=ids) if not any(c.id in ids for c in self._changes):
                return "nothing of it waits any more"
            case SkipStage():
                return self.refuses_skip
        return ""

    def _refusal_of_queue(self) -> str:
        if self._runs is None:
            return "this run has no queue"
        return "the queue is being stopped" if self.stop else ""

    def _refusal_of_rate(self, value: float) -> str:
        if self.refuses_rate:
            return self.refuses_rate
        is_rate = math.isfinite(value) and 0 < value <= 10
        return "" if is_rate else f"expected a rate in (0, 10], found {value}"


def _is_of_layers(change: Change) -> TypeGuard[SetTrainable | SetBatchNormLock]:
    return not isinstance(change, SetLearningRate)


def _is_for_now(change: Change) -> bool:
    return isinstance(change, SetLearningRate) or change.when == "now"


def _for_now(change: Change) -> Change:
    return change if isinstance(change, SetLearningRate) else replace(change, when="now")
