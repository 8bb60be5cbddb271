"""How long steps wait for their batches, measured by the real trainer, and what is made of it."""

from __future__ import annotations

import time
from typing import Any

import pytest

import engine.state.bottleneck
import engine.training.assembly
from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.datasets.augmentation import render_choice
from engine.protocol.commands import Command, Stop
from engine.protocol.events import BatchEnded, EpochEnded, Event
from engine.runs.checkpoint import read_position
from engine.state.bottleneck import INPUT_SHARE, find_bottleneck
from engine.state.store import RunStore
from tests.support.training import Train, Trained

SPEC = RunSpec(
    model="CustomCNN",
    dataset="digits",
    stages=(Stage("all", 3, 1e-3, None),),
    image_size=32,
    batch_size=16,
    train_limit=160,
    validation=0.1,
    weights="none",
    flip=True,
)
NAP_SECONDS = 0.15
"""Of the slow source, for a batch; a step takes a fraction of it."""


@pytest.fixture(autouse=True)
def short_epochs_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge epochs of a second or so, which would not be worth an advice."""
    monkeypatch.setattr(engine.state.bottleneck, "LEAST_EPOCH_SECONDS", 0.1)


def verdict(trained: Trained) -> str:
    """What limits the run, in a word; empty where nothing does."""
    store = RunStore("run", trained.spec)
    for event in trained.events:
        store.apply(event)
    found = find_bottleneck(store.snapshot())
    return found.word if found else ""


def waits(trained: Trained) -> list[float]:
    """The share of each epoch's training that went into waiting."""
    return [epoch.input_wait_seconds / epoch.train_seconds for epoch in trained.all(EpochEnded)]


@pytest.mark.slow("that a source that keeps up is not blamed; with one thread it could not keep up")
def test_a_source_that_keeps_up_is_hardly_waited_for(train: Train) -> None:
    trained = train(SPEC)
    assert all(0 <= share < INPUT_SHARE for share in waits(trained))
    told = [event.input_wait_seconds for event in trained.all(BatchEnded)]
    assert None not in told
    assert verdict(trained) != "input-bound"


@pytest.mark.slow("that the wait which is measured is that of the source")
def test_a_slow_source_makes_a_run_input_bound(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*parts: Any, **options: Any) -> Any:
        time.sleep(NAP_SECONDS)
        return render_choice(*parts, **options)

    def stop_in_the_last_epoch(event: Event) -> list[Command]:
        is_there = isinstance(event, BatchEnded) and event.epoch == SPEC.epochs
        return [Stop(when="now")] if is_there else []

    monkeypatch.setattr(engine.training.assembly, "render_choice", slow)
    trained = train(SPEC, stop_in_the_last_epoch)
    assert all(0.5 < share <= 1 for share in waits(trained)[1:])
    assert verdict(trained) == "input-bound"
    # That of the epoch at work is in the checkpoint.
    position = read_position(trained.directory.checkpoints / "last.npz")
    assert position.step > 0
    assert 0.5 < position.sums.input_wait_seconds / position.sums.seconds <= 1
