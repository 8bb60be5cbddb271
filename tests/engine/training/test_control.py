"""Commands: answered at once, carried out at their time."""

from __future__ import annotations

import math
import threading
from pathlib import Path

import pytest

from engine.protocol.commands import (
    ApplyNow,
    Command,
    CommandQueue,
    Pause,
    Resume,
    SaveCheckpoint,
    SetBatchNormLock,
    SetLearningRate,
    SetTrainable,
    SkipModel,
    SkipStage,
    Stop,
    Withdraw,
)
from engine.protocol.events import CommandAccepted, CommandRejected, Event, LogLine, PhaseChanged
from engine.runs.commands_file import CommandFile
from engine.training.control import Control


class Told:
    """A control with its queue and what it emitted."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.queue = CommandQueue()
        self.control = Control(self.queue, self.events.append)
        self.control.know_layers(frozenset({"conv", "dense"}))

    def tell(self, *commands: Command) -> Control:
        for command in commands:
            self.queue.put(command)
        self.control.poll()
        return self.control


def test_a_toggle_at_the_epochs_end_waits_for_it() -> None:
    toggle = SetTrainable(layers=("conv",), value=True)
    told = Told()
    control = told.tell(toggle)
    assert [type(event) for event in told.events] == [CommandAccepted]
    assert not control.needs_boundary
    assert control.take_changes(at_epoch_end=False) == []
    assert control.take_changes(at_epoch_end=True) == [toggle]
    assert control.take_changes(at_epoch_end=True) == []


@pytest.mark.parametrize(
    "command",
    [
        SetTrainable(layers=("conv",), value=True, when="now"),
        SetBatchNormLock(value=False, when="now"),
    ],
    ids=lambda command: type(command).__name__,
)
def test_a_change_now_asks_for_a_boundary(command: Command) -> None:
    control = Told().tell(command)
    assert control.needs_boundary
    assert control.take_changes(at_epoch_end=False) == [command]
    assert not control.needs_boundary


@pytest.mark.parametrize(
    "command",
    [
        SetTrainable(layers=("nowhere",), value=True),
        SetTrainable(layers=(), value=True),
        SetLearningRate(value=0.0),
        SetLearningRate(value=-1.0),
        SetLearningRate(value=math.nan),
    ],
    ids=["unknown", "no layer", "zero", "negative", "no number"],
)
def test_nonsense_is_rejected_with_a_reason(command: Command) -> None:
    told = Told()
    control = told.tell(command)
    (event,) = told.events
    assert isinstance(event, CommandRejected)
    assert "expected" in event.reason
    assert not control.needs_boundary
    assert control.take_changes(at_epoch_end=True) == []


def test_a_rate_asks_for_a_boundary_and_can_be_taken_at_any_time() -> None:
    rate = SetLearningRate(value=0.1)
    control = Told().tell(rate)
    assert control.needs_boundary
    assert control.take_changes(at_epoch_end=True) == []
    assert control.take_rates() == [rate]
    assert not control.needs_boundary


def test_what_waits_can_be_brought_forward_or_taken_back() -> None:
    toggle, lock = SetTrainable(layers=("conv",), value=True), SetBatchNormLock(value=False)
    told = Told()
    control = told.tell(toggle, lock)
    assert not control.needs_boundary
    control = told.tell(Withdraw(commands=(lock.id,)), ApplyNow())
    assert control.needs_boundary
    assert [change.id for change in control.take_changes(at_epoch_end=False)] == [toggle.id]
    told.events.clear()
    told.tell(ApplyNow(), Withdraw(commands=(toggle.id,)))
    assert [type(event) for event in told.events] == [CommandRejected, CommandRejected]


def test_a_model_is_skipped_now_or_after_the_epoch() -> None:
    control = Told().tell(SkipModel(when="epoch"))
    assert (control.ends_run, control.stops_now, control.stop) == (True, False, "")
    assert Told().tell(SkipModel(when="now"), SkipModel(when="epoch")).stops_now


def test_the_last_stage_is_not_skipped() -> None:
    told = Told()
    told.control.begin_stage("cosine", is_last=True)
    assert not told.tell(SkipStage()).skip_stage
    assert isinstance(told.events[-1], CommandRejected)


def test_lines_of_the_runs_file_are_commands_too(tmp_path: Path) -> None:
    events: list[Event] = []
    path = tmp_path / "commands.jsonl"
    control = Control(CommandQueue(), events.append, CommandFile(path))
    control.poll()
    path.write_text('{"command": "Pause", "id": "a"}\nnonsense\n')
    control.poll()
    assert control.paused
    accepted, warning = events
    assert isinstance(accepted, CommandAccepted)
    assert accepted.command == Pause(id="a")
    assert isinstance(warning, LogLine)
    assert "nonsense" in warning.text


def test_a_pause_is_told_and_its_seconds_are_counted() -> None:
    told = Told()
    told.queue.put(Pause())
    resumes = threading.Timer(0.05, told.queue.put, (Resume(),))
    resumes.start()
    told.control.poll()
    assert told.control.wait_out_pause()
    phases = [event.phase for event in told.events if isinstance(event, PhaseChanged)]
    assert phases == ["paused"]
    assert not told.control.wait_out_pause()
    assert told.control.paused_seconds > 0


def test_pause_lasts_until_resume_or_stop() -> None:
    told = Told()
    assert told.tell(Pause()).needs_boundary
    assert not told.tell(Resume()).paused
    assert not told.tell(Pause(), Stop(when="epoch")).paused


def test_only_a_stop_now_ends_the_batch() -> None:
    assert not Told().tell(Stop(when="epoch")).needs_boundary
    assert not Told().tell(Stop(when="run")).needs_boundary
    assert Told().tell(Stop(when="now")).stops_now


def test_the_rest_is_remembered() -> None:
    control = Told().tell(SkipStage(), SaveCheckpoint())
    assert control.skip_stage
    assert control.needs_boundary


def test_of_two_stops_the_stronger_counts() -> None:
    assert Told().tell(Stop(when="now"), Stop(when="run")).stop == "now"
    assert Told().tell(Stop(when="run"), Stop(when="epoch")).stop == "epoch"


def test_a_rate_does_not_outlive_its_stage() -> None:
    told = Told()
    toggle = SetTrainable(layers=("conv",), value=True)
    control = told.tell(SetLearningRate(value=0.1), toggle)
    control.begin_stage("constant", is_last=False)
    assert isinstance(told.events[-1], CommandRejected)
    assert control.take_changes(at_epoch_end=True) == [toggle]


def test_a_rate_that_follows_a_cosine_is_rejected_with_what_to_do() -> None:
    told = Told()
    told.control.begin_stage("cosine", is_last=False)
    told.tell(SetLearningRate(value=0.1))
    rejected = told.events[-1]
    assert isinstance(rejected, CommandRejected)
    assert rejected.reason == (
        "the rate of this stage follows a cosine; with `schedule` constant it can be changed"
    )


def test_closed_it_refuses_all_but_a_stop() -> None:
    told = Told()
    control = told.tell(SetTrainable(layers=("conv",), value=True))
    control.close()
    told.tell(Pause(), Stop(when="run"))
    assert [type(event) for event in told.events] == [
        CommandAccepted,
        CommandRejected,
        CommandRejected,
        CommandAccepted,
    ]
    assert not control.paused
