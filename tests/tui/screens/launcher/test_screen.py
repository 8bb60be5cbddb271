"""The launcher: marking, filtering, errors while typing, starting."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from textual import events
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Button, Input, Select, Static

from engine.backbones.catalogue import CATALOGUE, find_backbone
from engine.config.options import Options
from engine.config.planning import plan_runs
from engine.config.recipe import DEFAULT_RECIPE, RECIPES
from engine.config.settings import SETTINGS, recipe_defaults
from engine.config.spec import RunSpec, Unfreeze
from engine.errors import InputError
from tui.app import CifarApp
from tui.panels.tables.catalogue import MARKED, UNMARKED, CatalogueTable
from tui.screens.launcher.form import RunForm, in_words, label
from tui.screens.launcher.recipe_prompt import HELD, RecipePrompt
from tui.screens.launcher.screen import LauncherScreen
from tui.screens.launcher.texts import summary_text
from tui.screens.training.screen import TrainingScreen

Until = Callable[[Pilot[Any], Callable[[], object]], Awaitable[None]]
MakeApp = Callable[..., CifarApp]


@pytest.fixture
def app(launcher_app: CifarApp) -> CifarApp:
    return launcher_app


def models(app: CifarApp) -> CatalogueTable:
    return app.screen.query_one(CatalogueTable)


def field(app: CifarApp, name: str) -> Input:
    return app.screen.query_one(f"#field-{name}", Input)


def summary(app: CifarApp) -> str:
    return str(app.screen.query_one("#launcher-summary", Static).render())


def weights(app: CifarApp, name: str) -> str:
    return models(app).cell_text(name, "weights")


def is_said(app: CifarApp, text: str) -> Callable[[], bool]:
    return lambda: text in summary(app)


def is_seen(row: Widget, form: RunForm) -> Callable[[], bool]:
    return lambda: form.region.contains_region(row.region)


async def ready(app: CifarApp, pilot: Pilot[Any], until: Until) -> None:
    """Wait for the launcher's first check, and for the fields."""
    await until(pilot, lambda: isinstance(app.screen, LauncherScreen) and summary(app))
    await until(pilot, lambda: app.screen.query_one(RunForm).is_filled)


async def test_the_catalogue_is_there_with_two_models_marked(app: CifarApp, until: Until) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(app, pilot, until)
        assert models(app).keys == [entry.name for entry in CATALOGUE]
        assert [entry.name for entry in models(app).marked] == ["EfficientNetLite0", "CustomCNN"]
        said = f"EfficientNetLite0, CustomCNN · CIFAR-10 · {DEFAULT_RECIPE.name}"
        await until(pilot, is_said(app, f"GB memory · {said}"))
        assert summary(app).startswith("2 runs · ~")
        await until(pilot, lambda: weights(app, "EfficientNetLite0") == "bundled")


async def test_space_marks_and_unmarks(app: CifarApp, until: Until) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(app, pilot, until)
        await pilot.press("space")
        assert models(app).cell_text("EfficientNetLite0", "mark") == UNMARKED
        assert summary(app).startswith("1 run ·")
        assert "· CustomCNN ·" in summary(app)
        await pilot.press("down", "space")
        assert summary(app) == "mark at least one model with space"
        assert app.screen.query_one("#start", Button).disabled
        await pilot.press("down", "space")
        third = CATALOGUE[2].name
        assert models(app).cell_text(third, "mark") == MARKED
        assert summary(app).startswith("1 run ·")
        assert f"· {third} ·" in summary(app)


async def test_letters_move_as_arrows_do(app: CifarApp, until: Until) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(app, pilot, until)
        await pilot.press("j", "j", "k")
        await until(pilot, lambda: models(app).current_key == CATALOGUE[1].name)
        await pilot.press("space")
        assert [entry.name for entry in models(app).marked] == ["EfficientNetLite0"]


