"""The screens over another process's training and over a recording: the same, and left freely."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

import tui.app
from engine.protocol.commands import AddRuns, SetLearningRate, Stop
from engine.protocol.events import (
    CommandRejected,
    Event,
    LearningRateChanged,
    PhaseChanged,
    RunEnded,
    event_to_line,
)
from engine.protocol.facts import LayerNode
from engine.runs.commands_file import CommandFile
from engine.runs.directory import write_json
from engine.runs.listing import RunRecord, load_run, read_events
from engine.runs.summary import Summary
from engine.sessions.attached import AttachedSession
from engine.sessions.replay import ReplaySession
from tui.app import CifarApp, Leaving
from tui.screens.choice import ChoiceScreen
from tui.screens.launcher.screen import LauncherScreen
from tui.screens.results.screen import ResultsScreen
from tui.screens.training.screen import TrainingScreen
from tui.session.source import Source

Head = Callable[[Any], str]


@pytest.fixture(autouse=True)
def _draw_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tui.app, "REDRAW_SECONDS", 0.01)


@pytest.fixture
def record(write_run: Any, session: Any, layers: LayerNode) -> RunRecord:
    """A run of this process's own host and time: alive as far as anyone can tell."""
    run = load_run(write_run.runs_dir / write_run(status="interrupted"))
    said: list[Event] = []
    session.add_sink(lambda index, run_id, event: said.append(event))
    session.begin(layers)
    run.directory.events.write_text("".join(map(event_to_line, said)))
    return run


def add(run: RunRecord, *events: Event) -> None:
    with run.directory.events.open("a") as file:
        file.writelines(map(event_to_line, events))


def ended(run: RunRecord) -> RunRecord:
    add(run, RunEnded(status="completed"))
    write_json(run.directory.summary, Summary("completed"))
    return load_run(run.directory.path)


def attached(run: RunRecord) -> CifarApp:
    session = AttachedSession(run)
    source = Source(session, clock=session.recorded_now, greeting="Attached")
    return CifarApp(source, runs_dir=run.directory.path.parent)


def recording(run: RunRecord, speed: float) -> CifarApp:
    session = ReplaySession(run, speed)
    source = Source(
        session,
        clock=session.recorded_now,
        unchangeable="A recording: nothing to change.",
        greeting="A recording",
    )
    return CifarApp(source, runs_dir=run.directory.path.parent)


def head(app: CifarApp) -> str:
    heads = app.screen.query("#head")
    return str(heads.first().render()) if heads else ""


def banner(app: CifarApp) -> str:
    banners = app.screen.query("#banner")
    return str(banners.first().render()) if banners else ""


def said(app: CifarApp) -> str:
    return " ".join(note.message for note in app._notifications)


async def test_history_then_what_joins_is_on_the_screen(
    record: RunRecord, until: Any, events: Any
) -> None:
    app = attached(record)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "batch  4/10" in head(app))
        assert type(app.screen) is TrainingScreen
        assert app.screen.query("#layers.-filled")
        add(record, events["batch"](1, 7))
        await until(pilot, lambda: "batch  7/10" in head(app))


@pytest.mark.parametrize("ahead", [-600.0, 600.0])
async def test_times_are_those_of_the_clock_of_the_training(
    record: RunRecord, until: Any, events: Any, ahead: float
) -> None:
    told = [replace(event, time=event.time + ahead) for event in read_events(record.directory)]
    saving = PhaseChanged(time=told[-1].time, phase="saving", detail="model")
    record.directory.events.write_text("".join(map(event_to_line, (*told, saving))))
    app = attached(record)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "saving model" in head(app))
        assert "saving model  0:0" in head(app)
        assert "elapsed  0:0" in head(app)
        (first, *_) = str(app.screen.query_one("#queue Static").render()).splitlines()
        assert "0:0" in first


async def test_a_command_waits_until_the_record_confirms_it(record: RunRecord, until: Any) -> None:
    app = attached(record)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "batch  4/10" in head(app))
        await pilot.press("L")
        await until(pilot, lambda: app.screen.query(Input))
        app.screen.query_one(Input).value = "0.0005"
        await pilot.press("enter")
        file = CommandFile(record.directory.commands)
        await until(pilot, record.directory.commands.exists)
        await until(pilot, lambda: record.directory.commands.stat().st_size)
        (command,) = file.read().commands
        assert command == SetLearningRate(value=0.0005, id=command.id)
        await until(pilot, lambda: "→ 5.0e-04" in head(app))
        add(record, LearningRateChanged(epoch=1, learning_rate=0.0005))
        await until(pilot, lambda: "rate 5.0e-04" in head(app))


