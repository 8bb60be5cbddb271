"""What the launcher remembers from one start to the next, and what it does before it is whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Select, Static

import tui.app
import tui.screens.launcher.form
from engine.config.recipe import DEFAULT_RECIPE
from engine.config.spec import RunSpec
from tui.app import CifarApp
from tui.panels.tables.catalogue import CatalogueTable
from tui.screens.launcher.form import RunForm
from tui.screens.launcher.screen import MARKED_AT_FIRST, SECTION, LauncherScreen
from tui.screens.training.screen import TrainingScreen
from tui.settings.preferences import write_preferences

Until = Callable[[Pilot[Any], Callable[[], object]], Awaitable[None]]
MakeApp = Callable[..., CifarApp]


@pytest.fixture
def app(launcher_app: CifarApp) -> CifarApp:
    return launcher_app


def models(app: CifarApp) -> CatalogueTable:
    return app.screen.query_one(CatalogueTable)


def field(app: CifarApp, name: str) -> Input:
    return app.screen.query_one(f"#field-{name}", Input)


def is_said(app: CifarApp, text: str) -> Callable[[], bool]:
    return lambda: text in str(app.screen.query_one("#launcher-summary", Static).render())


async def ready(app: CifarApp, pilot: Pilot[Any], until: Until) -> None:
    """Wait for the launcher and its fields."""
    await until(pilot, lambda: isinstance(app.screen, LauncherScreen))
    await until(pilot, lambda: app.screen.query_one(RunForm).is_filled)


async def test_what_was_started_last_is_there_again(
    app: CifarApp, until: Until, make_app: MakeApp, make_session: Callable[..., object]
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(app, pilot, until)
        await pilot.press("down", "space")  # one more is marked, and none left of the two at first
        field(app, "dataset").value = "digits"
        field(app, "epochs").value = "2,1"
        app.screen.query_one("#field-recipe", Select).value = "notebook"
        await until(pilot, is_said(app, "2 ep"))
        asked = [entry.name for entry in models(app).marked]
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, TrainingScreen))

    later = make_app(None, lambda specs: make_session(tuple(specs)))
    async with later.run_test(size=(120, 40)) as pilot:
        await ready(later, pilot, until)
        assert [entry.name for entry in models(later).marked] == asked
        assert field(later, "dataset").value == "digits"
        assert field(later, "epochs").value == "2,1"
        assert later.screen.query_one("#field-recipe", Select).value == "notebook"
        await until(pilot, is_said(later, "notebook"))
        await pilot.press("ctrl+r")
        await until(pilot, lambda: later.screen.query_one(RunForm).texts == {})
        await until(pilot, is_said(later, DEFAULT_RECIPE.name))


@pytest.mark.parametrize(
    "kept",
    [
        {"models": "VGG16", "options": []},
        {"models": ["gone", 3, ["x"]], "options": {"epochs": 3}},
        {"models": [], "options": {"recipe": "gone", "no_field": "x"}},
    ],
)
async def test_a_memory_that_makes_no_sense_is_none(
    kept: dict[str, Any], app: CifarApp, until: Until
) -> None:
    write_preferences(SECTION, kept)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(app, pilot, until)
        assert [entry.name for entry in models(app).marked] == list(MARKED_AT_FIRST)
        assert app.screen.query_one(RunForm).texts == {}


async def test_what_is_remembered_counts_before_the_fields_are_there(
    app: CifarApp, until: Until, started: list[list[RunSpec]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tui.screens.launcher.form, "FILL_AFTER_SECONDS", 3600.0)
    options = {"dataset": "digits", "recipe": "notebook", "epochs": "1,1", "flip": "perhaps"}
    write_preferences(SECTION, {"models": ["EfficientNetLite0"], "options": options})
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LauncherScreen))
        await pilot.press("enter")
        await until(pilot, lambda: started)
    ((spec,),) = started
    assert (spec.dataset, spec.recipe, spec.epochs) == ("digits", "notebook", 2)


async def test_n_before_the_training_has_begun_opens_no_second_launcher(
    app: CifarApp, until: Until, started: list[list[RunSpec]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tui.app, "START_AFTER_SECONDS", 3600.0)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(app, pilot, until)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TrainingScreen))
        await pilot.press("n")
        assert isinstance(app.screen, TrainingScreen)
