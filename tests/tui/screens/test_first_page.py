"""The first page: its texts at every size, and where each choice leads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from engine.api.planning import DEMO_MODELS
from engine.config.spec import RunSpec
from engine.protocol.events import RunEnded
from engine.tools.speed_probe import Speed
from tests.support.fake_session import FakeSession
from tests.support.screens import Until, is_open, messages, picture, shows
from tui.app import CifarApp
from tui.screens.answers import AnswersScreen
from tui.screens.first_choices import (
    NAMES,
    Choice,
    FirstChoices,
    Known,
    consequences,
    look,
    usual_seconds,
)
from tui.screens.first_page import FirstPage
from tui.screens.launcher.screen import LauncherScreen
from tui.screens.prompt import Prompt
from tui.screens.results.screen import ResultsScreen
from tui.screens.training.screen import TrainingScreen
from tui.session.source import Source
from tui.settings import keys, machine_speed


@pytest.fixture
def sessions() -> list[FakeSession]:
    """The sessions that were started."""
    return []


@pytest.fixture
def page(tmp_path: Path, sessions: list[FakeSession], monkeypatch: pytest.MonkeyPatch) -> CifarApp:
    """An app that begins on the first page."""
    monkeypatch.setattr("tui.app.REDRAW_SECONDS", 0.01)

    def start(specs: list[RunSpec]) -> FakeSession:
        sessions.append(FakeSession(tuple(specs)))
        return sessions[-1]

    return CifarApp(Source(None, start), runs_dir=tmp_path / "runs", begins_on_first_page=True)


# What it says.


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (Known(), "60,000 photographs of ten classes"),
        (Known("170 MB"), "170 MB"),
        (Known("170 MB", is_measuring=True), "170 MB, measuring…"),
        (Known("170 MB", 1_500.0), "170 MB, ~25 min here"),
        (Known("already here", 1_500.0), "already here, ~25 min here"),
        (Known("", 1_500.0), "~25 min here"),
    ],
)
def test_cifar10_says_what_it_takes_here(known: Known, words: str) -> None:
    assert consequences("cifar10", known)[0].endswith(words)


@pytest.mark.parametrize("choice", NAMES)
def test_every_choice_has_words_for_forty_columns(choice: Choice) -> None:
    for known in (Known("already here", 5_400.0), Known("170 MB", is_measuring=True)):
        assert len(consequences(choice, known)[-1]) <= 18, choice


def test_the_machine_is_looked_at_without_reading_the_data(tmp_path: Path) -> None:
    assert look(tmp_path).runs.endswith(tmp_path.name)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "spec.json").touch()
    assert look(tmp_path).runs == ""
    assert consequences("results", look(tmp_path)) == ("all runs so far, ranked", "all runs so far")


def test_the_forecast_is_of_the_launchers_first_choice() -> None:
    seconds = usual_seconds(Speed(dense=1e11, separable=5e10, device="cpu"))
    assert seconds is not None
    assert usual_seconds(Speed(dense=1e12, separable=5e11, device="cpu")) < seconds  # type: ignore[operator]


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (200, 60)])
async def test_all_of_it_is_in_sight(page: CifarApp, until: Until, size: tuple[int, int]) -> None:
    async with page.run_test(size=size) as pilot:
        await until(pilot, lambda: shows(pilot, "170 MB") or shows(pilot, "already here"))
        shown = picture(pilot)
        for words in ("Train neural networks", "why.", *NAMES.values(), "a minute", "no runs yet"):
            assert words in shown, words


async def test_it_fits_where_no_other_screen_does(page: CifarApp, until: Until) -> None:
    async with page.run_test(size=(40, 12)) as pilot:
        await until(pilot, lambda: shows(pilot, "no runs yet"))
        shown = picture(pilot)
        for words in ("Train neural networks", "and why.", *NAMES.values(), "1 min, no download"):
            assert words in shown, words
        await pilot.press("escape")
        await until(pilot, lambda: shows(pilot, "at least 60×15"))
        await pilot.press("escape")
        await until(pilot, lambda: is_open(page, FirstPage))
        await pilot.press("question_mark")
        await until(pilot, lambda: shows(pilot, "esc closes"))
        await pilot.press("escape", "r")
        await until(pilot, lambda: shows(pilot, "terminal too small"))
        await pilot.resize_terminal(60, 15)
        await until(pilot, lambda: is_open(page, ResultsScreen))
        await pilot.resize_terminal(40, 12)
        await until(pilot, lambda: shows(pilot, "terminal too small"))


async def test_all_choices_keep_a_line_each_after_the_terminal_has_shrunk(
    page: CifarApp, until: Until
) -> None:
    async with page.run_test(size=(200, 60)) as pilot:
        await until(pilot, lambda: shows(pilot, "no runs yet"))
        await pilot.resize_terminal(40, 12)
        await until(pilot, lambda: shows(pilot, "1 min, no download"))
        for words in (*NAMES.values(), "a folder a class", "no runs yet"):
            assert shows(pilot, words), words
        choices = page.screen.query_one(FirstChoices)
        assert choices.size.height == choices.virtual_size.height == len(NAMES)


async def test_the_machine_is_measured_after_the_page_is_there(
    page: CifarApp, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def measure() -> Speed:
        return Speed(dense=1e11, separable=5e10, device="cpu")

    monkeypatch.setattr(machine_speed, "MEASURE_AFTER_SECONDS", 0.01)
    monkeypatch.setattr(machine_speed, "remembered_speed", lambda: None)
    monkeypatch.setattr(machine_speed, "measure_speed", measure)
    async with page.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shows(pilot, " min here"))
        assert not shows(pilot, "measuring…")


# Where it leads.


async def test_the_demo_trains_at_once_and_ends_on_the_answers(
    page: CifarApp, sessions: list[FakeSession], until: Until
) -> None:
    async with page.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: is_open(page, FirstPage))
        await pilot.press("d")
        await until(pilot, lambda: is_open(page, TrainingScreen) and sessions[0].alive)
        assert tuple(spec.model for spec in sessions[0].specs) == DEMO_MODELS
        for index in range(len(DEMO_MODELS)):
            sessions[0].play(RunEnded(status="completed"), index=index)
        sessions[0].alive = False
        await until(pilot, lambda: is_open(page, AnswersScreen))


async def test_cifar10_opens_the_launcher_and_starts_nothing(
    page: CifarApp, sessions: list[FakeSession], until: Until
) -> None:
    async with page.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: is_open(page, FirstPage))
        await pilot.press("down", "enter")
        await until(pilot, lambda: is_open(page, LauncherScreen))
        screen: Any = page.screen
        await until(pilot, lambda: screen._specs)
        assert {spec.dataset for spec in screen._specs} == {"cifar10"}
        assert sessions == []


async def test_a_folder_is_asked_for_completed_and_chosen(
    page: CifarApp, tmp_path: Path, until: Until
) -> None:
    (tmp_path / "pets").mkdir()
    async with page.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: is_open(page, FirstPage))
        await pilot.press("o")
        await until(pilot, lambda: is_open(page, Prompt))
        field = page.screen.query_one(Input)
        field.value = "/no/such/folder"
        await pilot.press("enter")
        await until(pilot, lambda: shows(pilot, "no such data"))
        field.value = str(tmp_path / "pe")
        field.cursor_position = len(field.value)
        await until(pilot, lambda: field._suggestion.endswith("pets/"))
        await pilot.press("right", "enter")
        await until(pilot, lambda: is_open(page, LauncherScreen))
        screen: Any = page.screen
        await until(pilot, lambda: screen.query("#field-dataset"))
        await until(pilot, lambda: screen.query_one("#field-dataset").value == f"{tmp_path}/pets/")


async def test_from_the_results_escape_comes_back_and_from_here_it_opens_the_launcher(
    page: CifarApp, until: Until
) -> None:
    async with page.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: is_open(page, FirstPage))
        await pilot.press("r")
        await until(pilot, lambda: is_open(page, ResultsScreen))
        await until(pilot, lambda: shows(pilot, "No runs in"))
        await pilot.press("escape")
        await until(pilot, lambda: is_open(page, FirstPage))
        await pilot.press("escape")
        await until(pilot, lambda: is_open(page, LauncherScreen))
        titles = {command.title: command for command in page.get_system_commands(page.screen)}
        titles["First page: the demo, CIFAR-10 or your own images"].callback()
        await until(pilot, lambda: is_open(page, FirstPage))
        await pilot.press("q")
    assert messages(page) == []


async def test_every_key_of_the_page_does_something(page: CifarApp, until: Until) -> None:
    async with page.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(page.focused, FirstChoices))
        for key in keys.keys_of("first"):
            assert keys.owner_of(key, page, page.screen) is not None, key
        await pilot.press("j")
        assert page.screen.query_one(FirstChoices).highlighted == 1


async def test_a_click_chooses(page: CifarApp, until: Until) -> None:
    async with page.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shows(pilot, "no runs yet"))
        await pilot.click(FirstChoices, offset=(6, 6))
        await until(pilot, lambda: is_open(page, ResultsScreen))
