"""What each screen's footer offers on the narrowest usual terminal: it works, and it is whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from engine.protocol.commands import Pause
from engine.protocol.events import CommandAccepted, PhaseChanged, RunEnded
from engine.protocol.facts import LayerNode
from engine.runs.listing import load_run
from tests.support.fake_session import FakeSession
from tests.support.launcher import Launcher
from tests.support.screens import AnyPilot, Running, drawn, is_open, until
from tui.app import CifarApp
from tui.panels.key_footer import Entry, KeyFooter, fitting
from tui.panels.layers.keys import LayerTree
from tui.screens.answers import AnswersScreen
from tui.screens.choice import ChoiceScreen
from tui.screens.combine import CombineScreen
from tui.screens.compare import CompareScreen
from tui.screens.fetch import FetchScreen
from tui.screens.first_page import FirstPage
from tui.screens.help import HelpScreen
from tui.screens.launcher.screen import LauncherScreen
from tui.screens.predict import PredictScreen
from tui.screens.results.screen import ResultsScreen
from tui.screens.training.waiting_runs import WaitingRunsScreen
from tui.session.source import Source

SIZE = (80, 24)


async def offered(pilot: AnyPilot, *, way_back: bool = True) -> dict[str, str]:
    """What the footer offers, by key, once each key is found to work and to be whole.

    Args:
        pilot: of the app.
        way_back: whether escape must lead somewhere.
    """
    footer = pilot.app.screen.query_one(KeyFooter)
    await until(pilot, lambda: footer.entries and footer.entries == footer.working())
    # Nothing is cut, and nothing else stands there.
    line = "".join(f" {entry.written} {entry.name} " for entry in footer.shown)
    await until(pilot, lambda: bottom(pilot).rstrip() == line.rstrip())
    active = pilot.app.screen.active_bindings
    for entry in footer.shown:
        assert active[entry.key].enabled, entry
        assert active[entry.key].binding.action == entry.action
    names = {entry.name for entry in footer.shown}
    assert {"help", "quit"} <= names
    if way_back:
        assert any(entry.key == "escape" for entry in footer.shown), footer.entries
    return {entry.written: entry.name for entry in footer.shown}


def bottom(pilot: AnyPilot) -> str:
    """The last line of the terminal."""
    return drawn(pilot)[-1].text


@asynccontextmanager
async def results(app: CifarApp) -> AsyncIterator[AnyPilot]:
    """The results, opened over the launcher, with all that is read there."""
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: is_open(app, LauncherScreen))
        await pilot.press("r")
        await until(pilot, lambda: is_open(app, ResultsScreen))
        await until(pilot, lambda: not app.screen.workers._workers)
        yield pilot


async def test_the_first_page(tmp_path: Path) -> None:
    app = CifarApp(Source(None, None), runs_dir=tmp_path, begins_on_first_page=True)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: is_open(app, FirstPage))
        assert await offered(pilot) == {
            "enter": "choose",
            "esc": "models",
            "?": "help",
            "q": "quit",
            "ctrl+p": "palette",
        }


async def test_the_launcher(launcher: Launcher) -> None:
    async with launcher(SIZE) as page:
        pilot, app = page.pilot, page.app
        assert await offered(pilot, way_back=False) == {
            "space": "mark",
            "ctrl+s": "start",
            "r": "results",
            "u": "resume",
            "/": "find",
            "f": "fetch",
            "?": "help",
            "q": "quit",
        }
        await pilot.press("slash")
        typed = {
            "ctrl+s": "start",
            "esc": "models",
            "F1": "help",
            "ctrl+q": "quit",
            "ctrl+p": "palette",
        }
        assert await offered(pilot) == typed
        await pilot.press("v", "enter")
        await until(pilot, lambda: not isinstance(app.focused, Input))
        assert (await offered(pilot))["esc"] == "clear"
        app.screen.set_focus(page.choice("recipe"))
        form = await offered(pilot)
        assert form["esc"] == "models"
        assert "space" not in form
        app.screen.set_focus(page.field("data_path"))
        assert await offered(pilot) == typed


async def test_the_launcher_over_a_training(session: FakeSession, running: Running) -> None:
    async with running(session, SIZE) as pilot:
        await pilot.press("n")
        await until(pilot, lambda: is_open(pilot.app, LauncherScreen))
        await until(pilot, lambda: pilot.app.focused)
        found = await offered(pilot)
        assert found["+"] == "add"
        assert found["esc"] == "back"
        assert not {"ctrl+s", "u"} & found.keys()


TRAINING = {
    "space": "toggle",
    "p": "presets",
    "z": "pause",
    "s": "stop",
    "1-5": "panels",
    "r": "results",
    "?": "help",
    "q": "quit",
}


async def test_a_training(session: FakeSession, running: Running, layers: LayerNode) -> None:
    async with running(session, SIZE) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        await until(pilot, lambda: app.screen.query("#layers.-filled"))
        for number in "2345":
            await pilot.press(number)
            found = await offered(pilot, way_back=False)
            assert found.items() <= {**TRAINING, "ctrl+p": "palette"}.items()
            assert found.keys() >= TRAINING.keys() - {"space"}
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.focused, LayerTree))
        of_layers = await offered(pilot, way_back=False)
        assert of_layers == {key: name for key, name in TRAINING.items() if key != "r"}
        await pilot.press("u")
        assert await offered(pilot, way_back=False) == of_layers
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(app.focused, Input))
        assert {"F1", "ctrl+q"} <= (await offered(pilot)).keys()
        await pilot.press("escape")

        pause = Pause()
        session.play(CommandAccepted(command=pause), PhaseChanged(phase="paused"))
        await until(pilot, lambda: app.screen.view.run.phase == "paused")
        assert (await offered(pilot, way_back=False))["z"] == "resume"
        session.play(RunEnded(status="failed", error="out of memory"))
        await until(pilot, lambda: app.screen.view.run.is_over)
        found = await offered(pilot)
        assert found["esc"] == "dismiss"
        assert not {"space", "p", "z", "s"} & found.keys()
        await pilot.press("escape")
        assert "esc" not in await offered(pilot, way_back=False)
        session.alive = False
        await until(pilot, lambda: app.screen.view.is_over)
        ended = await offered(pilot, way_back=False)
        assert ended == {
            "1-5": "panels",
            "enter": "results",
            "n": "new",
            "?": "help",
            "q": "quit",
            "ctrl+p": "palette",
        }


async def test_where_nothing_can_be_changed_no_key_that_changes_is_offered(
    session: FakeSession, running: Running, layers: LayerNode
) -> None:
    async with running(session, SIZE, unchangeable="A recording cannot be changed.") as pilot:
        session.begin(layers)
        assert not {"space", "p", "z", "s"} & (await offered(pilot, way_back=False)).keys()


async def test_under_a_dialog_no_key_of_the_screen_is_offered(
    session: FakeSession, running: Running, layers: LayerNode
) -> None:
    async with running(session, SIZE) as pilot:
        session.begin(layers)
        app: Any = pilot.app
        await until(pilot, lambda: app.screen.query("#layers.-filled"))
        for key, dialog in (
            ("s", ChoiceScreen),
            ("q", ChoiceScreen),
            ("e", WaitingRunsScreen),
            ("question_mark", HelpScreen),
        ):
            await offered(pilot, way_back=False)
            await pilot.press(key)
            await until(pilot, lambda kind=dialog: is_open(app, kind))
            await until(pilot, lambda: not bottom(pilot).strip())
            await pilot.press("escape")
            await until(pilot, lambda kind=dialog: not is_open(app, kind))


async def test_the_results(launcher_app: CifarApp, write_run: Any) -> None:
    for model in ("CustomCNN", "VGG16"):
        write_run(model, test=0.5)
    launcher_app.runs_dir = write_run.runs_dir
    async with results(launcher_app) as pilot:
        screen: Any = launcher_app.screen
        assert await offered(pilot) == {
            "enter": "open",
            "space": "mark",
            "c": "compare",
            "w": "why",
            "/": "filter",
            "esc": "back",
            "?": "help",
            "q": "quit",
        }
        await pilot.press("space")
        assert (await offered(pilot))["+"] == "combine"
        await pilot.press("space")
        assert "+" not in await offered(pilot)
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(launcher_app.focused, Input))
        assert await offered(pilot) == {
            "enter": "keep",
            "esc": "clear",
            "F1": "help",
            "ctrl+q": "quit",
            "ctrl+p": "palette",
        }
        await pilot.press("escape", "enter")
        await until(pilot, lambda: screen.has_class("-detail"))
        assert await offered(pilot) == {
            "→": "tabs",
            "space": "mark",
            "c": "compare",
            "w": "why",
            "p": "predict",
            "esc": "back",
            "?": "help",
            "q": "quit",
        }
        await pilot.press("escape", "g")
        await until(pilot, lambda: screen.has_class("-grouped"))
        grouped = await offered(pilot)
        assert grouped["enter"] == "runs"
        assert not {"space", "c", "p"} & grouped.keys()


async def test_results_without_a_run(launcher_app: CifarApp) -> None:
    async with results(launcher_app) as pilot:
        await until(pilot, lambda: pilot.app.screen.has_class("-empty"))
        assert await offered(pilot) == {
            "enter": "choose",
            "n": "new",
            "esc": "back",
            "?": "help",
            "q": "quit",
            "ctrl+p": "palette",
        }


async def test_pages_over_the_results(
    launcher_app: CifarApp, write_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [load_run(write_run.runs_dir / write_run("CustomCNN", test=0.5)) for _ in range(2)]
    rest = {"esc": "back", "?": "help", "q": "quit", "ctrl+p": "palette"}
    typed = {"esc": "back", "F1": "help", "ctrl+q": "quit", "ctrl+p": "palette"}
    monkeypatch.setattr("tui.screens.predict.load_predictor", lambda _: object())
    monkeypatch.setattr("tui.screens.fetch.fetch_all", lambda *_, **__: [])
    async with launcher_app.run_test(size=SIZE) as pilot:
        for screen, keys in (
            (CompareScreen(tuple(runs)), {"x": "axis", **rest}),
            (AnswersScreen(write_run.runs_dir), {"↑↓": "scroll", "m": "report", **rest}),
            (PredictScreen(runs[0]), {"enter": "predict", "ctrl+r": "random", **typed}),
            (FetchScreen([]), rest),
        ):
            await launcher_app.push_screen(screen)
            assert await offered(pilot) == keys
            await launcher_app.pop_screen()
        await launcher_app.push_screen(CombineScreen(runs, write_run.runs_dir, None))
        # The runs have no models: then there is nothing to cancel.
        await until(pilot, lambda: "back" in bottom(pilot))
        assert await offered(pilot) == rest


# The widget.


def entry(key: str, name: str, action: str = "") -> Entry:
    return Entry(key, key, name, action or name, "")


def test_the_last_keys_give_way_but_not_the_way_back_the_help_and_the_way_out() -> None:
    kept = [entry("escape", "back"), entry("?", "help", "show_help"), entry("q", "quit")]
    line = [entry("a", "apply"), entry("b", "bind"), *kept]
    room = sum(each.width for each in line)
    assert fitting(line, room) == tuple(line)
    assert fitting(line, room - 1) == (line[0], *kept)
    assert fitting(line, sum(each.width for each in kept)) == tuple(kept)
    assert fitting(line, 0) == ()


async def test_a_click_on_a_key_presses_it(session: FakeSession, running: Running) -> None:
    async with running(session, SIZE) as pilot:
        app = pilot.app
        await offered(pilot, way_back=False)
        assert await pilot.click(KeyFooter, offset=(bottom(pilot).index("stop"), 0))
        await until(pilot, lambda: is_open(app, ChoiceScreen))
