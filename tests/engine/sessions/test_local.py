"""The session: a queue worked off on its own thread, one failure not ending it."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import pytest

from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.protocol.commands import AddRuns, Command, MoveRun, RemoveRun, Stop
from engine.protocol.events import (
    CommandRejected,
    EpochStarted,
    Event,
    HardwareSampled,
    LogLine,
    QueueChanged,
    RunEnded,
    RunStarted,
)
from engine.runs.listing import list_runs, load_run, read_events
from engine.sessions.local import Session

SPEC = RunSpec(
    model="CustomCNN",
    dataset="digits",
    stages=(Stage("all", 1, 1e-3, None),),
    image_size=32,
    batch_size=64,
    train_limit=100,
    validation=0.2,
    weights="none",
    batchnorm="keras",
)


class Sink:
    """Keeps what a session says, and on which thread."""

    def __init__(self) -> None:
        self.events: list[tuple[int, str, Event]] = []
        self.threads: set[str] = set()

    def __call__(self, index: int, run_id: str, event: Event) -> None:
        self.events.append((index, run_id, event))
        self.threads.add(threading.current_thread().name)


@pytest.mark.slow("that a queue of real runs survives the failure of one")
def test_a_failing_run_does_not_end_the_queue(tmp_path: Path) -> None:
    sink = Sink()
    failing = dataclasses.replace(SPEC, dataset="cifar10", data_path=str(tmp_path / "nowhere"))
    session = Session([failing, SPEC], tmp_path, sinks=[sink], hardware=False)
    session.start()
    assert session.join(300)
    ends = [(i, e.status) for i, _, e in sink.events if isinstance(e, RunEnded)]
    assert ends == [(0, "failed"), (1, "completed")]
    assert session.exit_code == 1
    assert sink.threads == {"trainer"}
    runs = list_runs(tmp_path).runs
    assert {run.run_id for run in runs} == set(session.run_ids)
    assert {run.file.queue for run in runs} == {("CustomCNN", "CustomCNN")}
    for run in runs:
        assert list(read_events(run.directory)) != []


def test_stop_ends_the_queue_and_what_is_printed_goes_to_the_log(tmp_path: Path) -> None:
    sink = Sink()
    endless = dataclasses.replace(SPEC, stages=(Stage("all", 10_000, 1e-3, None),))
    session = Session([endless, SPEC], tmp_path, sinks=[sink])
    stops = iter([True])

    def stop(index: int, run_id: str, event: Event) -> None:
        if isinstance(event, HardwareSampled) and next(stops, False):
            for i in range(500):
                session.log(f"printed {i}")
            session.send(Stop(when="now"))

    session.add_sink(stop)
    session.start()
    assert session.join(300)
    assert session.exit_code == 130
    assert [index for index, _, event in sink.events if isinstance(event, RunEnded)] == [0]
    assert any(isinstance(event, HardwareSampled) for _, _, event in sink.events)
    shown = [event for _, _, event in sink.events if isinstance(event, LogLine)]
    assert 20 <= len(shown) <= 60
    log = (tmp_path / session.run_ids[0] / "run.log").read_text().splitlines()
    assert log[-1] == "printed 499"


@pytest.mark.slow("that a stop between two runs is heard")
def test_a_stop_that_comes_after_a_run_ends_the_queue(tmp_path: Path) -> None:
    session = Session([SPEC, SPEC], tmp_path, hardware=False)

    def stop(index: int, run_id: str, event: Event) -> None:
        if isinstance(event, RunEnded):
            session.send(Stop(when="now"))

    session.add_sink(stop)
    session.start()
    assert session.join(300)
    assert len(session.run_ids) == 1
    assert session.exit_code == 130


@pytest.mark.slow("that changes of the queue reach the runs that follow and their files")
def test_the_queue_is_changed_while_it_is_worked_off(tmp_path: Path) -> None:
    sink = Sink()
    one, two, three = (dataclasses.replace(SPEC, seed=seed) for seed in (1, 2, 3))
    session = Session([SPEC, one, two], tmp_path, sinks=[sink], hardware=False)
    asked: dict[str, list[Command]] = {
        "during": [
            AddRuns(specs=(three,)),
            MoveRun(position=2, model="CustomCNN", to=0),
            RemoveRun(position=1, model="VGG16"),
        ],
        "between": [RemoveRun(position=1, model="CustomCNN")],
        "late": [AddRuns(specs=(SPEC,))],
    }

    def change(index: int, run_id: str, event: Event) -> None:
        if isinstance(event, EpochStarted):
            moment = "during"
        elif isinstance(event, RunEnded):
            moment = "between" if index == 0 else "late" if index == 2 else ""
        else:
            return
        for command in asked.pop(moment, []):
            session.send(command)

    session.add_sink(change)
    session.start()
    assert session.join(300)
    seeds = [e.spec.seed for _, _, e in sink.events if isinstance(e, RunStarted)]
    assert seeds == [0, 3, 2, 0]
    assert session.exit_code == 0
    changed = [e for _, _, e in sink.events if isinstance(e, QueueChanged)]
    waiting = [[spec.seed for spec in e.waiting] for e in changed]
    assert waiting == [[1, 2, 3], [3, 1, 2], [3, 2], [0]]
    refused = [e.reason for _, _, e in sink.events if isinstance(e, CommandRejected)]
    assert refused == ["VGG16 no longer waits at position 2"]
    files = [load_run(tmp_path / run_id).file for run_id in session.run_ids]
    assert [file.queue_position for file in files] == [0, 1, 2, 3]
    wholes = [[spec.seed for spec in file.queue_specs] for file in files]
    assert wholes == [[0, 1, 2], [0, 3, 2], [0, 3, 2], [0, 3, 2, 0]]


@pytest.mark.slow("that a session rejects runs while it stops")
def test_a_queue_that_is_being_stopped_takes_no_runs(tmp_path: Path) -> None:
    sink = Sink()
    session = Session([SPEC], tmp_path, sinks=[sink], hardware=False)

    def stop(index: int, run_id: str, event: Event) -> None:
        if isinstance(event, EpochStarted):
            session.send(Stop(when="run"))
            session.send(AddRuns(specs=(SPEC,)))

    session.add_sink(stop)
    session.start()
    assert session.join(300)
    assert len(session.run_ids) == 1
    refused = [e.reason for _, _, e in sink.events if isinstance(e, CommandRejected)]
    assert refused == ["the queue is being stopped"]


def test_a_folder_that_vanished_is_told_to_the_sinks(tmp_path: Path) -> None:
    sink = Sink()
    session = Session([SPEC], tmp_path / "gone", sinks=[sink], hardware=False)
    session.start()
    assert session.join(60)
    (end,) = [event for _, _, event in sink.events if isinstance(event, RunEnded)]
    assert end.status == "failed"
    assert session.exit_code == 1