async def test_only_what_was_asked_here_is_shown_when_it_is_rejected(
    record: RunRecord, until: Any, events: Any
) -> None:
    add(record, CommandRejected(command=Stop(), reason="long ago"))
    app = attached(record)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "batch  4/10" in head(app))
        own = Stop(when="epoch")
        app.request(own)
        add(record, CommandRejected(command=own, reason="not now"))
        await until(pilot, lambda: "Not done: not now" in said(app))
        assert "long ago" not in said(app)


@pytest.mark.parametrize("key", ["q", "d", "ctrl+c"])
async def test_leaving_asks_nothing_and_sends_nothing(
    record: RunRecord, until: Any, key: str
) -> None:
    app = attached(record)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "batch  4/10" in head(app))
        assert app.is_training
        await pilot.press(key)
        await until(pilot, lambda: app.return_value is not None)
    assert not record.directory.commands.exists()


async def test_stopping_asks_when_as_in_the_owner(record: RunRecord, until: Any) -> None:
    app = attached(record)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "batch  4/10" in head(app))
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen))
        await pilot.press("e")
        await until(pilot, record.directory.commands.exists)
    (command,) = CommandFile(record.directory.commands).read().commands
    assert command == Stop(when="epoch", id=command.id)


async def test_two_screens_show_what_one_of_them_asked(record: RunRecord, until: Any) -> None:
    one, other = attached(record), attached(record)
    async with one.run_test(size=(120, 40)) as first, other.run_test(size=(120, 40)) as second:
        for app, pilot in ((one, first), (other, second)):
            await until(pilot, lambda app=app: "batch  4/10" in head(app))
        one.request(SetLearningRate(value=0.0005))
        add(record, LearningRateChanged(epoch=1, learning_rate=0.0005))
        for app, pilot in ((one, first), (other, second)):
            await until(pilot, lambda app=app: "rate 5.0e-04" in head(app))


async def test_a_killed_run_is_shown_as_interrupted(record: RunRecord, until: Any) -> None:
    os.utime(record.directory.events, (0, 0))
    app = attached(record)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "interrupted" in head(app))
        await until(pilot, lambda: "1 interrupted" in banner(app))
        assert not app.is_training


async def test_a_run_that_is_over_opens_as_it_ended_and_leads_on(
    record: RunRecord, until: Any
) -> None:
    app = attached(ended(record))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "The queue has ended" in banner(app))
        assert "completed" in head(app)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ResultsScreen))
        await pilot.press("escape", "n")
        await until(pilot, lambda: app.return_value is not None)
    assert app.leaving is Leaving.ANEW


async def test_while_a_model_trains_runs_are_added_through_its_file(
    record: RunRecord, until: Any
) -> None:
    app = attached(record)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "batch  4/10" in head(app))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, LauncherScreen))
        app.screen.post_message(LauncherScreen.Started([record.file.spec]))
        await until(pilot, lambda: isinstance(app.screen, TrainingScreen))
        arrived = CommandFile(record.directory.commands).read().commands
        assert [type(command) for command in arrived] == [AddRuns]
        assert app.return_value is None
    assert app.leaving is not Leaving.ANEW


async def test_a_recording_plays_to_its_end(record: RunRecord, until: Any) -> None:
    app = recording(ended(record), 10_000)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "The queue has ended" in banner(app))
        assert isinstance(app.screen, TrainingScreen)
        assert "completed" in head(app)


async def test_a_recording_cannot_be_changed_and_tells_its_own_time(
    record: RunRecord, until: Any
) -> None:
    ended(record)
    yesterday = [
        replace(event, time=event.time - 86_400) for event in read_events(record.directory)
    ]
    # The end comes an hour, so five seconds, after what goes before it.
    yesterday[-1] = replace(yesterday[-1], time=yesterday[-1].time + 3_600)
    record.directory.events.write_text("".join(map(event_to_line, yesterday)))
    app = recording(load_run(record.directory.path), 1)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "batch  4/10" in head(app))
        for key in ("s", "p", "z", "L", "plus", "c", "greater_than_sign"):
            await pilot.press(key)
            assert isinstance(app.screen, TrainingScreen)
        assert "A recording: nothing to change." in said(app)
        assert "elapsed  0:0" in head(app)
        await pilot.press("q")
        await until(pilot, lambda: app.return_value is not None)
    assert not record.directory.commands.exists()


async def test_detaching_leaves_what_this_process_trains_running(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        await until(pilot, lambda: app.screen.query("#layers.-filled"))
        await pilot.press("d")
        await until(pilot, lambda: app.return_value is not None)
    assert app.leaving is Leaving.RUNS_ON
    assert session.sent == []


def test_following_and_replaying_need_no_tensorflow(tmp_path: Path) -> None:
    code = (
        "import sys, tui.cli.attach, tui.cli.replay, tui.app, tui.screens.training.screen\n"
        "print([m for m in ('keras', 'tensorflow', 'pandas', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