async def test_the_filter_finds_a_model_and_escape_clears_it(app: CifarApp, until: Until) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(app, pilot, until)
        await pilot.press("slash", *"vgg1")
        assert models(app).keys == ["VGG16", "VGG19"]
        await pilot.press("enter", "space")
        assert models(app).has_focus
        assert summary(app).startswith("3 runs")
        await pilot.press("escape")
        assert len(models(app).keys) == len(CATALOGUE)
        assert models(app).cell_text("VGG16", "mark") == MARKED


async def test_what_is_typed_at_once_after_the_slash_is_filtered_by(
    app: CifarApp, until: Until
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(app, pilot, until)
        for key in ("slash", *"vgg", "slash"):
            app.post_message(events.Key(key, "/" if key == "slash" else key))
        box = app.screen.query_one("#filter", Input)
        await until(pilot, lambda: box.value == "vgg/")


WRONG = (
    ("epochs", "0", "epochs: expected 1 to 10000, found 0"),
    ("image_size", "16", "image size: EfficientNetLite0 needs 32 px or more, found 16"),
    ("unfreezes", "5:60", "unfreeze after: expected an epoch from 1 to 4"),
    ("data_path", "/nowhere", "/nowhere"),
    ("weights", "no.h5", "no.h5"),
)
"""Field, what is typed into it, what is said of it."""


async def test_what_is_wrong_is_said_while_it_is_typed(app: CifarApp, until: Until) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(app, pilot, until)
        for name, typed, said in WRONG:
            field(app, name).value = typed
            await until(pilot, is_said(app, said))
            assert app.screen.query_one(f"#row-{name}").has_class("-wrong")
            field(app, name).value = ""
            await until(pilot, lambda: summary(app).startswith("2 runs"))
            assert not app.screen.query_one(f"#row-{name}").has_class("-wrong")


@pytest.mark.parametrize(("name", "typed"), [("epochs", "0"), ("data_path", "/nowhere")])
async def test_what_is_wrong_is_not_started_but_gone_to(
    app: CifarApp, until: Until, started: list[list[RunSpec]], name: str, typed: str
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(app, pilot, until)
        field(app, name).value = typed
        await pilot.press("ctrl+s")
        await until(pilot, lambda: field(app, name).has_focus)
        assert started == []


async def test_the_form_reaches_the_specs_and_starts_the_training(
    app: CifarApp, until: Until, started: list[list[RunSpec]]
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(app, pilot, until)
        for name, value in (("epochs", "2,1"), ("batch_size", "16"), ("seeds", "3,4")):
            field(app, name).value = value
        await until(pilot, lambda: summary(app).startswith("4 runs"))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, TrainingScreen))
    (specs,) = started
    assert [(spec.model, spec.seed) for spec in specs] == [
        ("EfficientNetLite0", 3),
        ("EfficientNetLite0", 4),
        ("CustomCNN", 3),
        ("CustomCNN", 4),
    ]
    assert [stage.epochs for stage in specs[0].stages] == [2, 1]
    assert {spec.batch_size for spec in specs} == {16}


@pytest.mark.parametrize("way", ["enter on the table", "enter in a field", "button"])
async def test_there_are_several_ways_to_start(
    app: CifarApp, until: Until, started: list[list[RunSpec]], way: str
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(app, pilot, until)
        if way == "enter in a field":
            field(app, "epochs").focus()
        elif way == "button":
            app.screen.query_one("#start", Button).focus()
        await pilot.press("enter")
        await until(pilot, lambda: started)
    assert len(started) == 1


async def test_the_keyboard_reaches_every_field(app: CifarApp, until: Until) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(app, pilot, until)
        reached = []
        for _ in SETTINGS:
            await pilot.press("tab")
            reached.append(app.focused.id if app.focused else None)
        assert reached[0] == "field-dataset"
        assert reached[-1] == "field-feature_disk_gb"
        assert len(set(reached)) == len(SETTINGS)


async def test_a_recipe_changes_what_empty_fields_mean(app: CifarApp, until: Until) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(app, pilot, until)
        assert field(app, "epochs").placeholder == recipe_defaults(DEFAULT_RECIPE)["epochs"]
        names = list(RECIPES)
        await pilot.press("tab", "tab", "tab", "enter")
        steps = names.index("demo") - names.index(DEFAULT_RECIPE.name)
        await pilot.press(*["down"] * steps, "enter")
        await until(pilot, lambda: "demo" in summary(app))
        demo = recipe_defaults(RECIPES["demo"])
        assert field(app, "epochs").placeholder == demo["epochs"] == "5,5"


async def test_a_choice_left_empty_is_the_recipes(
    app: CifarApp, until: Until, started: list[list[RunSpec]]
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(app, pilot, until)
        app.screen.query_one("#field-recipe", Select).value = "recommended"
        flip = app.screen.query_one("#field-flip", Select)
        await until(pilot, lambda: "recommended" in summary(app) and flip.prompt == "yes")
        app.screen.query_one("#field-feature_cache", Select).value = "no"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: started)
    assert {(spec.flip, spec.feature_cache) for spec in started[0]} == {(True, False)}


async def test_a_choice_made_goes_before_the_recipe(
    app: CifarApp, until: Until, started: list[list[RunSpec]]
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(app, pilot, until)
        app.screen.query_one("#field-recipe", Select).value = "recommended"
        app.screen.query_one("#field-flip", Select).value = "no"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: started)
    assert {(spec.flip, spec.feature_cache) for spec in started[0]} == {(False, True)}


async def test_schedules_reach_the_specs_and_the_summary(
    app: CifarApp, until: Until, started: list[list[RunSpec]]
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(app, pilot, until)
        field(app, "unfreezes").value = "2:60,4:all"
        field(app, "patience").value = "3"
        await until(pilot, is_said(app, "(after epoch 2: last 60, after epoch 4: all)"))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: started)
    assert started[0][0].stages[-1].unfreezes == (Unfreeze(2, 60), Unfreeze(4, None))
    assert {(spec.patience, spec.keep) for spec in started[0]} == {(3, "best")}


async def test_the_summary_says_how_a_recipe_unfreezes(app: CifarApp, until: Until) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(app, pilot, until)
        app.screen.query_one("#field-recipe", Select).value = "gradual"
        await until(pilot, is_said(app, "(a block more after each epoch)"))
        assert field(app, "block_every").placeholder == "1"
        assert field(app, "unfreeze_last").placeholder == "none"
        field(app, "block_every").value = "2"
        await until(pilot, is_said(app, "(a block more after every 2 epochs)"))


def test_the_summary_tells_the_stages_in_which_something_joins() -> None:
    marked = [find_backbone(name) for name in ("CustomCNN", "VGG16")]
    said = summary_text(plan_runs(marked, Options(epochs=(5,), unfreezes=(Unfreeze(3, 60),))))
    assert said.plain.endswith("head 5 ep 1.0e-03 (after epoch 3: last 60)")


async def test_every_field_of_the_form_is_scrolled_to(app: CifarApp, until: Until) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(app, pilot, until)
        form = app.screen.query_one(RunForm)
        for setting in SETTINGS:
            form.focus_field(setting.field)
            row = app.screen.query_one(f"#row-{setting.field}")
            await until(pilot, is_seen(row, form))
            assert row.children[0].region.width > len(label(setting))
            assert row.children[1].region.width >= 16


def test_errors_name_the_field_and_not_the_option() -> None:
    assert in_words("--batch-size: expected 1") == "batch size: expected 1"
    assert in_words("/data: expected an archive") == "/data: expected an archive"


async def test_every_size_is_drawn(app: CifarApp, until: Until) -> None:
    async with app.run_test(size=(20, 5)) as pilot:
        for size in ((60, 15), (80, 24), (200, 60), (20, 5), (100, 30)):
            await pilot.resize_terminal(*size)
            assert app.export_screenshot()
        await ready(app, pilot, until)


async def test_the_newest_unfinished_run_goes_on(
    app: CifarApp, until: Until, write_run: Callable[..., str], tmp_path: Path
) -> None:
    app.runs_dir = tmp_path / "runs"
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(app, pilot, until)
        await pilot.press("u")
        await until(pilot, lambda: any("unfinished" in n.message for n in app._notifications))
        assert isinstance(app.screen, LauncherScreen)
        write_run("ResNet50V2", status="interrupted")
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, TrainingScreen))
        assert isinstance(app.screen, TrainingScreen)
        assert app.screen.view is not None
        assert app.screen.view.run.spec.model == "ResNet50V2"


