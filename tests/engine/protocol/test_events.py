"""The JSON form of events and commands: what is written is what is read."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.spec import RunSpec
from engine.errors import InputError
from engine.protocol.commands import COMMAND_TYPES, Command, SetTrainable, Stop
from engine.protocol.events import (
    EVENT_TYPES,
    BatchEnded,
    CommandAccepted,
    CommandRejected,
    Event,
    FreezeApplied,
    HardwareSampled,
    LogLine,
    PhaseChanged,
    RunStarted,
    event_from_line,
    event_to_line,
    now,
)
from engine.protocol.facts import DataFacts, GpuReading, LayerNode, ModelFacts


def examples(spec: RunSpec) -> list[Event]:
    leaf = LayerNode("conv", "Conv2D", (16, 16, None), 432, True)
    return [
        PhaseChanged(phase="tracing", detail="batch 64"),
        RunStarted(
            spec=spec,
            model=ModelFacts(3, 50, 7, 32, 150),
            data=DataFacts(10, 2, 5, ("cat", "dog")),
            layers=LayerNode("net", "model", (10,), 432, True, (leaf,)),
            steps_per_epoch=3,
            epochs=3,
        ),
        FreezeApplied(epoch=2, trainable=("conv",), trainable_parameters=1, frozen_parameters=2),
        CommandAccepted(command=SetTrainable(layers=("conv",), value=True, when="now")),
        CommandRejected(command=Stop(when="run"), reason="no"),
        HardwareSampled(
            cpu_percent=(1.0, 2.5),
            memory_used_bytes=1,
            memory_total_bytes=2,
            process_memory_bytes=1,
            gpus=(GpuReading("H100", None, 3, None),),
        ),
        LogLine(level="warning", text="naïve\nlines ✓"),
    ]


def test_every_kind_is_read_as_written(spec: RunSpec) -> None:
    for event in examples(spec):
        line = event_to_line(event)
        assert line.count("\n") == 1
        assert event_from_line(line) == event


def test_what_was_recorded_before_waits_were_measured_still_reads() -> None:
    event = BatchEnded(
        epoch=1,
        step=1,
        loss=1.0,
        accuracy=0.5,
        batches=1,
        images_per_second=9.0,
        input_wait_seconds=0.25,
    )
    assert event_from_line(event_to_line(event)) == event
    plain = json.loads(event_to_line(event))
    del plain["input_wait_seconds"]
    assert event_from_line(json.dumps(plain)) == replace(event, input_wait_seconds=None)


def test_a_line_begins_with_the_name_and_the_time() -> None:
    plain = json.loads(event_to_line(LogLine(level="info", text="x", time=12.5)))
    assert list(plain)[:2] == ["event", "time"]
    assert plain == {"event": "LogLine", "time": 12.5, "level": "info", "text": "x"}


def test_a_command_stands_in_its_event_as_on_its_own_line() -> None:
    event = CommandAccepted(command=SetTrainable(id="7", layers=("a", "b"), value=False))
    assert json.loads(event_to_line(event))["command"] == {
        "command": "SetTrainable",
        "id": "7",
        "layers": ["a", "b"],
        "value": False,
        "when": "epoch",
    }


def test_nan_is_written_as_null_and_read_as_nan() -> None:
    event = BatchEnded(
        epoch=1, step=1, loss=math.nan, accuracy=0.5, batches=1, images_per_second=math.inf
    )
    line = event_to_line(event)
    assert json.loads(line)["loss"] is None
    read = event_from_line(line)
    assert isinstance(read, BatchEnded)
    assert math.isnan(read.loss)


# Not `st.text()`, which first looks at every character that there is, for seconds.
texts = st.lists(st.integers(0, 0xD7FF) | st.integers(0xE000, 0x10FFFF)).map(
    lambda codes: "".join(map(chr, codes))
)


@given(
    loss=st.floats(allow_nan=False, allow_infinity=False),
    step=st.integers(min_value=1, max_value=2**40),
    text=texts,
)
def test_any_number_and_any_text_survive(loss: float, step: int, text: str) -> None:
    batch = BatchEnded(
        epoch=1, step=step, loss=loss, accuracy=0.0, batches=1, images_per_second=1.0
    )
    log = LogLine(level="info", text=text)
    assert event_from_line(event_to_line(batch)) == batch
    assert event_from_line(event_to_line(log)) == log


def test_an_event_of_a_newer_program_is_passed_over() -> None:
    assert event_from_line('{"event": "Teleported", "time": 1}') is None
    line = '{"event": "LogLine", "time": 1.0, "level": "info", "text": "x", "colour": "red"}'
    assert event_from_line(line) == LogLine(level="info", text="x", time=1.0)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        "3",
        '{"time": 1}',
        '{"event": "LogLine", "time": 1}',
        '{"event": "EpochStarted", "epoch": "one", "stage": 1, "steps": 1}',
        '{"event": "CommandAccepted", "command": {"command": "Explode"}}',
        '{"event": "CommandRejected", "command": {"command": "Pause", "id": "1"}}',
        "[" * 100_000,
    ],
    ids=lambda line: line[:30],
)
def test_what_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(InputError):
        event_from_line(line)


def test_names_are_unique_and_time_never_goes_back() -> None:
    assert len(EVENT_TYPES) == len(Event.__subclasses__())
    assert len(COMMAND_TYPES) == len(Command.__subclasses__())
    times = [now() for _ in range(1000)]
    assert times == sorted(times)


def test_class_names_of_earlier_records_become_text_of_one_line() -> None:
    facts = DataFacts(1, 1, 1, ("two\nlines", "plain"))
    assert facts.class_names == (r"two\nlines", "plain")
