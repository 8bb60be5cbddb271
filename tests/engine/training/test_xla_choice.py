"""XLA on or off by measurement, as on a GPU but on the CPU: it changes nothing but the choice."""

from __future__ import annotations

import dataclasses
import json
import zipfile

import keras
import numpy as np
import pytest

import engine.backend.step_model
import engine.training.assembly
import engine.training.learner
import engine.training.segment
from engine.backend.xla import time_step
from engine.config.stage import Stage
from engine.machine.step_timings import StepTiming, remembered, timings_path
from engine.protocol.commands import CommandQueue, Stop
from engine.protocol.events import Event, LogLine
from engine.runs.checkpoint import read_position
from engine.runs.directory import RunDirectory
from engine.runs.resume import resumption_of
from engine.training import xla_choice
from engine.training.trainer import Trainer
from tests.support.small_net import small_spec
from tests.support.training import Train, Trained

pytestmark = pytest.mark.usefixtures("small_net")

STAGES = (Stage("head", 1, 1e-3, 0), Stage("fine-tune", 1, 1e-3, 8))
SPEC = dataclasses.replace(small_spec(1), stages=STAGES)
ONE_STAGE = small_spec(1, last=8)


@pytest.fixture
def as_on_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure on the CPU as on a GPU, in whose form the network then computes."""
    monkeypatch.setattr(xla_choice, "measures_xla", lambda device: True)
    monkeypatch.setattr(xla_choice, "WORTH_STEPS", 1)
    for module in (engine.backend.step_model, engine.training.assembly):
        monkeypatch.setattr(module, "fuses", lambda device: False)
    monkeypatch.setattr(engine.training.learner, "steps_per_execution", lambda *_: 1)


def choose(monkeypatch: pytest.MonkeyPatch, *, xla: bool) -> None:
    """Have this chosen, whatever was measured."""
    monkeypatch.setattr(StepTiming, "uses_xla", property(lambda _: xla))


def result(directory: RunDirectory) -> tuple[bytes, bytes]:
    """The predictions and the exported weights."""
    with zipfile.ZipFile(directory.model) as archive:
        weights = archive.read("model.weights.h5")
    return np.load(directory.predictions)["probabilities"].tobytes(), weights


def said(events: list[Event]) -> list[str]:
    """What the log says of XLA."""
    return [line.text for line in events if isinstance(line, LogLine) and "XLA" in line.text]


def resumed(run: Trained) -> list[Event]:
    """Train the rest of a run; returns its events."""
    events: list[Event] = []
    resumption = resumption_of(run.directory, keras.backend.backend())
    Trainer(run.spec, run.directory, events.append, CommandQueue(), resumption).run()
    return events


def test_nothing_is_timed_on_the_cpu(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise AssertionError("a step was timed, or looked for")

    monkeypatch.setattr(xla_choice, "WORTH_STEPS", 0)
    for name in ("time_step", "recall", "remember", "device_name"):
        monkeypatch.setattr(xla_choice, name, fails)
    run = train(small_spec(1), BatchEnded_1=[Stop(when="run")])
    assert run.status == "completed"
    assert not said(run.events)
    assert not timings_path().exists()


@pytest.mark.usefixtures("as_on_gpu")
@pytest.mark.parametrize(
    "xla",
    [False, pytest.param(True, marks=pytest.mark.slow("the same with XLA"))],
)
def test_a_timed_run_trains_as_if_it_was_not(
    train: Train, monkeypatch: pytest.MonkeyPatch, xla: bool
) -> None:
    choose(monkeypatch, xla=xla)
    timed = train(ONE_STAGE)
    assert len(said(timed.events)) == len(remembered()) == 1
    assert all(timing.xla_milliseconds for timing in remembered())
    before = timings_path().read_bytes()
    again = train(ONE_STAGE)
    assert [text.endswith(", as measured before") for text in said(again.events)] == [True]
    assert timings_path().read_bytes() == before
    assert result(again.directory) == result(timed.directory)
    if not xla:
        timings_path().unlink()
        monkeypatch.setattr(xla_choice, "WORTH_STEPS", 1_000)
        short = train(ONE_STAGE)
        assert not said(short.events)
        assert not timings_path().exists()
        assert result(short.directory) == result(timed.directory)


@pytest.mark.slow("that a resumed run computes as its first part did, whatever is measured since")
@pytest.mark.usefixtures("as_on_gpu")
def test_a_resumed_run_uses_what_its_first_part_used(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(monkeypatch, xla=True)
    monkeypatch.setattr(engine.training.segment, "BATCH_EVENT_SECONDS", 0.0)
    whole = train(SPEC)
    assert len(said(whole.events)) == len(remembered()) == 2
    stopped = train(SPEC, BatchEnded_4=[Stop(when="now")])
    position = read_position(stopped.directory.checkpoints / "last.npz")
    assert (position.stage, position.step) == (2, 1)
    assert list((position.xla or {}).values()) == [True, True]
    timings_path().unlink()
    choose(monkeypatch, xla=False)
    assert not said(resumed(stopped))
    assert result(stopped.directory) == result(whole.directory)


@pytest.mark.slow("that XLA is compiled for one stage and not for the next")
@pytest.mark.usefixtures("as_on_gpu")
def test_a_short_stage_does_not_take_over_what_was_measured_for_another(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(monkeypatch, xla=True)
    monkeypatch.setattr(xla_choice, "WORTH_STEPS", 4)
    monkeypatch.setattr(engine.training.segment, "BATCH_EVENT_SECONDS", 0.0)
    stages = (dataclasses.replace(STAGES[0], epochs=2), STAGES[1])
    run = train(dataclasses.replace(SPEC, stages=stages), BatchEnded_7=[Stop(when="now")])
    position = read_position(run.directory.checkpoints / "last.npz")
    assert (position.stage, position.step) == (2, 1)
    assert list((position.xla or {}).values()) == [True, False]
    assert len(remembered()) == 1


@pytest.mark.usefixtures("as_on_gpu")
def test_a_run_of_an_older_version_leaves_it_to_keras_to_its_end(train: Train) -> None:
    run = train(small_spec(2), EpochStarted_2=[Stop(when="now")])
    last = run.directory.checkpoints / "last.npz"
    with np.load(last) as arrays:
        kept = dict(arrays)
    plain = json.loads(kept["position"].tobytes())
    assert plain.pop("xla")
    kept["position"] = np.frombuffer(json.dumps(plain).encode(), np.uint8)
    np.savez(last, **kept)
    timings_path().unlink()
    events = resumed(run)
    assert not said(events)
    assert not timings_path().exists()


@pytest.mark.usefixtures("as_on_gpu")
def test_a_timing_that_fails_means_off_and_is_said_once(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails_with_xla(*given: object, xla: bool) -> object:
        if xla:
            raise ValueError("XLA has no kernel for this\nand much more")
        return time_step(*given, xla=xla)  # type: ignore[arg-type]

    monkeypatch.setattr(xla_choice, "time_step", fails_with_xla)
    run = train(small_spec(1))
    assert run.status == "completed"
    text = "XLA is off: the step could not be timed (ValueError: XLA has no kernel for this)"
    assert said(run.events) == [text]
    assert remembered() == ()


@pytest.mark.usefixtures("as_on_gpu")
def test_memory_that_ran_out_is_not_remembered(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    def runs_out(*_: object, xla: bool) -> object:
        raise MemoryError

    monkeypatch.setattr(xla_choice, "time_step", runs_out)
    run = train(small_spec(1))
    assert run.status == "completed"
    assert said(run.events) == ["XLA is off: the step could not be timed (MemoryError: )"]
    assert remembered() == ()
