"""The results screen: sorting, marks, the run in full, empty and broken folders, any size."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

import tui.screens.results
from engine.config import RunSpec
from engine.events import PhaseChanged, event_to_line
from engine.run_lock import locked
from engine.runs import RunDirectory
from engine.session import SessionHandle
from tui.app import CifarApp
from tui.panels.curve_chart import CurveChart
from tui.panels.run_detail import RunDetail
from tui.panels.run_table import DOWN, UP, RunTable, sorted_rows
from tui.screens.launcher import LauncherScreen
from tui.screens.results import ResultsScreen

AnyPilot = Pilot[Any]
WriteRun = Callable[..., str]
Until = Callable[[AnyPilot, Callable[[], object]], Awaitable[None]]


@pytest.fixture
def app(tmp_path: Path, make_session: Callable[..., SessionHandle]) -> CifarApp:
    """An app over the folder that `write_run` writes to."""

    def start(specs: list[RunSpec]) -> SessionHandle:
        return make_session(tuple(specs))

    return CifarApp(None, runs_dir=tmp_path / "runs", start_session=start)


@asynccontextmanager
async def results(app: CifarApp, size: tuple[int, int] = (80, 24)) -> AsyncIterator[AnyPilot]:
    """The app with the results over the launcher."""
    async with app.run_test(size=size) as pilot:
        app.action_results()
        await pilot.pause()
        yield pilot


@pytest.fixture
def runs(write_run: WriteRun) -> dict[str, str]:
    """Run ids by model: two ranked ones, one failed, one interrupted."""
    return {
        "lite0": write_run("EfficientNetLite0", test=0.9183, train_seconds=441, epochs=3),
        "cnn": write_run("CustomCNN", test=0.7310, train_seconds=64),
        "vgg": write_run("VGG16", status="failed", error="no weights to be had", train_seconds=1),
        "dense": write_run("DenseNet121", status="interrupted", epochs=2),
    }


def table(app: CifarApp) -> RunTable:
    return app.screen.query_one(RunTable)


def text(app: CifarApp, selector: str) -> str:
    return str(app.screen.query_one(selector, Static).render())


def header(app: CifarApp, key: str) -> str:
    return next(str(c.label) for k, c in table(app).columns.items() if k.value == key)


def cell(app: CifarApp, run_id: str, key: str) -> str:
    return table(app).get_cell(run_id, key).plain.strip()


def names(runs: dict[str, str], app: CifarApp) -> list[str]:
    by_id = {run_id: name for name, run_id in runs.items()}
    return [by_id[run_id] for run_id in table(app).run_ids]


async def test_best_first_with_the_best_and_the_fastest_marked(
    app: CifarApp, runs: dict[str, str], until: Until
) -> None:
    async with results(app) as pilot:
        await until(pilot, lambda: table(app).row_count == 4)
        assert names(runs, app)[:2] == ["lite0", "cnn"]
        assert header(app, "test_accuracy") == f"test acc{DOWN}"
        marks = {name: cell(app, run_id, "mark") for name, run_id in runs.items()}
        assert marks == {"lite0": "★", "cnn": "⚡", "vgg": "", "dense": ""}
        assert cell(app, runs["vgg"], "status") == "failed"
        assert cell(app, runs["lite0"], "train_seconds") == "7:21"
        verdict = text(app, "#results-verdict")
        assert "★ most accurate: EfficientNetLite0, 0.9183" in verdict
        assert "⚡ fastest: CustomCNN" in verdict


async def test_sorting_by_key_and_by_header(
    app: CifarApp, runs: dict[str, str], until: Until
) -> None:
    async with results(app) as pilot:
        await until(pilot, lambda: table(app).row_count == 4)
        await pilot.press("s")
        assert header(app, "wall_seconds") == f"wall{UP}"
        assert header(app, "test_accuracy") == "test acc"
        assert names(runs, app) == ["vgg", "cnn", "lite0", "dense"]
        await pilot.press("o")
        assert header(app, "wall_seconds") == f"wall{DOWN}"
        assert names(runs, app) == ["lite0", "cnn", "vgg", "dense"]
        assert f"sorted by wall {DOWN}" in text(app, "#results-head")
        await pilot.click(RunTable, offset=(6, 0))
        assert header(app, "model") == f"model{UP}"
        assert names(runs, app) == ["cnn", "dense", "lite0", "vgg"]


async def test_sorting_goes_through_all_columns_and_keeps_the_run_under_the_cursor(
    app: CifarApp, runs: dict[str, str], until: Until
) -> None:
    async with results(app) as pilot:
        await until(pilot, lambda: table(app).row_count == 4)
        await pilot.press("down")
        assert table(app).current_run == runs["cnn"]
        seen = []
        for _ in range(10):
            seen.append(table(app).sort_key)
            await pilot.press("s")
            assert table(app).current_run == runs["cnn"]
        assert seen[:2] == ["test_accuracy", "wall_seconds"]
        assert len(set(seen)) == 10
        assert table(app).sort_key == "test_accuracy"


def test_what_is_not_known_comes_last_either_way() -> None:
    rows: list[dict[str, Any]] = [{"a": None}, {"a": 1}, {"a": 3}]
    assert [row["a"] for row in sorted_rows(rows, "a", True)] == [3, 1, None]
    assert [row["a"] for row in sorted_rows(rows, "a", False)] == [1, 3, None]


async def test_the_highlighted_run_is_shown_in_full(
    app: CifarApp, runs: dict[str, str], until: Until
) -> None:
    async with results(app, (120, 40)) as pilot:
        chart = app.screen.query_one("#run-accuracy", CurveChart)
        await until(pilot, lambda: chart.data is not None and len(chart.data.validation) == 3)
        facts = text(app, "#run-facts-text")
        for part in ("0.9183", "3.38 M", "depth 50", "141 M FLOPs", "7:26 in all", "BatchNorm"):
            assert part in facts
        await pilot.press("down", "down")
        await until(
            pilot,
            lambda: (
                "VGG16" in str(app.screen.query_one(RunDetail).border_title)
                or "DenseNet121" in str(app.screen.query_one(RunDetail).border_title)
            ),
        )
        await pilot.press("down")
        found = set()
        for _ in range(2):
            await pilot.pause()
            found.add(app.screen.query_one(RunDetail).run_id)
            await pilot.press("up")
        assert found == {runs["vgg"], runs["dense"]}


async def test_a_failed_run_says_why(app: CifarApp, write_run: WriteRun, until: Until) -> None:
    write_run("VGG16", status="failed", error="no weights to be had")
    async with results(app, (120, 40)) as pilot:
        await until(pilot, lambda: "no weights to be had" in text(app, "#run-facts-text"))


async def test_an_interrupted_run_is_summed_up_from_its_record(
    app: CifarApp, write_run: WriteRun, until: Until
) -> None:
    write_run("DenseNet121", status="interrupted", epochs=2)
    async with results(app, (120, 40)) as pilot:
        await until(pilot, lambda: "best 0.7000 in epoch 2" in text(app, "#run-facts-text"))
        assert "not tested" in text(app, "#run-facts-text")


async def test_an_empty_folder_says_what_to_do(app: CifarApp, until: Until) -> None:
    async with results(app) as pilot:
        await until(pilot, lambda: "No runs in" in text(app, "#results-note"))
        assert "cifar-tui demo" in text(app, "#results-note")
        await pilot.press("s", "o", "enter", "escape")
        assert isinstance(app.screen, ResultsScreen)


async def test_broken_directories_are_named_once(
    app: CifarApp, runs: dict[str, str], tmp_path: Path, until: Until
) -> None:
    (tmp_path / "runs" / "torn").mkdir()
    (tmp_path / "runs" / "torn" / "spec.json").write_text("{")
    async with results(app) as pilot:
        await until(pilot, lambda: table(app).row_count == 4)
        assert text(app, "#results-note") == "left out, as they cannot be read: torn"


async def test_of_many_broken_directories_some_are_named(
    app: CifarApp, runs: dict[str, str], tmp_path: Path, until: Until
) -> None:
    for number in range(10):
        (tmp_path / "runs" / f"torn-{number}").mkdir()
        (tmp_path / "runs" / f"torn-{number}" / "spec.json").touch()
    async with results(app) as pilot:
        await until(pilot, lambda: table(app).row_count == 4)
        assert "torn-7 and 2 more" in text(app, "#results-note")


async def test_a_record_of_noise_is_opened(
    app: CifarApp, write_run: WriteRun, tmp_path: Path, until: Until
) -> None:
    noise = write_run("VGG16", status="interrupted", epochs=2)
    events = tmp_path / "runs" / noise / "events.jsonl"
    events.write_bytes(events.read_bytes()[100:] + b"\xff\x00" * 999 + b"\n" + b"[" * 9_999 + b"\n")
    async with results(app, (120, 40)) as pilot:
        chart = app.screen.query_one("#run-accuracy", CurveChart)
        await until(pilot, lambda: chart.data is not None and len(chart.data.validation) == 2)


async def test_a_run_that_dies_shows_it_without_a_key(
    app: CifarApp,
    write_run: WriteRun,
    tmp_path: Path,
    until: Until,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tui.screens.results, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(tui.screens.results, "LOOK_SHARE", 1.0)
    run_id = write_run("VGG16", status="interrupted")
    directory = RunDirectory(tmp_path / "runs" / run_id)
    directory.events.write_text(event_to_line(PhaseChanged(phase="paused")))
    os.utime(directory.events, (0, 0))
    async with results(app) as pilot:
        with locked(directory.lock):
            await until(pilot, lambda: table(app).row_count == 1)
            await until(pilot, lambda: cell(app, run_id, "status") == "paused")
        await until(pilot, lambda: cell(app, run_id, "status") == "interrupted")


async def test_refresh_finds_new_runs(
    app: CifarApp, runs: dict[str, str], write_run: WriteRun, until: Until
) -> None:
    async with results(app) as pilot:
        await until(pilot, lambda: table(app).row_count == 4)
        best = write_run("ResNet50V2", test=0.99)
        await pilot.press("r")
        await until(pilot, lambda: table(app).row_count == 5)
        assert table(app).run_ids[0] == best
        assert cell(app, best, "mark").startswith("★")


async def test_on_a_small_screen_enter_changes_between_table_and_run(
    app: CifarApp, runs: dict[str, str], until: Until
) -> None:
    async with results(app) as pilot:
        await until(pilot, lambda: table(app).row_count == 4)
        detail = app.screen.query_one(RunDetail)
        assert (table(app).display, detail.display) == (True, False)
        await pilot.press("enter")
        assert (table(app).display, detail.display) == (False, True)
        await pilot.press("enter")
        assert (table(app).display, detail.display) == (True, False)
        await pilot.press("enter", "escape")
        assert table(app).has_focus


async def test_escape_goes_back_and_n_starts_anew(
    app: CifarApp, runs: dict[str, str], until: Until
) -> None:
    async with results(app) as pilot:
        await until(pilot, lambda: table(app).row_count == 4)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LauncherScreen))
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ResultsScreen))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, LauncherScreen))


async def test_every_size_is_drawn(app: CifarApp, runs: dict[str, str], until: Until) -> None:
    async with results(app, (100, 30)) as pilot:
        await until(pilot, lambda: table(app).row_count == 4)
        for size in ((20, 5), (60, 15), (80, 24), (200, 60)):
            await pilot.resize_terminal(*size)
            assert app.export_screenshot()
        await until(pilot, lambda: isinstance(app.screen, ResultsScreen))
