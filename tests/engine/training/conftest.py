"""Runs of the real trainer, with commands given at chosen events."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import keras
import pytest

import engine.training.assembly
from engine.config.spec import RunSpec
from engine.machine.provenance import Origin
from engine.protocol.commands import Command, CommandQueue
from engine.protocol.events import EpochEnded, Event, PhaseChanged, RunStarted, TestEnded
from engine.runs.directory import RunDirectory, SpecFile, create_run
from engine.runs.recorder import Recorder
from engine.training.trainer import Trainer

for module in ("checks", "proof", "small_net"):
    pytest.register_assert_rewrite(f"tests.engine.training.freeze_cases.{module}")

OnEvent = Callable[[Event], Iterable[Command]]
"""Called with each event on the trainer's thread; gives commands that belong after it."""


class Trained:
    """A finished run: its events, its directory."""

    def __init__(
        self,
        tmp_path: Path,
        spec: RunSpec,
        told: dict[str, list[Command]],
        on_event: OnEvent = lambda event: (),
    ) -> None:
        self.spec = spec
        self.events: list[Event] = []
        self._told, self._on_event = told, on_event
        self._queue = CommandQueue()
        origin = Origin("here", 1, "tensorflow", {}, None)
        self.directory: RunDirectory = create_run(
            tmp_path, SpecFile(spec, (spec.model,), 0, 1.7e9, origin)
        )
        self._recorder = Recorder(self.directory, spec)
        self._trainer = Trainer(spec, self.directory, self._emit, self._queue)
        self.status = self._trainer.run()
        self._recorder.close()

    def _emit(self, event: Event) -> None:
        """Give the commands that belong after this event: by class name and count, or phase."""
        self.events.append(event)
        self._recorder.record(event)
        count = sum(type(seen) is type(event) for seen in self.events)
        key = event.phase if isinstance(event, PhaseChanged) else f"{type(event).__name__} {count}"
        for command in (*self._told.pop(key, []), *self._on_event(event)):
            self._queue.put(command)

    def all(self, kind: type[Any]) -> list[Any]:
        """The events of a kind, in order."""
        return [event for event in self.events if type(event) is kind]


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., Trained]:
    """Trains a spec; `EpochStarted_1=[command]` gives commands after that event."""

    def run(spec: RunSpec, on_event: OnEvent = lambda event: (), **told: list[Command]) -> Trained:
        after = {key.replace("_", " "): commands for key, commands in told.items()}
        return Trained(tmp_path, spec, after, on_event)

    return run


@pytest.fixture
def prove_freezing(train: Callable[..., Trained]) -> Callable[..., Trained]:
    """Trains a spec by a script of commands; see `freeze_cases.proof.prove`."""
    from tests.engine.training.freeze_cases.proof import prove

    return functools.partial(prove, train)


@pytest.fixture
def small_net(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts the small backbone that holds every shape in MobileNetV2's place."""
    from tests.engine.training.freeze_cases.small_net import small_backbone

    monkeypatch.setattr(keras.applications, "MobileNetV2", small_backbone)


@pytest.fixture
def same_training(train: Callable[..., Trained]) -> Callable[..., tuple[Trained, Trained]]:
    """Trains a spec on kept features and without, every layer as Keras calls it; compares."""

    def run(spec: RunSpec, **told: Command) -> tuple[Trained, Trained]:
        kept = train(spec, **{after: [command] for after, command in told.items()})
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine.training.assembly, "fuses", lambda device: False)
            plain = train(
                dataclasses.replace(spec, feature_cache=False),
                **{after: [command] for after, command in told.items()},
            )
        check_same_training(kept, plain)
        return kept, plain

    return run


def check_same_training(kept: Trained, plain: Trained) -> None:
    """Losses within 0.1 %, accuracies within 0.002 or one image."""
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
    """Of an accuracy over so many images."""
    return max(0.002, 1.001 / images)
