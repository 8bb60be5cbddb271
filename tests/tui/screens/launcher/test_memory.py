"""What the launcher remembers from one start to the next, and what it does before it is whole."""

from __future__ import annotations

from typing import Any

import pytest

import tui.app
import tui.screens.launcher.form
from engine.config.recipe import DEFAULT_RECIPE
from engine.config.spec import RunSpec
from tests.support.launcher import Launcher, LauncherReader
from tests.support.screens import MakeApp, is_open, until
from tui.app import CifarApp
from tui.screens.launcher.screen import MARKED_AT_FIRST, SECTION, LauncherScreen, last_choices
from tui.screens.training.screen import TrainingScreen
from tui.settings.preferences import write_preferences


async def test_what_was_started_last_is_there_again(launcher: Launcher, make_app: MakeApp) -> None:
    async with launcher((120, 40)) as page:
        # One more is marked, and none left of the two at first.
        await page.pilot.press("down", "space")
        page.field("dataset").value = "digits"
        page.field("epochs").value = "2,1"
        page.choice("recipe").value = "notebook"
        await page.says("2 ep")
        asked = page.marked
        await page.pilot.press("ctrl+s")
        await until(page.pilot, lambda: is_open(page.app, TrainingScreen))

    app = make_app(None)
    async with app.run_test(size=(120, 40)) as pilot:
        later = LauncherReader(app, pilot)
        await later.ready()
        assert later.marked == asked
        assert later.field("dataset").value == "digits"
        assert later.field("epochs").value == "2,1"
        assert later.choice("recipe").value == "notebook"
        await later.says("notebook")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: later.form.texts == {})
        await later.says(DEFAULT_RECIPE.name)


@pytest.mark.parametrize(
    "kept",
    [
        {"models": "VGG16", "options": []},
        {"models": ["gone", 3, ["x"]], "options": {"epochs": 3}},
    ],
)
def test_a_memory_that_makes_no_sense_is_none(kept: dict[str, Any]) -> None:
    write_preferences(SECTION, kept)
    assert last_choices() == (list(MARKED_AT_FIRST), {})


async def test_options_that_are_no_longer_offered_stand_at_their_defaults(
    launcher: Launcher,
) -> None:
    write_preferences(SECTION, {"models": ["gone"], "options": {"recipe": "gone", "no_field": "x"}})
    async with launcher((120, 40)) as page:
        assert page.marked == list(MARKED_AT_FIRST)
        assert page.form.texts == {}


async def test_what_is_remembered_counts_before_the_fields_are_there(
    launcher_app: CifarApp, started: list[list[RunSpec]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tui.screens.launcher.form, "FILL_AFTER_SECONDS", 3600.0)
    options = {"dataset": "digits", "recipe": "notebook", "epochs": "1,1", "flip": "perhaps"}
    write_preferences(SECTION, {"models": ["EfficientNetLite0"], "options": options})
    async with launcher_app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: is_open(launcher_app, LauncherScreen))
        await pilot.press("enter")
        await until(pilot, lambda: started)
    ((spec,),) = started
    assert (spec.dataset, spec.recipe, spec.epochs) == ("digits", "notebook", 2)


async def test_n_before_the_training_has_begun_opens_no_second_launcher(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tui.app, "START_AFTER_SECONDS", 3600.0)
    async with launcher((120, 40)) as page:
        await page.pilot.press("enter")
        await until(page.pilot, lambda: is_open(page.app, TrainingScreen))
        await page.pilot.press("n")
        assert is_open(page.app, TrainingScreen)
