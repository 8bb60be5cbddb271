"""Runs as sequences of events, for the tests of the store."""

from __future__ import annotations

from dataclasses import replace

from engine.config.spec import RunSpec
from engine.protocol.events import (
    BatchEnded,
    EpochEnded,
    EpochStarted,
    Event,
    FeaturesReady,
    FreezeApplied,
    PhaseChanged,
    RunEnded,
    RunStarted,
    StageStarted,
    TestEnded,
    event_to_line,
)
from engine.protocol.facts import DataFacts, LayerNode, ModelFacts
from engine.runs.listing import RunRecord
from engine.state.snapshot import RunSnapshot
from engine.state.store import RunStore


def play(spec: RunSpec, events: list[Event]) -> RunSnapshot:
    store = RunStore("run", spec)
    for event in events:
        store.apply(event)
    return store.snapshot()


def epoch_ended(epoch: int, stage: int, val_accuracy: float, time: float) -> EpochEnded:
    return EpochEnded(
        epoch=epoch,
        stage=stage,
        loss=0.5,
        accuracy=0.8,
        val_loss=0.6,
        val_accuracy=val_accuracy,
        learning_rate=1e-3,
        train_seconds=10.0,
        validation_seconds=2.0,
        images_per_second=32.0,
        time=time,
    )


def whole_run(spec: RunSpec) -> list[Event]:
    """Return two epochs of the head and one of fine-tuning, ten steps each, at given seconds."""
    freeze = FreezeApplied(
        epoch=1, trainable=("head",), trainable_parameters=10, frozen_parameters=90, time=106
    )
    events: list[Event] = [
        PhaseChanged(phase="loading", detail="TensorFlow", time=100),
        RunStarted(
            spec=spec,
            model=ModelFacts(100, 5, 7, 32, 4),
            data=DataFacts(320, 32, 50, ("a", "b")),
            layers=LayerNode("net", "model", (2,), 100, True),
            steps_per_epoch=10,
            epochs=3,
            time=105,
        ),
        StageStarted(stage=1, name="head", epochs=2, learning_rate=1e-3, trains="head", time=105),
        PhaseChanged(phase="tracing", time=105),
        freeze,
    ]
    for epoch, stage, accuracy in ((1, 1, 0.7), (2, 1, 0.9), (3, 2, 0.8)):
        start = 110.0 + 20 * epoch
        if epoch == 3:
            events += [
                StageStarted(
                    stage=2,
                    name="fine-tune",
                    epochs=1,
                    learning_rate=1e-5,
                    trains="last 30 layers",
                    time=start,
                )
            ]
        events += [
            EpochStarted(epoch=epoch, stage=stage, steps=10, time=start),
            PhaseChanged(phase="training", time=start),
            BatchEnded(
                epoch=epoch,
                step=10,
                loss=0.5,
                accuracy=0.8,
                batches=10,
                images_per_second=32.0,
                time=start + 10,
            ),
            PhaseChanged(phase="validating", time=start + 10),
            epoch_ended(epoch, stage, accuracy, start + 12),
            PhaseChanged(phase="saving", time=start + 12),
        ]
    return [
        *events,
        PhaseChanged(phase="testing", time=190),
        TestEnded(loss=0.4, accuracy=0.85, images=50, time=195),
        RunEnded(status="completed", time=200),
    ]


def leaf(name: str, flops: int, parameters: int = 10) -> LayerNode:
    return LayerNode(name, "Conv2D", (2,), parameters, False, (), flops, parameters)


BODY = LayerNode(
    "body", "backbone", (2,), 20, False, (leaf("early", 9 * 10**7), leaf("late", 10**7)), 10**8
)
HEAD = LayerNode("top", "head", (2,), 10, True, (leaf("head", 20_000),), 20_000)
TREE = LayerNode("net", "model", (2,), 30, True, (BODY, HEAD), 10**8 + 20_000)


def frozen_but(*names: str, frontier: str, ids: tuple[str, ...] = ()) -> FreezeApplied:
    return FreezeApplied(
        epoch=1,
        trainable=names,
        trainable_parameters=10,
        frozen_parameters=20,
        command_ids=ids,
        frontier=frontier,
    )


def features(source: str = "extracted", seconds: float = 8.0) -> FeaturesReady:
    return FeaturesReady(
        epoch=1,
        source=source,  # type: ignore[arg-type]
        images=400,
        views=1,
        bytes=512_000,
        held="memory",
        seconds=seconds,
    )


def store_on_features(spec: RunSpec, tree: LayerNode = TREE) -> RunStore:
    """Return a store whose run trains a head on extracted features, before its first epoch."""
    started = RunStarted(
        spec=spec,
        model=ModelFacts(30, 3, tree.flops, 32, 3),
        data=DataFacts(320, 32, 48, ("a", "b")),
        layers=tree,
        steps_per_epoch=10,
        epochs=3,
    )
    store = RunStore("run", spec)
    for event in (
        started,
        StageStarted(stage=1, name="head", epochs=2, learning_rate=1e-3, trains="head"),
        frozen_but("head", frontier="head"),
        PhaseChanged(phase="extracting", time=100),
    ):
        store.apply(event)
    return store


def head_epoch(store: RunStore) -> None:
    """Return an epoch of the head: 1 ms a step, and 2 ms of validation."""
    store.apply(EpochStarted(epoch=1, stage=1, steps=10))
    store.apply(
        BatchEnded(epoch=1, step=10, loss=0.5, accuracy=0.8, batches=10, images_per_second=32_000.0)
    )
    store.apply(
        replace(
            epoch_ended(1, 1, 0.7, 0.0),
            train_seconds=0.01,
            validation_seconds=0.002,
            images_per_second=32_000.0,
        )
    )


def record_data(run: RunRecord, data: DataFacts) -> None:
    """Make a run's record say that it began on these data."""
    started = next(e for e in whole_run(run.file.spec) if isinstance(e, RunStarted))
    run.directory.events.write_text(event_to_line(replace(started, data=data)), encoding="utf-8")
