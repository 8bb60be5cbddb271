"""All commands that a trainer takes, and the queue that carries them to the trainer's thread.

A line of `commands.jsonl` is one object: `command` (the class name), `id`, then the fields. A
command is a request: the trainer answers with CommandAccepted or CommandRejected, and reports what
it did with a separate event.
"""

from __future__ import annotations

import queue
import uuid
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from engine.config.spec import RunSpec

When = Literal["now", "epoch"]


@dataclass(frozen=True, kw_only=True)
class Command:
    """A request to the trainer; `id` ties the answer to it."""

    TAG: ClassVar = "command"

    id: str = field(default_factory=lambda: uuid.uuid4().hex[:8])


@dataclass(frozen=True, kw_only=True)
class SetTrainable(Command):
    """Freeze (`value` false) or unfreeze leaf layers, by their Keras names."""

    layers: tuple[str, ...]
    value: bool
    when: When = "epoch"


@dataclass(frozen=True, kw_only=True)
class SetLearningRate(Command):
    """Train at another learning rate from now on."""

    value: float


@dataclass(frozen=True, kw_only=True)
class SetBatchNormLock(Command):
    """Lock the backbone's BatchNormalization layers (inference mode, frozen) or release them."""

    value: bool
    when: When = "epoch"


@dataclass(frozen=True, kw_only=True)
class ApplyNow(Command):
    """Carry out the changes that wait for the epoch's end after this batch."""


@dataclass(frozen=True, kw_only=True)
class Withdraw(Command):
    """Withdraw changes that wait; accepted where at least one of them still waits."""

    commands: tuple[str, ...]
    """Ids of the commands that asked for them."""


@dataclass(frozen=True, kw_only=True)
class Pause(Command):
    """Wait, without counting the time, until Resume."""


@dataclass(frozen=True, kw_only=True)
class Resume(Command):
    """Train again after Pause."""


@dataclass(frozen=True, kw_only=True)
class Stop(Command):
    """End the queue after this batch (`now`), after this `epoch`, or after this whole `run`."""

    when: Literal["now", "epoch", "run"] = "epoch"


@dataclass(frozen=True, kw_only=True)
class Interrupt(Command):
    """End the queue after this batch with a checkpoint, to be resumed: the process has to end."""


@dataclass(frozen=True, kw_only=True)
class SkipStage(Command):
    """Go to the next stage at the end of this epoch."""


@dataclass(frozen=True, kw_only=True)
class SkipModel(Command):
    """Go to the next run of the queue, after this batch (`now`) or after this `epoch`."""

    when: When = "epoch"


@dataclass(frozen=True, kw_only=True)
class SaveCheckpoint(Command):
    """Save a checkpoint at the next boundary."""


@dataclass(frozen=True, kw_only=True)
class AddRuns(Command):
    """Put runs at the end of the queue."""

    specs: tuple[RunSpec, ...]


@dataclass(frozen=True, kw_only=True)
class MoveRun(Command):
    """Move a run that waits."""

    position: int
    """Among the runs that wait, from 0."""
    model: str
    """What is expected there: it may have begun meanwhile."""
    to: int
    """Its new position; a number beyond an end means that end."""


@dataclass(frozen=True, kw_only=True)
class RemoveRun(Command):
    """Remove a run that waits from the queue."""

    position: int
    """Among the runs that wait, from 0."""
    model: str
    """What is expected there: it may have begun meanwhile."""


QueueCommand = AddRuns | MoveRun | RemoveRun
QUEUE_COMMANDS = (AddRuns, MoveRun, RemoveRun)
COMMAND_TYPES: dict[str, type[Command]] = {kind.__name__: kind for kind in Command.__subclasses__()}


class CommandQueue:
    """Carries commands from any thread to the trainer's."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Command] = queue.SimpleQueue()

    def put(self, command: Command) -> None:
        """Add a command; never blocks."""
        self._queue.put(command)

    def drain(self) -> list[Command]:
        """Take all commands that have arrived, in order."""
        commands = []
        while True:
            try:
                commands.append(self._queue.get_nowait())
            except queue.Empty:
                return commands

    def wait(self, seconds: float) -> list[Command]:
        """Wait up to `seconds` for a first command, then take all that have arrived."""
        try:
            first = self._queue.get(timeout=seconds)
        except queue.Empty:
            return []
        return [first, *self.drain()]