async def test_a_run_that_cannot_be_resumed_here_is_named(
    app: CifarApp, until: Until, write_run: Callable[..., str], tmp_path: Path
) -> None:
    def rejected(run: Any) -> Any:
        raise InputError(f"{run.run_id}: expected to resume with JAX")

    app.runs_dir, app.source = tmp_path / "runs", replace(app.source, resume=rejected)
    run_id = write_run("ResNet50V2", status="interrupted")
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(app, pilot, until)
        await pilot.press("u")
        said = f"{run_id}: expected to resume with JAX"
        await until(pilot, lambda: [n.message for n in app._notifications] == [said])
        assert isinstance(app.screen, LauncherScreen)


async def test_the_weights_of_a_run_are_named_by_its_id(
    app: CifarApp, until: Until, write_run: Callable[..., str], tmp_path: Path
) -> None:
    app.runs_dir = tmp_path / "runs"
    run_id = write_run("CustomCNN", test=0.5)
    (app.runs_dir / run_id / "model.keras").touch()
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(app, pilot, until)
        field(app, "weights").value = run_id
        # What is said of the empty file shows that it is the one that is meant.
        await until(pilot, is_said(app, "an empty file"))


async def test_a_folder_of_images_is_named_in_the_form(
    app: CifarApp, until: Until, tmp_path: Path
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(app, pilot, until)
        field(app, "dataset").value = str(tmp_path)
        await until(pilot, is_said(app, "no folder with an image in it"))
        for name in ("cat", "dog"):
            for i in range(3):
                path = tmp_path / name / f"{i}.png"
                path.parent.mkdir(exist_ok=True)
                Image.new("RGB", (4, 4)).save(path)
        field(app, "epochs").value = "1"
        # of four training images a tenth is one, for two classes
        await until(pilot, is_said(app, "validate"))
        field(app, "validation").value = "0.5"
        head = app.screen.query_one("#launcher-head", Static)
        await until(pilot, lambda: "6 images of 2 classes" in str(head.render()))
        await until(pilot, is_said(app, tmp_path.name))


async def test_the_options_are_saved_as_a_recipe(app: CifarApp, until: Until) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(app, pilot, until)
        field(app, "epochs").value = "7,3"
        await pilot.press("ctrl+e")
        await until(pilot, lambda: isinstance(app.screen, RecipePrompt))
        await pilot.press(*"notebook")
        note = app.screen.query_one(".dialog-note", Static)
        await until(pilot, lambda: "which is built in" in str(note.render()))
        await pilot.press("enter", "space")
        await until(pilot, lambda: "which is built in" in str(note.render()))
        await pilot.press("backspace", "slash")
        await until(pilot, lambda: "expected a name of letters" in str(note.render()))
        await pilot.press("backspace", "1")
        await until(pilot, lambda: str(note.render()) == HELD)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, LauncherScreen))
        recipe = app.screen.query_one("#field-recipe", Select)
        assert recipe.value == DEFAULT_RECIPE.name
        assert field(app, "epochs").value == "7,3"
        field(app, "epochs").value = ""
        recipe.value = "notebook1"
        await until(pilot, is_said(app, "notebook1 · head 7 ep 1.0e-03 → fine-tune 3 ep"))
