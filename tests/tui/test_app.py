"""The app: events from another thread, the way between the screens, leaving."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from engine.protocol.commands import Resume, Stop
from engine.protocol.events import PhaseChanged, RunEnded
from engine.protocol.facts import LayerNode
from tui.app import CifarApp, Leaving
from tui.screens.choice import LEAVE, LEAVE_WHILE_STOPPING, STOP, ChoiceScreen, Question
from tui.screens.launcher.form import RunForm
from tui.screens.launcher.screen import LauncherScreen
from tui.screens.results.screen import ResultsScreen
from tui.screens.training.screen import TrainingScreen
from tui.session.source import Source
from tui.terminal.driver import BackgroundTold


def shows(app: CifarApp, kind: type[object]) -> bool:
    return isinstance(app.screen, kind)


async def test_events_of_another_thread_reach_the_screen(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        await until(pilot, lambda: session.alive)
        trainer = threading.Thread(target=session.begin, args=(layers,))
        trainer.start()
        trainer.join()
        await until(pilot, lambda: app.screen.query("#layers.-filled"))


async def test_without_a_session_the_launcher_comes_first_and_starts_one(
    make_app: Any, until: Any, make_session: Any, make_spec: Any
) -> None:
    made: list[Any] = []

    def start(specs: list[Any]) -> Any:
        made.append(make_session(tuple(specs)))
        return made[-1]

    app = make_app(None, start)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: shows(app, LauncherScreen))
        app.screen.post_message(LauncherScreen.Started([make_spec("CustomCNN")]))
        await until(pilot, lambda: shows(app, TrainingScreen))
        await until(pilot, lambda: made[0].alive)
        assert [spec.model for spec in made[0].specs] == ["CustomCNN"]


async def test_from_training_to_results_and_back_and_to_a_new_session(
    session: Any, running: Any, until: Any
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        await until(pilot, lambda: session.alive)
        await pilot.press("r")
        await until(pilot, lambda: shows(app, ResultsScreen))
        await pilot.press("n")
        await until(pilot, lambda: shows(app, LauncherScreen))
        assert app.screen.query_one("#start").label.plain == "add"
        await until(pilot, lambda: app.screen.query_one(RunForm).is_filled)
        await pilot.press("escape")
        await until(pilot, lambda: shows(app, ResultsScreen))
        await pilot.press("escape")
        await until(pilot, lambda: shows(app, TrainingScreen))

        session.play(RunEnded(status="completed"))
        session.alive = False
        await until(pilot, lambda: app.screen.query_one("#banner").display)
        await pilot.press("enter")
        await until(pilot, lambda: shows(app, ResultsScreen))
        await pilot.press("n")
        await until(pilot, lambda: shows(app, LauncherScreen))
        assert len(app.screen_stack) == 2


async def test_empty_results_over_a_training_offer_nothing_that_begins_another(
    session: Any, running: Any, until: Any
) -> None:
    async with running(session) as pilot:
        await pilot.press("r")
        await until(pilot, lambda: shows(pilot.app, ResultsScreen))
        await until(pilot, lambda: pilot.app.screen.has_class("-empty"))
        assert not pilot.app.screen.query("FirstChoices")
        note = str(pilot.app.screen.query_one("#results-note").render())
        assert note.endswith(" yet.")


async def test_a_worker_that_finds_its_screen_closed_is_no_crash(tmp_path: Path) -> None:
    app = CifarApp(Source(None), runs_dir=tmp_path)
    async with app.run_test() as pilot:
        screen = app.screen

        async def look() -> None:
            while app.is_running:
                await asyncio.sleep(0)
            screen.query_one("#closed-long-ago")

        screen.run_worker(look())
        await pilot.pause()
    assert app.return_code in (0, None)


async def test_leaving_an_idle_app_needs_no_question(
    session: Any, running: Any, until: Any
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        await until(pilot, lambda: session.alive)
        session.play(PhaseChanged(phase="loading"), RunEnded(status="failed", error="no"))
        await until(pilot, lambda: "failed" in str(app.screen.query_one("#head").render()))
        session.alive = False
        await pilot.press("q")
    assert [run.status for run in app.return_value] == ["failed"]


async def test_leaving_a_training_stops_it_first(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        await until(pilot, lambda: app.screen.query("#layers.-filled"))
        await pilot.press("q")
        await until(pilot, lambda: shows(app, ChoiceScreen))
        await pilot.press("e")
        await until(pilot, lambda: session.sent)
        assert session.sent[-1] == Stop(when="epoch", id=session.sent[-1].id)
        assert app.is_running
        session.play(RunEnded(status="stopped"))
        session.alive = False
        await until(pilot, lambda: not app.is_running or app.return_value is not None)
    assert [run.status for run in app.return_value] == ["stopped"]


async def test_cancelling_keeps_training(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        await until(pilot, lambda: app.screen.query("#layers.-filled"))
        await pilot.press("ctrl+q")
        await until(pilot, lambda: shows(app, ChoiceScreen))
        await pilot.press("escape")
        await until(pilot, lambda: shows(app, TrainingScreen))
        assert session.sent == []
        assert app.return_value is None


@pytest.mark.parametrize("keys", [("ctrl+c", "ctrl+c"), ("ctrl+q", "ctrl+c"), ("q", "enter")])
async def test_leaving_in_a_hurry_leaves_the_training_running(
    session: Any, running: Any, until: Any, layers: LayerNode, keys: tuple[str, str]
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        await until(pilot, lambda: app.screen.query("#layers.-filled"))
        await pilot.press(keys[0])
        await until(pilot, lambda: shows(app, ChoiceScreen) and app.screen.query("OptionList"))
        await pilot.press(keys[1])
        await until(pilot, lambda: app.return_value is not None)
    assert app.leaving is Leaving.RUNS_ON
    assert session.sent == []
    assert [run.status for run in app.return_value] == ["running"]


async def test_what_stops_already_is_left_in_a_hurry_as_it_was_asked(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        await until(pilot, lambda: app.screen.query("#layers.-filled"))
        await pilot.press("q")
        await until(pilot, lambda: shows(app, ChoiceScreen))
        await pilot.press("e")
        await until(pilot, lambda: session.sent)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: shows(app, ChoiceScreen))
        assert app.screen.question is LEAVE_WHILE_STOPPING
        await pilot.press("ctrl+c")
        await until(pilot, lambda: app.return_value is not None)
    assert [command.when for command in session.sent] == ["epoch"]


@pytest.mark.parametrize("question", [LEAVE, LEAVE_WHILE_STOPPING, STOP])
def test_the_answer_under_the_cursor_is_the_mildest(question: Question) -> None:
    harm = ("leave", "run", "epoch", "now", "cancel")
    answers = [answer.id for answer in question.answers]
    assert answers == sorted(answers, key=harm.index)
    assert question.hurried in ("", answers[0])


async def test_a_training_can_be_left_running(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        await until(pilot, lambda: app.screen.query("#layers.-filled"))
        await pilot.press("q")
        await until(pilot, lambda: shows(app, ChoiceScreen))
        await pilot.press("h")
        await until(pilot, lambda: app.return_value is not None)
    assert app.leaving is Leaving.RUNS_ON
    assert session.sent == []
    assert [run.status for run in app.return_value] == ["running"]


async def test_a_paused_training_that_is_left_is_resumed(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        session.play(PhaseChanged(phase="paused"))
        await until(pilot, lambda: "paused" in str(app.screen.query_one("#head").render()))
        await pilot.press("q")
        await until(pilot, lambda: shows(app, ChoiceScreen))
        await pilot.press("h")
        await until(pilot, lambda: app.return_value is not None)
    assert [type(command) for command in session.sent] == [Resume]


async def test_the_program_is_suspended_only_where_that_stops_no_training(
    session: Any, running: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspended: list[CifarApp] = []
    monkeypatch.setattr(CifarApp, "action_suspend_process", lambda app: suspended.append(app))
    async with running(session) as pilot:
        app: Any = pilot.app
        await until(pilot, lambda: app.is_training)
        await pilot.press("q")
        await until(pilot, lambda: shows(app, ChoiceScreen))
        await pilot.press("ctrl+z", "escape", "ctrl+z")
        await until(pilot, lambda: len(app._notifications) == 2)
        assert {notice.message for notice in app._notifications} == {
            "Suspending would stop the training: d leaves it running."
        }
        assert not suspended
        session.alive = False
        await pilot.press("ctrl+z")
        await until(pilot, lambda: suspended)


@pytest.mark.parametrize("goes_on", [True, False])
async def test_a_signal_leaves_at_once_whatever_is_asked(
    session: Any, running: Any, until: Any, layers: LayerNode, goes_on: bool
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        session.play(PhaseChanged(phase="paused"))
        await until(pilot, lambda: "paused" in str(app.screen.query_one("#head").render()))
        await pilot.press("q")
        await until(pilot, lambda: shows(app, ChoiceScreen))
        app.leave_at_once(goes_on)
        await until(pilot, lambda: app.return_value is not None)
    assert app.leaving is (Leaving.RUNS_ON if goes_on else Leaving.AT_ONCE)
    # Nobody would be there to resume it.
    assert [type(command) for command in session.sent] == ([Resume] if goes_on else [])
    app.leave_at_once(goes_on)


async def test_a_signal_before_the_first_frame_leaves_without_a_training(
    session: Any, make_app: Any
) -> None:
    app = make_app(session)
    app.leave_at_once(True)
    async with app.run_test():
        pass
    assert app.return_value == ()
    assert not session.alive


async def test_a_training_that_is_stopping_can_be_left(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        await until(pilot, lambda: app.screen.query("#layers.-filled"))
        await pilot.press("q")
        await until(pilot, lambda: shows(app, ChoiceScreen))
        await pilot.press("e")
        await until(pilot, lambda: session.sent)
        await pilot.press("q")
        await until(pilot, lambda: shows(app, ChoiceScreen))
        assert app.screen.question is LEAVE_WHILE_STOPPING
        await pilot.press("l")
        await until(pilot, lambda: app.return_value is not None)
    assert app.leaving is Leaving.RUNS_ON
    assert [run.stop_requested for run in app.return_value] == ["epoch"]


async def test_the_question_how_to_leave_goes_with_the_training(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        session.play(RunEnded(status="completed"))
        await until(pilot, lambda: "completed" in str(app.screen.query_one("#head").render()))
        await pilot.press("q")
        await until(pilot, lambda: shows(app, ChoiceScreen))
        session.alive = False
        await until(pilot, lambda: shows(app, TrainingScreen))
        assert app.return_value is None
        await pilot.press("q")
        await until(pilot, lambda: app.return_value is not None)
    assert app.leaving is Leaving.AT_ONCE


@pytest.mark.parametrize("key", ["c", ""])
async def test_leaving_that_was_chosen_follows_the_end_under_any_question(
    session: Any, running: Any, until: Any, layers: LayerNode, key: str
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        await until(pilot, lambda: app.screen.query("#layers.-filled"))
        await pilot.press("q")
        await until(pilot, lambda: shows(app, ChoiceScreen))
        await pilot.press("e")
        await until(pilot, lambda: session.sent)
        await pilot.press("q")
        await until(pilot, lambda: shows(app, ChoiceScreen))
        if key:
            await pilot.press(key)
            await until(pilot, lambda: shows(app, TrainingScreen))
        session.play(RunEnded(status="stopped"))
        session.alive = False
        await until(pilot, lambda: app.return_value is not None)
    assert [run.status for run in app.return_value] == ["stopped"]


def test_the_screen_needs_neither_keras_nor_pandas() -> None:
    code = (
        "import sys, tui.app, tui.screens.training.screen, tui.screens.help\n"
        "print([m for m in ('keras', 'tensorflow', 'pandas', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_the_theme_is_remembered(make_app: Any) -> None:
    for dark in (True, False, True):
        app = make_app(None)
        async with app.run_test(size=(80, 24)) as pilot:
            assert app.current_theme.dark is dark
            await pilot.press("t")


async def test_a_background_told_late_sets_the_theme_unless_the_user_chose_one(
    launcher_app: CifarApp, until: Any
) -> None:
    async with launcher_app.run_test() as pilot:
        launcher_app.post_message(BackgroundTold(is_light=True))
        await until(pilot, lambda: launcher_app.theme == "cifar-light")
        launcher_app.action_toggle_theme()
        launcher_app.post_message(BackgroundTold(is_light=True))
        await pilot.pause()
        assert launcher_app.theme == "cifar-dark"
