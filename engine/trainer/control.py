"""What the person has asked of the run at work, and when it takes effect."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

from engine.commands import (
    Command,
    CommandQueue,
    Pause,
    Resume,
    SaveCheckpoint,
    SetBatchNormLock,
    SetLearningRate,
    SetTrainable,
    SkipStage,
    Stop,
)
from engine.events import CommandAccepted, CommandRejected, Event

STRENGTH = ("", "run", "epoch", "now")
"""Of two Stops the one that ends more counts."""
Change = SetTrainable | SetBatchNormLock | SetLearningRate


class Control:
    """Drains the command queue, answers each command, and keeps what waits for its time.

    It decides nothing about the model: the trainer asks `needs_boundary` after every batch, leaves
    `fit` if so, and takes what is due.
    """

    def __init__(self, queue: CommandQueue, emit: Callable[[Event], None]) -> None:
        self._queue = queue
        self._emit = emit
        self._changes: list[Change] = []
        self._known: frozenset[str] = frozenset()
        self._refuses = ""
        self.refuses_rate = ""
        """Why the learning rate cannot be set now; empty where it can."""
        self.paused = False
        self.stop: Literal["", "now", "epoch", "run"] = ""
        self.skip_stage = False
        self.save_checkpoint = False

    def know_layers(self, layers: frozenset[str]) -> None:
        """Tell which layers can be toggled: the leaves that hold weights."""
        self._known = layers

    def close(self) -> None:
        """Refuse from now on all but a Stop, and what was accepted but came too late."""
        self._refuses = "the training of this model has ended"
        self._withdraw(self._changes, self._refuses)
        self.paused = self.save_checkpoint = False

    def forget_rate(self) -> None:
        """Refuse a rate that was asked for a stage that is over."""
        rates = [change for change in self._changes if isinstance(change, SetLearningRate)]
        self._withdraw(rates, "its stage has ended")

    def _withdraw(self, changes: Sequence[Change], reason: str) -> None:
        self._changes = [change for change in self._changes if change not in changes]
        for change in changes:
            self._emit(CommandRejected(command=change, reason=reason))

    def poll(self) -> None:
        """Take and answer all commands that have arrived; never waits."""
        for command in self._queue.drain():
            self._answer(command)

    def wait(self, seconds: float) -> None:
        """The same, waiting up to `seconds` for one to arrive."""
        for command in self._queue.wait(seconds):
            self._answer(command)

    @property
    def stops_now(self) -> bool:
        """Whether the run is to end before the next batch."""
        return self.stop == "now"

    @property
    def needs_boundary(self) -> bool:
        """Whether something is to happen before the next batch."""
        return self.stops_now or self.paused or self.save_checkpoint or bool(self._due(now=True))

    def take_changes(self, *, at_epoch_end: bool) -> list[Change]:
        """The changes that are due, in the order they were asked; they wait no longer."""
        due = self._due(now=not at_epoch_end)
        self._changes = [change for change in self._changes if change not in due]
        return due

    def _due(self, *, now: bool) -> list[Change]:
        return [
            change
            for change in self._changes
            if not now or not isinstance(change, SetTrainable) or change.when == "now"
        ]

    def _answer(self, command: Command) -> None:
        reason = self._refusal(command)
        if reason:
            self._emit(CommandRejected(command=command, reason=reason))  # type: ignore[arg-type]
            return
        self._emit(CommandAccepted(command=command))  # type: ignore[arg-type]
        match command:
            case SetTrainable() | SetBatchNormLock() | SetLearningRate():
                self._changes.append(command)
            case Pause():
                self.paused = True
            case Resume():
                self.paused = False
            case Stop(when=when):
                self.stop = max(self.stop, when, key=STRENGTH.index)
                self.paused = False
            case SkipStage():
                self.skip_stage = True
            case SaveCheckpoint():
                self.save_checkpoint = True

    def _refusal(self, command: Command) -> str:
        if self._refuses and not isinstance(command, Stop):
            return self._refuses
        if isinstance(command, SetTrainable):
            unknown = [name for name in command.layers if name not in self._known]
            if unknown or not command.layers:
                return f"expected layers with weights, found {unknown[:3]}"
        if isinstance(command, SetLearningRate) and self.refuses_rate:
            return self.refuses_rate
        if isinstance(command, SetLearningRate) and not (
            math.isfinite(command.value) and 0 < command.value <= 10
        ):
            return f"expected a rate in (0, 10], found {command.value}"
        return ""
