"""A session of another process, followed through its files: a real one, and records of others."""

from __future__ import annotations

import dataclasses
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import engine.runs.listing
import engine.sessions.attached
from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.protocol.commands import (
    AddRuns,
    Command,
    Pause,
    RemoveRun,
    SetLearningRate,
    SkipModel,
    Stop,
)
from engine.protocol.events import (
    BatchEnded,
    CommandRejected,
    Event,
    LearningRateChanged,
    LogLine,
    PhaseChanged,
    QueueChanged,
    RunEnded,
    event_to_line,
    now,
)
from engine.runs.commands_file import CommandFile
from engine.runs.listing import RunRecord, list_runs, load_run, load_snapshot
from engine.sessions.attached import AttachedSession, append_command
from engine.sessions.local import Session
from engine.state.store import RunStore


class Heard:
    """A sink that keeps what it is told, to be waited for."""

    def __init__(self) -> None:
        self.events: list[tuple[int, str, Event]] = []
        self._joined = threading.Condition()

    def __call__(self, index: int, run_id: str, event: Event) -> None:
        with self._joined:
            self.events.append((index, run_id, event))
            self._joined.notify_all()

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for _, _, event in self.events if isinstance(event, kind)]

    def until(self, condition: Callable[[], object]) -> None:
        with self._joined:
            assert self._joined.wait_for(condition, 120), "it was not heard in 120 s"


Attach = Callable[[RunRecord], tuple[AttachedSession, Heard]]


@pytest.fixture
def attach() -> Iterator[Attach]:
    """Follows a run; gives the session and what is heard of it."""
    opened: list[AttachedSession] = []

    def open_session(run: RunRecord) -> tuple[AttachedSession, Heard]:
        session, heard = AttachedSession(run), Heard()
        session.add_sink(heard)
        session.start()
        opened.append(session)
        return session, heard

    yield open_session
    for session in opened:
        session.close()


@pytest.fixture
def endless() -> RunSpec:
    """A run that goes on until it is told to end."""
    return RunSpec(
        model="CustomCNN",
        dataset="digits",
        stages=(Stage("all", 10_000, 1e-3, None),),
        image_size=32,
        train_limit=150,
        weights="none",
        batchnorm="keras",
    )


def add(run: RunRecord, *events: Event) -> None:
    with run.directory.events.open("a") as file:
        file.writelines(event_to_line(event) for event in events)


def append_all(path: Path, commands: Sequence[Command]) -> None:
    for command in commands:
        append_command(path, command)


def begun(session: Session, runs_dir: Path) -> RunRecord:
    heard = Heard()
    session.add_sink(heard)
    session.start()
    heard.until(lambda: heard.of(BatchEnded))
    return list_runs(runs_dir).runs[0]


def has_trained(heard: Heard, place: int) -> bool:
    """Whether batches were heard of the run at this place of the queue."""
    return any(i == place and isinstance(event, BatchEnded) for i, _, event in heard.events)


@pytest.mark.slow("that two who watch a queue of real runs see and change the same")
def test_two_watch_a_training_change_it_and_end_its_queue_run_by_run(
    tmp_path: Path, attach: Attach, endless: RunSpec
) -> None:
    trained = Session([endless, endless], tmp_path, hardware=False)
    run = begun(trained, tmp_path)
    (one, first), (other, second) = attach(run), attach(run)
    assert one.specs == (endless, endless)

    one.send(SetLearningRate(value=0.0005))
    for heard in (first, second):
        heard.until(lambda heard=heard: heard.of(LearningRateChanged))  # type: ignore[misc]
        assert heard.of(LearningRateChanged)[-1].learning_rate == 0.0005

    third = dataclasses.replace(endless, seed=3)
    other.send(AddRuns(specs=(third,)))
    one.send(RemoveRun(position=1, model="CustomCNN"))
    for heard in (first, second):
        heard.until(lambda heard=heard: len(heard.of(QueueChanged)) == 2)  # type: ignore[misc]
        assert [len(e.waiting) for e in heard.of(QueueChanged)] == [2, 1]
    assert one.specs == other.specs == (endless, endless)

    other.send(SkipModel(when="now"))
    for heard in (first, second):
        heard.until(lambda heard=heard: has_trained(heard, 1))  # type: ignore[misc]
    one.send(Stop(when="now"))
    assert trained.join(120)
    assert one.join(20)
    assert other.join(20)
    for heard in (first, second):
        assert [(i, r, e.status) for i, r, e in heard.events if isinstance(e, RunEnded)] == [
            (0, trained.run_ids[0], "stopped"),
            (1, trained.run_ids[1], "stopped"),
        ]

    # What is followed gives the state that the record gives.
    store = RunStore(run.run_id, endless)
    for index, _, event in first.events:
        if index == 0:
            store.apply(event)
    assert store.snapshot() == load_snapshot(load_run(run.directory.path))

    # A change that fell between two runs is in neither record, but the next run's file knows it.
    file = tmp_path / trained.run_ids[1] / "spec.json"
    plain = json.loads(file.read_text())
    plain["queue"].append("CustomCNN")
    plain["queue_specs"].append(plain["queue_specs"][1])
    file.write_text(json.dumps(plain))
    session, heard = attach(load_run(tmp_path / trained.run_ids[1]))
    assert session.join(30)
    told = [(i, len(e.waiting), e.place) for i, _, e in heard.events if isinstance(e, QueueChanged)]
    assert told == [(0, 2, 1), (0, 1, 1), (0, 2, 1)]

    # Later the newer run is shown with the outline of the one before it, the older one alone.
    for run_id, places in zip(trained.run_ids, ({0}, {0, 1}), strict=True):
        session, heard = attach(load_run(tmp_path / run_id))
        assert session.join(20)
        assert {index for index, _, _ in heard.events} == places
        ends = [index for index, _, event in heard.events if isinstance(event, RunEnded)]
        assert ends == sorted(places)
    assert {i for i, _, event in heard.events if isinstance(event, BatchEnded)} == {1}


