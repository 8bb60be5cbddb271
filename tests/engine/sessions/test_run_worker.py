"""The worker of one run: it holds the lock, records before it tells, and changes no queue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.errors import InputError
from engine.machine.provenance import find_origin
from engine.protocol.commands import AddRuns, Command, CommandQueue
from engine.protocol.events import CommandRejected, Event, RunEnded, now
from engine.runs.directory import RunDirectory, SpecFile, create_run
from engine.runs.listing import load_run, read_events
from engine.runs.lock import holder, locked
from engine.sessions.run_worker import RunWorker
from engine.training.control import NO_QUEUE

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


def hear_nothing(commands: Sequence[Command]) -> bool:
    return False


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    """A run that nobody has begun."""
    file = SpecFile(
        spec=SPEC, queue=("CustomCNN",), queue_position=0, created_at=now(), origin=find_origin()
    )
    return create_run(tmp_path, file)


def test_a_run_is_trained_in_its_directory(directory: RunDirectory) -> None:
    commands, told, unrecorded = CommandQueue(), list[Event](), list[Event]()
    commands.put(AddRuns(specs=(SPEC,)))

    def tell(event: Event) -> None:
        told.append(event)
        assert holder(directory.lock) is not None
        if isinstance(event, RunEnded) and event not in read_events(directory):
            unrecorded.append(event)

    worker = RunWorker(directory, SPEC, commands, tell, hear_nothing)
    worker.log("nothing runs yet, so this is not kept")
    assert worker.run() == "completed"
    assert holder(directory.lock) is None
    assert unrecorded == []
    assert [e.reason for e in told if isinstance(e, CommandRejected)] == [NO_QUEUE]
    assert isinstance(told[-1], RunEnded)
    assert (worker.was_told_to_end, worker.is_full) == (False, False)
    assert load_run(directory.path).status == "completed"
    assert "not kept" not in directory.log.read_text()


def test_a_run_of_another_process_is_left_alone(directory: RunDirectory) -> None:
    told = list[Event]()
    worker = RunWorker(directory, SPEC, CommandQueue(), told.append, hear_nothing)
    with locked(directory.lock), pytest.raises(InputError, match="no process writing it"):
        worker.run()
    assert told == []
    assert not directory.events.exists()
