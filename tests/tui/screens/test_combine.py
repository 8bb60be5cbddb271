"""Runs combined from the results: asked how, done by the real thing, cancelled, or rejected."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.protocol.events import Event, PhaseChanged
from engine.runs.listing import RunRecord, load_run
from engine.tools.ensemble_candidates import find_candidates
from tests.support.ensembles import exported_run, names_in
from tests.support.fake_session import FakeSession
from tests.support.runs import RunWriter
from tests.support.screens import AnyPilot, Running, is_open, messages, text_of, until
from tui.app import CifarApp
from tui.panels.tables.runs import RunTable
from tui.screens.choice import ChoiceScreen
from tui.screens.combine import CombineScreen, combine_question
from tui.screens.help import HelpScreen
from tui.screens.results.actions import COMBINE_HOW, TRAINS_HERE
from tui.screens.results.screen import ResultsScreen


@pytest.fixture
def members(write_run: RunWriter, classifier_file: Path) -> list[RunRecord]:
    """Two finished runs on the digits of one split, with models that can be read."""
    runs = [exported_run(write_run, test=test) for test in (0.9, 0.8)]
    for run in runs:
        shutil.copy(classifier_file, run.directory.model)
    return runs


@asynccontextmanager
async def results(
    app: CifarApp, runs_dir: Path, rows: int, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AnyPilot]:
    """The results of a folder over nothing, with all their rows."""
    monkeypatch.setattr(app, "_open_launcher", lambda asked: None)
    app.runs_dir = runs_dir
    async with app.run_test(size=(80, 24)) as pilot:
        app.action_results()
        await until(pilot, lambda: is_open(app, ResultsScreen) and app.screen.query(RunTable))
        await until(pilot, lambda: table(app).row_count == rows)
        yield pilot


@pytest.fixture
def opened(launcher_app: CifarApp, write_run: RunWriter, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Opens the results of the runs that were written, as a context."""
    return lambda rows=2: results(launcher_app, write_run.runs_dir, rows, monkeypatch)


def table(app: Any) -> RunTable:
    found: RunTable = app.screen.query_one(RunTable)
    return found


def said(pilot: AnyPilot) -> str:
    """All that the screen says."""
    if not pilot.app.screen.query("#combine-now"):
        return ""  # it is not composed yet
    return "\n".join(text_of(pilot.app, f"#combine-{part}") for part in ("head", "lines", "now"))


async def ask(pilot: AnyPilot) -> str:
    """Mark the first run, go to the second, and ask to combine them; return the question."""
    await pilot.press("home", "space", "down", "plus")
    await until(pilot, lambda: is_open(pilot.app, ChoiceScreen))
    title: str = pilot.app.screen.question.title  # type: ignore[attr-defined]
    return title


async def begin(pilot: AnyPilot) -> CombineScreen:
    """Combine the first two runs by whichever is better."""
    await ask(pilot)
    await pilot.press("b")
    await until(pilot, lambda: is_open(pilot.app, CombineScreen))
    screen = pilot.app.screen
    assert isinstance(screen, CombineScreen)
    return screen


