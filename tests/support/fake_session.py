"""A session that plays scripted events, with builders for the events and their model."""

from __future__ import annotations

from engine.config.recipe import NOTEBOOK
from engine.config.spec import RunSpec
from engine.protocol.commands import Command
from engine.protocol.events import (
    BatchEnded,
    EpochEnded,
    EpochStarted,
    Event,
    FreezeApplied,
    PhaseChanged,
    RunStarted,
    StageStarted,
)
from engine.protocol.facts import DataFacts, LayerNode, ModelFacts
from engine.sessions.handle import SessionHandle

STEPS = 10


class FakeSession(SessionHandle):
    """A session that emits the events that a test plays, and records the commands it is sent."""

    def __init__(self, specs: tuple[RunSpec, ...]) -> None:
        super().__init__("fake")
        self._specs = specs
        self.alive = False
        self.sent: list[Command] = []

    @property
    def specs(self) -> tuple[RunSpec, ...]:
        return self._specs

    @property
    def is_alive(self) -> bool:
        return self.alive

    def start(self) -> None:
        self.alive = True

    def send(self, command: Command) -> None:
        self.sent.append(command)

    def join(self, timeout: float | None = None) -> bool:
        return not self.alive

    def _work(self) -> None:
        """Nothing: a test plays the events."""

    def play(self, *events: Event, index: int = 0) -> None:
        """Emit these events for the run at `index`."""
        for event in events:
            self._tell(index, f"run-{index}", event)

    def begin(self, layers: LayerNode, index: int = 0) -> None:
        """Play a run up to the first batches of its first stage, whose head alone trains."""
        self.play(
            PhaseChanged(phase="loading", detail="TensorFlow"),
            RunStarted(
                spec=self._specs[index],
                model=ModelFacts(layers.parameters, 4, 10**6, 96, 9),
                data=DataFacts(640, 64, 100, ("cat", "dog")),
                layers=layers,
                steps_per_epoch=STEPS,
                epochs=8,
            ),
            StageStarted(stage=1, name="head", epochs=5, learning_rate=1e-3, trains="head"),
            frozen_but("predictions"),
            EpochStarted(epoch=1, stage=1, steps=STEPS),
            PhaseChanged(phase="training"),
            batch(1, 4),
            index=index,
        )


def spec_of(model: str = "EfficientNetLite0", seed: int = 0) -> RunSpec:
    """Return the spec of a run with the notebook's recipe."""
    return RunSpec(model=model, dataset="cifar10", stages=NOTEBOOK.stages, image_size=96, seed=seed)


def frozen_but(*names: str, ids: tuple[str, ...] = ()) -> FreezeApplied:
    """Return the confirmation that only these layers train, as the given commands requested."""
    return FreezeApplied(
        epoch=1,
        trainable=names,
        trainable_parameters=1_280 * len(names),
        frozen_parameters=5_000,
        command_ids=ids,
    )


def batch(epoch: int, step: int, accuracy: float = 0.5, loss: float = 1.5) -> BatchEnded:
    return BatchEnded(
        epoch=epoch, step=step, loss=loss, accuracy=accuracy, batches=2, images_per_second=640.0
    )


def epoch_end(epoch: int, val_accuracy: float, stage: int = 1) -> EpochEnded:
    return EpochEnded(
        epoch=epoch,
        stage=stage,
        loss=1.0,
        accuracy=0.6,
        val_loss=0.9,
        val_accuracy=val_accuracy,
        learning_rate=1e-3,
        train_seconds=3.0,
        validation_seconds=1.0,
        images_per_second=640.0,
    )


def small_model() -> LayerNode:
    """Return a model of two stages with a block each, and a head."""
    return _group(
        "model",
        "model",
        _group(
            "backbone",
            "backbone",
            _group("stem", "stage", _leaf("stem_conv"), _leaf("stem_relu", "ReLU", 0)),
            _group(
                "stage1",
                "stage",
                _group(
                    "block1",
                    "block",
                    _leaf("block1_conv"),
                    _leaf("block1_bn", "BatchNormalization"),
                ),
            ),
        ),
        _group("head", "head", _leaf("pool", "Pool", 0), _leaf("predictions", "Dense", 1_280)),
    )


def _leaf(name: str, kind: str = "Conv2D", parameters: int = 100) -> LayerNode:
    return LayerNode(
        name, kind, (4, 4, 8), parameters, name == "predictions", trainable_parameters=parameters
    )


def _group(name: str, kind: str, *children: LayerNode) -> LayerNode:
    parameters = sum(child.parameters for child in children)
    trainable = any(child.trainable for child in children)
    return LayerNode(name, kind, (4, 4, 8), parameters, trainable, children)
