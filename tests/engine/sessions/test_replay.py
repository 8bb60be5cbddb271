"""Playing a record by its recorded times."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from engine.protocol.commands import Pause
from engine.protocol.events import (
    Event,
    LogLine,
    QueueChanged,
    RunEnded,
    RunStarted,
    TestEnded,
    event_to_line,
)
from engine.runs.listing import RunRecord, load_run
from engine.sessions.replay import LONGEST_GAP_SECONDS, ReplaySession
from tests.support.ensembles import write_ensemble
from tests.support.runs import RunWriter


class Heard:
    """Keeps what is played, when, and what the recording's clock says then."""

    def __init__(self) -> None:
        self.session: ReplaySession | None = None
        self.events: list[Event] = []
        self.times: list[float] = []
        self.clock: list[float] = []

    def __call__(self, index: int, run_id: str, event: Event) -> None:
        assert self.session is not None
        self.events.append(event)
        self.times.append(time.monotonic())
        self.clock.append(self.session.recorded_now())


@pytest.fixture
def record(write_run: Any) -> RunRecord:
    """Three lines of log, 2 s and a day after each other, and no end."""
    run_id = write_run(status="interrupted")
    path: Path = write_run.runs_dir / run_id
    start = load_run(path).file.created_at
    with (path / "events.jsonl").open("w") as file:
        for after in (0, 2, 86_400):
            file.write(event_to_line(LogLine(time=start + after, level="info", text=str(after))))
    os.utime(path / "events.jsonl", (start, start))
    return load_run(path)


def play(record: RunRecord, speed: float) -> Heard:
    heard = Heard()
    heard.session = ReplaySession(record, speed)
    heard.session.add_sink(heard)
    heard.session.start()
    assert heard.session.join(30)
    return heard


def test_gaps_are_played_faster_and_long_ones_shortened(record: RunRecord) -> None:
    began = time.monotonic()
    heard = play(record, 20)
    # From the beginning: a busy machine hears one late, and then the next one sooner after it.
    _, second, third, _ = (at - began for at in heard.times)
    assert second >= 2 / 20 - 0.01
    assert third >= (2 + LONGEST_GAP_SECONDS) / 20 - 0.01
    assert third < 10


def test_the_end_that_a_killed_process_could_not_write_is_played(record: RunRecord) -> None:
    heard = play(record, 10_000)
    assert [type(event) for event in heard.events] == [LogLine] * 3 + [RunEnded]
    end = heard.events[-1]
    assert isinstance(end, RunEnded)
    assert (end.status, end.time) == ("interrupted", heard.events[-2].time)


def test_an_end_that_was_recorded_is_played_once(write_run: Any) -> None:
    run_id = write_run(test=0.5)
    path: Path = write_run.runs_dir / run_id
    with (path / "events.jsonl").open("a") as file:
        file.write(event_to_line(RunEnded(time=1_700_000_100.0, status="completed")))
    heard = play(load_run(path), 10_000)
    assert [event for event in heard.events if isinstance(event, RunEnded)] == heard.events[-1:]


def test_the_queue_of_the_run_is_no_part_of_its_replay(record: RunRecord) -> None:
    with record.directory.events.open("a") as file:
        changed = QueueChanged(time=1_700_200_000.0, waiting=(record.file.spec,), place=1)
        file.write(event_to_line(changed))
    heard = play(record, 10_000)
    assert not [event for event in heard.events if isinstance(event, QueueChanged)]


def test_the_clock_is_that_of_the_recording(record: RunRecord) -> None:
    heard = play(record, 10)
    for event, clock in zip(heard.events, heard.clock, strict=True):
        assert 0 <= clock - event.time <= LONGEST_GAP_SECONDS


def test_closing_ends_it_in_a_gap_and_commands_change_nothing(record: RunRecord) -> None:
    session = ReplaySession(record, 1)
    session.start()
    session.send(Pause())
    session.close()
    assert session.join(1.5)
    assert not record.directory.commands.exists()


def test_an_ensemble_is_played_to_its_end(write_run: RunWriter) -> None:
    heard = play(write_ensemble(write_run), 10_000)
    kinds = [type(event) for event in heard.events]
    assert [kind for kind in kinds if kind in (RunStarted, TestEnded, RunEnded)] == [
        RunStarted,
        TestEnded,
        RunEnded,
    ]
