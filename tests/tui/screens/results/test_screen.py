"""The results screen: order, marks, filter, groups, chart, what is done with runs, any folder."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, Static

import tui.app
import tui.screens.results.screen
from engine.config.spec import RunSpec
from engine.protocol.events import PhaseChanged, event_to_line
from engine.runs.directory import RunDirectory
from engine.runs.lock import locked
from engine.runs.notes import Notes, read_notes
from engine.sessions.handle import SessionHandle
from tests.support.tables import cell_text, columns_in_view
from tui.app import CifarApp
from tui.panels.charts.pareto import ParetoChart
from tui.panels.run_detail.panel import RunDetail
from tui.panels.tables.models import ModelTable
from tui.panels.tables.runs import RunTable
from tui.panels.tables.virtual_table import DOWN, UP
from tui.screens.answers import AnswersScreen
from tui.screens.choice import ChoiceScreen
from tui.screens.compare import CompareScreen
from tui.screens.first_choices import FirstChoices
from tui.screens.predict import PredictScreen
from tui.screens.results.filter_line import FilterLine
from tui.screens.results.notes import RunNotesScreen
from tui.screens.results.screen import ResultsScreen
from tui.screens.training.screen import TrainingScreen
from tui.session.source import Source

AnyPilot = Pilot[Any]
WriteRun = Callable[..., str]
Until = Callable[[AnyPilot, Callable[[], object]], Awaitable[None]]
SMALL, LARGE = (80, 24), (120, 40)


class ResultsApp(CifarApp):
    """The app with the results over a screen that takes no time to open, as the launcher does."""

    CSS_PATH = str(Path(tui.app.__file__).with_name("app.tcss"))

    def _open_launcher(self, asked: Mapping[str, str]) -> None:
        self.push_screen(Screen())
        self.push_screen(ResultsScreen(self.runs_dir))


@pytest.fixture
def app(tmp_path: Path, make_session: Callable[..., SessionHandle]) -> CifarApp:
    """An app over the folder that `write_run` writes to, which opens with the results."""

    def start(specs: list[RunSpec]) -> SessionHandle:
        return make_session(tuple(specs))

    return ResultsApp(Source(None, start), runs_dir=tmp_path / "runs")


@pytest.fixture
def results(until: Until) -> Callable[..., Any]:
    """Opens the app, as a context, and waits until so many runs are shown."""

    @asynccontextmanager
    async def open_app(
        app: CifarApp, rows: int = 4, size: tuple[int, int] = SMALL
    ) -> AsyncIterator[AnyPilot]:
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: shows(app, ResultsScreen) and app.screen.query(RunTable))
            await until(pilot, lambda: table(app).row_count == rows)
            await until(pilot, lambda: rows == 0 or app.screen.query_one(ParetoChart).data)
            yield pilot

    return open_app


@pytest.fixture
def runs(write_run: WriteRun) -> dict[str, str]:
    """Run ids by model: two ranked ones, one failed, one interrupted."""
    return {
        "lite0": write_run("EfficientNetLite0", test=0.9183, train_seconds=441, epochs=3),
        "cnn": write_run("CustomCNN", test=0.7310, train_seconds=64),
        "vgg": write_run("VGG16", status="failed", error="no weights to be had", train_seconds=1),
        "dense": write_run("DenseNet121", status="interrupted", epochs=2),
    }


def shows(app: CifarApp, screen: type[Any]) -> bool:
    return isinstance(app.screen, screen)


def table(app: CifarApp) -> RunTable:
    return app.screen.query_one(RunTable)


def text(app: CifarApp, selector: str) -> str:
    return str(app.screen.query_one(selector, Static).render())


def names(runs: dict[str, str], app: CifarApp) -> list[str]:
    by_id = {run_id: name for name, run_id in runs.items()}
    return [by_id[run_id] for run_id in table(app).keys]


def told(app: CifarApp) -> str:
    return " ".join(str(notification.message) for notification in app._notifications)


# The table.


async def test_best_first_marked_and_sorted_by_key_and_by_header(
    app: CifarApp, runs: dict[str, str], results: Any
) -> None:
    async with results(app) as pilot:
        assert names(runs, app)[:2] == ["lite0", "cnn"]
        assert table(app).title_of("test_accuracy") == f"test acc{DOWN}"
        marks = {name: cell_text(table(app), run_id, "mark") for name, run_id in runs.items()}
        assert marks == {"lite0": "★", "cnn": "⚡", "vgg": "", "dense": ""}
        assert cell_text(table(app), runs["vgg"], "status") == "failed"
        assert cell_text(table(app), runs["lite0"], "train_seconds") == "7:21"
        assert text(app, "#results-legend") == "★ most accurate · ⚡ fastest · w why"
        await pilot.press("down")
        assert table(app).current_key == runs["cnn"]
        await pilot.press("s")
        assert names(runs, app) == ["vgg", "cnn", "lite0", "dense"]
        assert f"sorted by wall {UP}" in text(app, "#results-head")
        await pilot.press("o")
        assert names(runs, app) == ["lite0", "cnn", "vgg", "dense"]
        assert f"sorted by wall {DOWN}" in text(app, "#results-head")
        await pilot.click(RunTable, offset=(6, 0))
        assert names(runs, app) == ["cnn", "dense", "lite0", "vgg"]
        assert f"sorted by model {UP}" in text(app, "#results-head")
        assert table(app).current_key == runs["cnn"]


async def test_the_folder_is_read_again_by_a_key(
    app: CifarApp, runs: dict[str, str], results: Any, write_run: WriteRun, until: Until
) -> None:
    async with results(app) as pilot:
        await pilot.press("down")
        best = write_run("ResNet50V2", test=0.99, train_seconds=900)
        (app.runs_dir / "torn").mkdir()
        (app.runs_dir / "torn" / "spec.json").write_text("{")
        await pilot.press("r")
        await until(pilot, lambda: table(app).row_count == 5)
        assert table(app).keys[0] == best
        assert cell_text(table(app), best, "mark") == "★"
        assert table(app).current_key == runs["cnn"]
        assert text(app, "#results-note") == "left out, as they cannot be read: torn"


async def test_a_run_that_dies_shows_it_without_a_key(
    app: CifarApp,
    write_run: WriteRun,
    tmp_path: Path,
    until: Until,
    results: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tui.screens.results.screen, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(tui.screens.results.screen, "LOOK_SHARE", 1.0)
    run_id = write_run("VGG16", status="interrupted")
    directory = RunDirectory(tmp_path / "runs" / run_id)
    directory.events.write_text(event_to_line(PhaseChanged(phase="paused")))
    os.utime(directory.events, (0, 0))
    async with results(app, rows=1) as pilot:
        with locked(directory.lock):
            await until(pilot, lambda: cell_text(table(app), run_id, "status") == "paused")
            await pilot.press("delete")
            await until(pilot, lambda: "is paused" in told(app))
        await until(pilot, lambda: cell_text(table(app), run_id, "status") == "interrupted")
    assert directory.path.is_dir()


async def test_an_empty_folder_says_what_to_do(app: CifarApp, until: Until, results: Any) -> None:
    async with results(app, rows=0) as pilot:
        await until(pilot, lambda: "No runs in" in text(app, "#results-note"))
        await until(pilot, lambda: isinstance(app.focused, FirstChoices))
        for key in ("s", "space", "p", "delete", "x", "g", "r"):
            await pilot.press(key)
            assert shows(app, ResultsScreen), key
        assert len(app.screen.query(FirstChoices)) == 1


async def test_what_makes_runs_is_offered_until_there_is_one(
    app: CifarApp, until: Until, results: Any, write_run: WriteRun
) -> None:
    async with results(app, rows=0) as pilot:
        await until(pilot, lambda: app.screen.query(FirstChoices))
        write_run("CustomCNN", test=0.7)
        await pilot.press("r")
        await until(pilot, lambda: table(app).row_count == 1)
        await until(pilot, lambda: not app.screen.query(FirstChoices))
        assert app.focused is table(app)


async def test_from_an_empty_folder_the_demo_starts(
    app: CifarApp, until: Until, results: Any
) -> None:
    async with results(app, rows=0) as pilot:
        await until(pilot, lambda: app.screen.query(FirstChoices))
        await pilot.press("d")
        await until(pilot, lambda: shows(app, TrainingScreen))


# What is looked at.


async def test_the_filter_says_what_is_wrong_as_it_is_typed(
    app: CifarApp, runs: dict[str, str], results: Any, until: Until
) -> None:
    async with results(app) as pilot:
        await pilot.press("slash", *"acc>0.8")
        await until(pilot, lambda: names(runs, app) == ["lite0"])
        assert "1 of 4 runs" in text(app, "#results-head")
        assert text(app, "#results-legend") == "★ most accurate · w why"
        chart = app.screen.query_one(ParetoChart)
        await until(pilot, lambda: chart.data is not None and len(chart.data.points) == 1)
        await pilot.press("x")
        await until(pilot, lambda: text(app, "#filter-wrong"))
        assert "\n" not in text(app, "#filter-wrong")
        assert names(runs, app) == ["lite0"]
        await pilot.press("backspace", "enter")
        assert table(app).has_focus
        assert app.screen.query_one(FilterLine).display
        await pilot.press("slash", "escape")
        await until(pilot, lambda: table(app).row_count == 4)
        assert table(app).has_focus
        assert not app.screen.query_one(FilterLine).display
        assert text(app, "#filter-wrong") == ""


async def test_models_take_their_runs_together_and_open_them(
    app: CifarApp, runs: dict[str, str], results: Any, write_run: WriteRun, until: Until
) -> None:
    write_run("CustomCNN", test=0.7510, train_seconds=74)
    async with results(app, rows=5) as pilot:
        await pilot.press("g")
        models = app.screen.query_one(ModelTable)
        await until(pilot, lambda: models.row_count == 4 and models.has_focus)
        assert (table(app).display, models.display) == (False, True)
        assert models.keys[:2] == ["EfficientNetLite0 on cifar10", "CustomCNN on cifar10"]
        line = models.render_line(2).text
        assert line.split() == ["CustomCNN", "0.7510", "0.7410", "±", "0.0141", "2", "1:09"]
        await pilot.press("space", "delete", "down")
        assert "under the cursor" in told(app)
        assert models.current_key == "CustomCNN on cifar10"
        await pilot.press("enter")
        await until(pilot, lambda: table(app).row_count == 2 and table(app).has_focus)
        assert not models.display
        await pilot.press("escape")
        await until(pilot, lambda: table(app).row_count == 5)
        assert shows(app, ResultsScreen)


async def test_on_a_large_screen_chart_and_run_follow_the_cursor(
    app: CifarApp, runs: dict[str, str], results: Any, until: Until
) -> None:
    async with results(app, size=LARGE) as pilot:
        chart, detail = app.screen.query_one(ParetoChart), app.screen.query_one(RunDetail)
        assert chart.display
        assert detail.display
        await until(pilot, lambda: detail.run_id == runs["lite0"])
        assert chart.lit_run == runs["lite0"]
        await pilot.press("down")
        await until(pilot, lambda: detail.run_id == runs["cnn"])
        assert chart.lit_run == runs["cnn"]
        titles = []
        for _ in range(4):
            await pilot.press("x")
            await until(pilot, lambda: str(chart.border_title) not in titles)
            titles.append(str(chart.border_title))
        assert titles[-1].endswith("against training time")
        await pilot.press("enter")
        await until(pilot, lambda: not table(app).display)
        assert detail.display
        assert not chart.display
        await pilot.press("escape")
        await until(pilot, lambda: table(app).has_focus)
        await pilot.press("escape")
        assert not shows(app, ResultsScreen)


async def test_on_a_small_screen_one_thing_is_shown_at_a_time(
    app: CifarApp, runs: dict[str, str], results: Any, until: Until
) -> None:
    async with results(app, size=(80, 15)) as pilot:
        detail, chart = app.screen.query_one(RunDetail), app.screen.query_one(ParetoChart)
        lower = app.screen.query_one("#results-lower")
        assert (table(app).display, lower.display) == (True, False)
        await pilot.press("enter")
        await until(pilot, lambda: detail.run_id == runs["lite0"])
        assert (table(app).display, lower.display, chart.display) == (False, True, False)
        assert text(app, "#results-legend") == ""
        order = table(app).sorted_by
        await pilot.press("s")  # what is hidden is not sorted
        assert table(app).sorted_by == order
        await pilot.press("escape")
        await until(pilot, lambda: table(app).has_focus)
        assert (table(app).display, lower.display) == (True, False)
        assert text(app, "#results-legend") == "★ most accurate · ⚡ fastest · w why"
        await pilot.press("x")
        await until(pilot, lambda: chart.display and lower.display)
        assert (table(app).display, detail.display) == (True, False)
        await pilot.press("down")
        assert chart.lit_run == runs["cnn"]
        await pilot.press("escape")
        assert not lower.display
        await pilot.click(RunTable, offset=(6, 2))
        await until(pilot, lambda: not table(app).display)


async def test_every_size_is_drawn(app: CifarApp, runs: dict[str, str], results: Any) -> None:
    async with results(app) as pilot:
        for size in ((20, 5), (90, 45), (200, 60)):
            await pilot.resize_terminal(*size)
            assert app.export_screenshot()


# What is done with runs.


async def test_marked_runs_are_compared(
    app: CifarApp, runs: dict[str, str], results: Any, until: Until
) -> None:
    async with results(app) as pilot:
        await pilot.press("c")
        assert "Mark two or more runs" in told(app)
        await pilot.press("space")
        assert table(app).marked == (runs["lite0"],)
        assert cell_text(table(app), runs["lite0"], "mark").startswith("✓")
        assert "1 marked" in text(app, "#results-head")
        await pilot.press("down", "c")
        await until(pilot, lambda: shows(app, CompareScreen))
        await pilot.press("escape")
        await until(pilot, lambda: shows(app, ResultsScreen))
        assert table(app).marked == (runs["lite0"],)


async def test_few_runs_leave_room_for_the_chart_on_a_small_screen(
    app: CifarApp, runs: dict[str, str], results: Any, until: Until
) -> None:
    async with results(app) as pilot:
        detail, chart = app.screen.query_one(RunDetail), app.screen.query_one(ParetoChart)
        await until(pilot, lambda: chart.size.height >= 10)
        assert (table(app).size.height, detail.display) == (5, False)
        await pilot.press("enter")
        await until(pilot, lambda: detail.run_id == runs["lite0"])
        assert (table(app).display, chart.display) == (False, False)
        await pilot.press("escape")
        await until(pilot, lambda: table(app).has_focus and chart.display)
        title = str(chart.border_title)
        await pilot.press("x")
        await until(pilot, lambda: str(chart.border_title) != title)
        await pilot.resize_terminal(80, 17)
        await until(pilot, lambda: not app.screen.has_class("-few"))


@pytest.mark.parametrize(("key", "screen"), [("w", AnswersScreen), ("p", PredictScreen)])
async def test_a_key_opens_a_page(
    app: CifarApp, runs: dict[str, str], results: Any, until: Until, key: str, screen: type[Any]
) -> None:
    async with results(app) as pilot:
        await pilot.press(key)
        await until(pilot, lambda: shows(app, screen))


async def test_the_answers_are_about_the_data_set_under_the_cursor(
    app: CifarApp, write_run: WriteRun, results: Any, until: Until
) -> None:
    write_run("CustomCNN", test=0.7)
    write_run("CustomCNN", test=0.9, dataset="digits")
    async with results(app, rows=2) as pilot:
        for dataset, key in (("digits", "home"), ("cifar10", "end")):
            await pilot.press(key, "w")
            await until(pilot, lambda: shows(app, AnswersScreen))
            await until(pilot, lambda: not app.screen.query("#answers-wait"))
            others = "digits" if dataset == "cifar10" else "cifar10"
            warnings = [str(each.render()) for each in app.screen.query(".warnings .sentence")]
            assert any(line.startswith(f"Runs on {others} are left out") for line in warnings)
            await pilot.press("escape")


async def test_pin_tags_and_note_are_kept(
    app: CifarApp, runs: dict[str, str], results: Any, tmp_path: Path, until: Until
) -> None:
    directory = RunDirectory(tmp_path / "runs" / runs["cnn"])
    async with results(app, size=(110, 24)) as pilot:
        await pilot.press("down", "*")
        await until(pilot, lambda: names(runs, app)[0] == "cnn")
        assert cell_text(table(app), runs["cnn"], "mark").endswith("◆")
        assert "tags" not in columns_in_view(table(app))
        await pilot.press("e")
        await until(pilot, lambda: shows(app, RunNotesScreen))
        await pilot.press(*"a,b c", "tab", *"so", "enter")
        await until(pilot, lambda: read_notes(directory).note)
        assert read_notes(directory) == Notes(True, ("a", "b c"), "so")
        await until(pilot, lambda: shows(app, ResultsScreen))
        await until(pilot, lambda: "tags" in columns_in_view(table(app)))
        assert cell_text(table(app), runs["cnn"], "tags") == "a, b c"
        await pilot.press("e")
        await until(pilot, lambda: shows(app, RunNotesScreen))
        await pilot.press("x", "escape")
        await until(pilot, lambda: shows(app, ResultsScreen))
        await pilot.press("*")
        await until(pilot, lambda: names(runs, app)[0] == "lite0")
        assert read_notes(directory) == Notes(False, ("a", "b c"), "so")


async def test_a_run_goes_to_the_trash_when_asked_twice(
    app: CifarApp, runs: dict[str, str], results: Any, tmp_path: Path, until: Until
) -> None:
    path = tmp_path / "runs" / runs["vgg"]
    async with results(app) as pilot:
        while table(app).current_key != runs["vgg"]:
            await pilot.press("down")
        await pilot.press("delete")
        await until(pilot, lambda: shows(app, ChoiceScreen))
        await pilot.press("c")
        await until(pilot, lambda: shows(app, ResultsScreen))
        await pilot.press("delete")
        await until(pilot, lambda: shows(app, ChoiceScreen))
        await pilot.press("t")
        await until(pilot, lambda: shows(app, ResultsScreen) and table(app).row_count == 3)
        assert not path.exists()
        assert runs["vgg"] not in table(app).keys


async def test_what_has_gone_meanwhile_is_said_in_a_line(
    app: CifarApp, runs: dict[str, str], results: Any, tmp_path: Path, until: Until
) -> None:
    async with results(app) as pilot:
        (tmp_path / "runs" / runs["lite0"]).rename(tmp_path / "elsewhere")
        await pilot.press("p")
        await until(pilot, lambda: "spec.json" in told(app))


# Leaving, and all keys.


async def test_escape_goes_back_to_the_screen_below(app: CifarApp, results: Any) -> None:
    async with results(app, rows=0) as pilot:
        await pilot.press("escape")
        assert not shows(app, ResultsScreen)
        assert app.is_running


async def test_what_is_typed_at_once_after_the_slash_is_filtered_by(
    app: CifarApp, results: Any, until: Until
) -> None:
    async with results(app, rows=0) as pilot:
        for key in ("slash", *"cnn", "slash"):
            app.post_message(events.Key(key, "/" if key == "slash" else key))
        box = app.screen.query_one("#filter-text", Input)
        await until(pilot, lambda: box.value == "cnn/")
