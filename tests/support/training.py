"""Runs of the real trainer: what to train, commands at chosen events, and the results."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest

import engine.training.assembly
from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.machine.provenance import Origin
from engine.protocol.commands import Command, CommandQueue
from engine.protocol.events import EpochEnded, Event, PhaseChanged, RunStarted, TestEnded
from engine.runs.directory import RunDirectory, SpecFile, create_run
from engine.runs.recorder import Recorder
from engine.training.trainer import Trainer

OnEvent = Callable[[Event], Iterable[Command]]
"""Called with each event on the trainer's thread; returns the commands to send after it."""
SCRATCH = RunSpec(
    model="CustomCNN",
    dataset="cifar10-mini",
    stages=(Stage("all", 2, 1e-3, None),),
    image_size=32,
    batch_size=32,
    train_limit=150,
    validation=0.2,
    weights="none",
    batchnorm="keras",
)
"""Two epochs of four batches, the last of them smaller, in a second or two."""


def nothing_more(event: Event) -> Iterable[Command]:
    """Return no commands after any event."""
    return ()


class Trained:
    """A finished run: its events and its directory."""

    def __init__(
        self, folder: Path, spec: RunSpec, told: dict[str, Sequence[Command]], on_event: OnEvent
    ) -> None:
        """Train it in a new run directory of `folder`; see `trainer_in`."""
        self.spec = spec
        self.events: list[Event] = []
        self._told, self._on_event = told, on_event
        self._queue = CommandQueue()
        origin = Origin("here", 1, "tensorflow", {}, None)
        self.directory: RunDirectory = create_run(
            folder, SpecFile(spec, (spec.model,), 0, 1.7e9, origin)
        )
        self._recorder = Recorder(self.directory, spec)
        self._trainer = Trainer(spec, self.directory, self._emit, self._queue)
        self.status = self._trainer.run()
        self._recorder.close()

    def _emit(self, event: Event) -> None:
        """Send the commands that belong after this event: by class name and count, or phase."""
        self.events.append(event)
        self._recorder.record(event)
        count = sum(type(seen) is type(event) for seen in self.events)
        key = event.phase if isinstance(event, PhaseChanged) else f"{type(event).__name__} {count}"
        for command in (*self._told.pop(key, ()), *self._on_event(event)):
            self._queue.put(command)

    def all(self, kind: type[Any]) -> list[Any]:
        """Return the events of a kind, in order."""
        return [event for event in self.events if type(event) is kind]

    @property
    def phases(self) -> list[str]:
        """The phases of the run, in order."""
        return [event.phase for event in self.events if isinstance(event, PhaseChanged)]

    @property
    def losses(self) -> list[float]:
        """Training and validation loss of each epoch."""
        return [x for event in self.all(EpochEnded) for x in (event.loss, event.val_loss)]


class Train(Protocol):
    """Trains a spec; `EpochStarted_1=[command]` sends commands after that event."""

    def __call__(
        self, spec: RunSpec, on_event: OnEvent = nothing_more, /, **told: Sequence[Command]
    ) -> Trained: ...


def trainer_in(folder: Path) -> Train:
    """Return a function that trains each run in its own directory below `folder`."""

    def train(
        spec: RunSpec, on_event: OnEvent = nothing_more, /, **told: Sequence[Command]
    ) -> Trained:
        after = {key.replace("_", " "): commands for key, commands in told.items()}
        return Trained(folder, spec, after, on_event)

    return train


class TrainTwice(Protocol):
    """Trains a spec with cached features and without; `EpochStarted_1=command` goes to both."""

    def __call__(self, spec: RunSpec, /, **told: Command) -> tuple[Trained, Trained]: ...


def train_plainly(
    train: Train, spec: RunSpec, on_event: OnEvent = nothing_more, /, **told: Sequence[Command]
) -> Trained:
    """Train without cached features, every layer as Keras calls it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine.training.assembly, "fuses", lambda device: False)
        return train(dataclasses.replace(spec, feature_cache=False), on_event, **told)


def train_twice(train: Train, spec: RunSpec, /, **told: Command) -> tuple[Trained, Trained]:
    """Train with cached features and without, and check that both trainings are the same."""
    kept = train(spec, **{after: [command] for after, command in told.items()})
    plain = train_plainly(train, spec, **{after: [command] for after, command in told.items()})
    check_same_training(kept, plain)
    return kept, plain


def check_same_training(kept: Trained, plain: Trained) -> None:
    """Check that losses agree within 0.1 %, accuracies within 0.002 or one image."""
    assert kept.status == plain.status == "completed"
    pairs = list(zip(kept.all(EpochEnded), plain.all(EpochEnded), strict=True))
    assert pairs
    (started,) = kept.all(RunStarted)
    for a, b in pairs:
        assert (a.loss, a.val_loss) == pytest.approx((b.loss, b.val_loss), rel=1e-3)
        assert a.accuracy == pytest.approx(b.accuracy, abs=tolerance(started.data.train_images))
        limit = tolerance(started.data.validation_images)
        assert a.val_accuracy == pytest.approx(b.val_accuracy, abs=limit)
    (a,), (b,) = kept.all(TestEnded), plain.all(TestEnded)
    assert a.accuracy == pytest.approx(b.accuracy, abs=tolerance(a.images))


def tolerance(images: int) -> float:
    """Return the tolerance of an accuracy over a number of images."""
    return max(0.002, 1.001 / images)