def test_a_run_whose_process_is_gone_is_interrupted_and_can_come_back(
    write_run: Any, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.sessions.attached, "LOOK_SECONDS", 0.1)
    run_id = write_run(status="interrupted", epochs=1)
    run = load_run(write_run.runs_dir / run_id)
    session, heard = attach(run)
    assert session.join(20)
    *before, (_, _, end) = heard.events
    assert isinstance(end, RunEnded)
    assert (end.status, end.time) == ("interrupted", before[-1][2].time)

    batch = heard.of(BatchEnded)[-1]
    add(run, batch)
    heard.until(lambda: len(heard.of(BatchEnded)) == 2)
    assert session.is_alive
    # A screen that holds it for interrupted learns by the phase that it goes on.
    phase = heard.events[-2][2]
    assert isinstance(phase, PhaseChanged)
    assert phase.phase == "training"
    assert heard.events[-1][2] == batch
    store = RunStore(run_id, run.file.spec)
    statuses = []
    for _, _, event in heard.events:
        store.apply(event)
        statuses.append(store.snapshot().status)
    assert statuses[-3:] == ["interrupted", "running", "running"]


def test_what_other_threads_say_after_the_end_does_not_revive_a_run(
    write_run: Any, attach: Attach
) -> None:
    run = load_run(write_run.runs_dir / write_run(test=0.5))
    add(run, RunEnded(time=1.7e9, status="completed"))
    add(run, LogLine(time=1.7e9, level="info", text="late"))
    session, heard = attach(run)
    assert session.join(20)
    assert [type(event) for _, _, event in heard.events[-2:]] == [RunEnded, LogLine]


def test_a_run_that_is_over_without_a_recorded_end_has_that_of_its_summary(
    write_run: Any, attach: Attach
) -> None:
    run = load_run(write_run.runs_dir / write_run(status="failed", error="no room"))
    session, heard = attach(run)
    assert session.join(20)
    assert [(end.status, end.error) for end in heard.of(RunEnded)] == [("failed", "no room")]


def test_a_folder_that_vanishes_ends_the_run(
    write_run: Any, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.sessions.attached, "LOOK_SECONDS", 0.1)
    run = load_run(write_run.runs_dir / write_run(status="interrupted"))
    os.utime(run.directory.events, (time.time(), time.time()))
    session, heard = attach(run)
    heard.until(lambda: heard.events)
    run.directory.path.rename(run.directory.path.with_name("elsewhere"))
    assert session.join(20)
    assert heard.of(RunEnded)[-1].status == "interrupted"


def counted(monkeypatch: pytest.MonkeyPatch, name: str, times: int) -> threading.Event:
    """Is set once a function of the follower has been called so often from now on."""
    real, done, calls = getattr(engine.sessions.attached, name), threading.Event(), list[None]()

    def call(*arguments: Any) -> Any:
        calls.append(None)
        if len(calls) >= times:
            done.set()
        return real(*arguments)

    monkeypatch.setattr(engine.sessions.attached, name, call)
    return done


def queued(run_id: str, runs_dir: Path, place: int) -> RunRecord:
    """The run as one of a queue of two."""
    file = runs_dir / run_id / "spec.json"
    plain = json.loads(file.read_text())
    queue = {"queue": [plain["spec"]["model"]] * 2, "queue_specs": [plain["spec"]] * 2}
    file.write_text(json.dumps(plain | queue | {"queue_id": "q", "queue_position": place}))
    return load_run(runs_dir / run_id)