def wait_at(phase: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the work wait in a phase until it is cancelled."""
    take = CombineScreen._take

    def wait(screen: CombineScreen, event: Event) -> None:
        if isinstance(event, PhaseChanged) and event.phase == phase:
            screen._now = "waiting"
            assert screen._cancel.wait(60)
        take(screen, event)

    monkeypatch.setattr(CombineScreen, "_take", wait)


async def test_marked_runs_become_one_which_is_listed_and_under_the_cursor(
    members: list[RunRecord], write_run: RunWriter, opened: Any
) -> None:
    async with opened() as pilot:
        await pilot.press("slash", *"model:cnn", "enter")
        title = await ask(pilot)
        assert all(run.run_id in title for run in members)
        await pilot.press("p")
        await until(pilot, lambda: is_open(pilot.app, CombineScreen))
        screen: Any = pilot.app.screen
        await until(pilot, lambda: " is made" in said(pilot))
        (made,) = names_in(write_run.runs_dir) - {run.run_id for run in members}
        run = load_run(write_run.runs_dir / made)
        assert run.file.spec.ensemble is not None
        assert run.file.spec.ensemble.by == "probabilities"
        text = said(pilot)
        assert "2 runs   by probabilities" in text
        for line in (
            f"{made}: 1 run alone\n",
            f"  100 %  {members[0].run_id}\n",
            f"      –  {members[1].run_id}, left out\n",
            " on 130 images that no member trained on\n",
            f"test accuracy {run.summary.test_accuracy:.4f} on 500 test images\n",
            " FLOPs per image\n",
            f"{members[0].run_id} alone: ",
            "mean probabilities: nothing is better than ",
        ):
            assert line in text
        # What lies over it is closed first.
        await pilot.press("question_mark")
        await until(pilot, lambda: is_open(pilot.app, HelpScreen))
        screen.action_leave()
        assert is_open(pilot.app, HelpScreen)
        await pilot.press("escape")
        await until(pilot, lambda: is_open(pilot.app, ResultsScreen))
        await until(pilot, lambda: table(pilot.app).current_key == made)
        assert table(pilot.app).row_count == 3  # the filter would have hidden it
        assert messages(pilot.app) == []


async def test_among_models_the_new_run_is_found_too(
    members: list[RunRecord], write_run: RunWriter, opened: Any
) -> None:
    async with opened() as pilot:
        await pilot.press("space", "down", "space", "g", "plus")
        await until(pilot, lambda: is_open(pilot.app, ChoiceScreen))
        await pilot.press("w")
        await until(pilot, lambda: is_open(pilot.app, CombineScreen))
        await until(pilot, lambda: " is made" in said(pilot))
        assert "mean weights: nothing is better than " in said(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: is_open(pilot.app, ResultsScreen))
        await until(pilot, lambda: str(table(pilot.app).current_key).endswith("-ensemble"))
        assert table(pilot.app).has_focus


async def test_escape_cancels_and_leaves_nothing(
    members: list[RunRecord],
    write_run: RunWriter,
    opened: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wait_at("saving", monkeypatch)
    before = names_in(write_run.runs_dir)
    async with opened() as pilot:
        app = pilot.app
        await begin(pilot)
        await until(pilot, lambda: "waiting" in said(pilot))
        assert "esc cancels, and leaves nothing behind" in said(pilot)
        assert len(names_in(write_run.runs_dir) - before) == 1
        # No training begins beside it.
        await pilot.press("n")
        assert is_open(app, CombineScreen)
        assert messages(app) == [
            "Runs are being combined: no session begins before that has ended."
        ]
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert not any(title.startswith("First page") for title in titles)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: is_open(app, ResultsScreen))
        assert messages(app)[1:] == ["Cancelled: nothing was written."]
        assert names_in(write_run.runs_dir) == before
        assert table(app).marked == (members[0].run_id,)
        await pilot.press("plus")
        await until(pilot, lambda: is_open(app, ChoiceScreen))
        await pilot.press("escape")
        await until(pilot, lambda: is_open(app, ResultsScreen))


async def test_quitting_ends_the_work_and_leaves_nothing(
    members: list[RunRecord],
    write_run: RunWriter,
    opened: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wait_at("saving", monkeypatch)
    before = names_in(write_run.runs_dir)
    async with opened() as pilot:
        screen = await begin(pilot)
        await until(pilot, lambda: "waiting" in said(pilot))
        await pilot.press("q")
    screen._thread.join(60)
    assert not screen._thread.is_alive()
    assert names_in(write_run.runs_dir) == before


async def test_fewer_than_two_runs_are_told_how(members: list[RunRecord], opened: Any) -> None:
    async with opened() as pilot:
        await pilot.press("plus")
        await pilot.press("space", "plus")
        assert messages(pilot.app) == [COMBINE_HOW, COMBINE_HOW]
        assert COMBINE_HOW == (
            "Mark two or more runs with space, then press + to combine them into one."
        )


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"status": "stopped"}, "expected a finished run, found one that is stopped"),
        ({"dataset": "cifar10"}, "expected runs of one data set, found "),
    ],
)
async def test_runs_that_do_not_fit_together_are_one_line_and_no_question(
    write_run: RunWriter, opened: Any, other: dict[str, Any], words: str
) -> None:
    exported_run(write_run)
    exported_run(write_run, **other)
    async with opened() as pilot:
        await pilot.press("space", "down", "space", "plus")
        await until(pilot, lambda: messages(pilot.app))
        (line,) = messages(pilot.app)
        assert words in line
        assert "\n" not in line
        assert is_open(pilot.app, ResultsScreen)


async def test_what_shows_only_while_it_is_done_is_one_line_and_leaves_nothing(
    members: list[RunRecord], write_run: RunWriter, opened: Any
) -> None:
    members[1].directory.model.write_bytes(b"damaged")
    before = names_in(write_run.runs_dir)
    async with opened() as pilot:
        await begin(pilot)
        await until(pilot, lambda: "nothing was written; esc goes back" in said(pilot))
        name = members[1].run_id
        assert f"✗ {name}: expected an image classifier in model.keras, found " in said(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: is_open(pilot.app, ResultsScreen))
        assert names_in(write_run.runs_dir) == before


async def test_missing_images_are_one_line(
    write_run: RunWriter, opened: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    for _ in range(2):
        exported_run(write_run, dataset="cifar10")
    async with opened() as pilot:
        await begin(pilot)
        await until(pilot, lambda: "nothing was written; esc goes back" in said(pilot))
        assert "✗ expected the images of cifar10 on this machine, found none" in said(pilot)


async def test_beside_a_training_nothing_is_combined(
    session: FakeSession, running: Running, write_run: RunWriter
) -> None:
    for _ in range(2):
        exported_run(write_run)
    async with running(session) as pilot:
        app: Any = pilot.app
        app.runs_dir = write_run.runs_dir
        await pilot.press("r")
        await until(pilot, lambda: is_open(app, ResultsScreen) and app.screen.query(RunTable))
        await until(pilot, lambda: table(app).row_count == 2)
        await pilot.press("space", "down", "plus")
        assert messages(app) == [TRAINS_HERE]
        session.alive = False
        await pilot.press("plus")
        await until(pilot, lambda: is_open(app, ChoiceScreen))


# The question.


def test_weights_are_offered_for_runs_of_one_network(write_run: RunWriter) -> None:
    def answers(*models: str) -> list[str]:
        runs = [exported_run(write_run, model) for model in models]
        return [answer.id for answer in combine_question(find_candidates(runs)).answers]

    assert answers("VGG16", "VGG16") == ["better", "probabilities", "weights", "cancel"]
    assert answers("VGG16", "VGG19") == ["probabilities", "cancel"]


def test_of_many_runs_the_question_names_some(write_run: RunWriter) -> None:
    runs = [exported_run(write_run) for _ in range(5)]
    title = combine_question(find_candidates(runs)).title
    assert [run.run_id in title for run in runs] == [True, True, True, False, False]
    assert "and 2 more" in title
    assert "more" not in combine_question(find_candidates(runs[:4])).title