@pytest.mark.parametrize("ahead", [-600.0, 600.0])
def test_between_two_runs_a_queue_goes_on_by_whatever_clock(
    write_run: Any, attach: Attach, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    run = queued(write_run(test=0.5), write_run.runs_dir, 0)
    add(run, RunEnded(time=now() + ahead, status="completed"))
    session, heard = attach(run)
    heard.until(lambda: heard.of(RunEnded))
    assert counted(monkeypatch, "runs_beside", 3).wait(20)
    assert session.is_alive
    assert abs(session.recorded_now() - (now() + ahead)) < 30

    other = queued(write_run(test=0.5), write_run.runs_dir, 1)
    heard.until(lambda: any(index == 1 for index, _, _ in heard.events))
    add(other, RunEnded(time=now() + ahead, status="completed"))
    assert session.join(20)


@pytest.mark.parametrize("ahead", [-600.0, 600.0])
def test_a_queue_whose_next_run_does_not_begin_ends_by_whatever_clock(
    write_run: Any, attach: Attach, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    monkeypatch.setattr(engine.sessions.attached, "NEXT_RUN_SECONDS", 0.3)
    run = queued(write_run(test=0.5), write_run.runs_dir, 0)
    add(run, RunEnded(time=now() + ahead, status="completed"))
    session, _ = attach(run)
    assert session.join(20)


@pytest.mark.parametrize("ahead", [-600.0, 600.0])
def test_a_run_of_another_machine_lives_while_it_is_heard_of(
    write_run: Any, attach: Attach, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    monkeypatch.setattr(engine.sessions.attached, "LOOK_SECONDS", 0.05)
    run = load_run(write_run.runs_dir / write_run(status="interrupted", epochs=1))
    os.utime(run.directory.events)
    session, heard = attach(run)
    batch = heard_batch(heard)
    assert counted(monkeypatch, "load_run", 2).wait(20)
    # From here on the file's time is by the clock of the other machine.
    add(run, batch)
    os.utime(run.directory.events, (time.time() + ahead,) * 2)
    heard.until(lambda: len(heard.of(BatchEnded)) == 2)
    ended = len(heard.of(RunEnded))
    assert counted(monkeypatch, "load_run", 3).wait(20)
    assert session.is_alive
    assert len(heard.of(RunEnded)) == ended
    monkeypatch.setattr(engine.runs.listing, "HEARTBEAT_LOST_SECONDS", 0.1)
    assert session.join(20)
    assert heard.of(RunEnded)[-1].status == "interrupted"


def heard_batch(heard: Heard) -> BatchEnded:
    heard.until(lambda: heard.of(BatchEnded))
    batch: BatchEnded = heard.of(BatchEnded)[-1]
    return batch


@pytest.mark.parametrize("ahead", [-600.0, 600.0])
def test_a_command_is_rejected_at_the_recorded_time(
    write_run: Any, attach: Attach, ahead: float
) -> None:
    run = load_run(write_run.runs_dir / write_run(test=0.5))
    run.directory.commands.mkdir()
    add(run, LogLine(time=now() + ahead, level="info", text="last"))
    session, heard = attach(run)
    heard.until(lambda: heard.of(LogLine))
    session.send(Pause())
    assert abs(heard.of(CommandRejected)[0].time - (now() + ahead)) < 30


def test_a_command_that_cannot_be_written_is_rejected_with_the_reason(
    write_run: Any, attach: Attach
) -> None:
    run = load_run(write_run.runs_dir / write_run(test=0.5))
    run.directory.commands.mkdir()
    session, heard = attach(run)
    command = Pause()
    session.send(command)
    (rejected,) = heard.of(CommandRejected)
    assert rejected.command == command
    assert "commands.jsonl" in rejected.reason


def test_commands_of_many_writers_are_all_whole(tmp_path: Path) -> None:
    path = tmp_path / "commands.jsonl"
    commands = [Pause() for _ in range(200)]
    writers = [threading.Thread(target=append_all, args=(path, commands[i::8])) for i in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    arrived = CommandFile(path).read()
    assert {command.id for command in arrived.commands} == {command.id for command in commands}
    assert arrived.problems == ()


def test_half_a_line_of_somebody_else_does_not_take_a_command_with_it(tmp_path: Path) -> None:
    path = tmp_path / "commands.jsonl"
    path.write_text('{"command": "Pau')
    command = Pause()
    append_command(path, command)
    arrived = CommandFile(path).read()
    assert arrived.commands == (command,)
    assert len(arrived.problems) == 1


def test_a_queue_that_ended_long_ago_is_over_at_once(
    write_run: Any, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.sessions.attached, "NEXT_RUN_SECONDS", 1e6)
    run_id = write_run(status="completed", epochs=1)
    path = write_run.runs_dir / run_id
    spec = json.loads((path / "spec.json").read_text())
    spec |= {"queue": ["VGG16", "VGG16"], "queue_specs": [spec["spec"]] * 2}
    (path / "spec.json").write_text(json.dumps(spec))
    add(load_run(path), RunEnded(status="completed"))
    os.utime(path / "events.jsonl", (1_700_000_000, 1_700_000_000))
    session, _ = attach(load_run(path))
    assert session.join(30)
