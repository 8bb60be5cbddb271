"""The launcher: marking, filtering, errors while typing, starting."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from textual import events
from textual.widget import Widget
from textual.widgets import Input, Static

import tui.screens.launcher.screen
from engine.backbones.catalogue import CATALOGUE, find_backbone
from engine.config.planning import plan_runs
from engine.config.recipe import DEFAULT_RECIPE, RECIPES, recipe_defaults
from engine.config.settings import SETTINGS, Options
from engine.config.spec import RunSpec
from engine.config.stage import Unfreeze
from engine.errors import InputError
from engine.tools.fetching import Needed, PublishedFile
from engine.tools.speed_probe import Speed
from tests.support.launcher import Launcher
from tests.support.packages import installed_in, write_dots
from tests.support.screens import is_open, messages, shows, text_of, until
from tests.support.tables import cell_text
from tui.app import CifarApp
from tui.panels.tables.catalogue import MARKED, UNMARKED
from tui.screens.choice import ChoiceScreen
from tui.screens.fetch import FetchScreen
from tui.screens.launcher.form import RunForm, field_of
from tui.screens.launcher.recipe_prompt import HELD
from tui.screens.launcher.screen import LauncherScreen
from tui.screens.launcher.texts import summary_text
from tui.screens.prompt import Prompt
from tui.screens.training.screen import TrainingScreen
from tui.settings.option_names import as_label


@pytest.fixture
def stays(
    launcher_app: CifarApp, started: list[list[RunSpec]], monkeypatch: pytest.MonkeyPatch
) -> list[list[RunSpec]]:
    """What was started; the launcher stays open over it, to start the next."""
    launcher_app.source = replace(launcher_app.source, start=started.append)  # type: ignore[arg-type]
    monkeypatch.setattr(launcher_app, "_open_training", lambda session: None)
    return started


def is_seen(row: Widget, form: RunForm) -> Callable[[], bool]:
    return lambda: form.region.contains_region(row.region)


async def test_the_catalogue_is_there_with_two_models_marked(launcher: Launcher) -> None:
    async with launcher() as page:
        assert page.table.keys == [entry.name for entry in CATALOGUE]
        assert page.marked == ["EfficientNetLite0", "CustomCNN"]
        said = f"EfficientNetLite0, CustomCNN · CIFAR-10 · {DEFAULT_RECIPE.name}"
        await page.says(f"GB memory · {said}")
        assert page.summary.startswith("2 runs · ~")
        await until(
            page.pilot, lambda: cell_text(page.table, "EfficientNetLite0", "weights") == "bundled"
        )


async def test_data_sets_of_packages_are_offered_and_loaded_once_chosen(
    launcher: Launcher, tmp_path: Path
) -> None:
    with installed_in(write_dots(tmp_path / "packages")):
        async with launcher() as page:
            field = page.field("dataset")
            field.focus()
            listed = "cifar10, cifar100, cifar10-mini, digits, dots, or a folder"
            await until(page.pilot, lambda: listed in text_of(page.app, "#form-help"))
            await page.pilot.press("d", "o")
            await until(page.pilot, lambda: field._suggestion == "dots")
            assert "dots_data" not in sys.modules
            await page.pilot.press("right")
            await page.says(" · dots · ")
            await until(page.pilot, lambda: "dots  built in" in text_of(page.app, "#launcher-head"))
            assert "dots_data" in sys.modules


async def test_space_marks_and_letters_move_as_arrows_do(launcher: Launcher) -> None:
    async with launcher() as page:
        await page.pilot.press("space")
        assert cell_text(page.table, "EfficientNetLite0", "mark") == UNMARKED
        assert page.summary.startswith("1 run ·")
        assert "· CustomCNN ·" in page.summary
        await page.pilot.press("down", "space")
        assert page.summary == "no model is marked: space marks one"
        assert page.start.disabled
        await page.pilot.press("down", "space")
        third = CATALOGUE[2].name
        assert cell_text(page.table, third, "mark") == MARKED
        assert page.summary.startswith("1 run ·")
        assert f"· {third} ·" in page.summary
        await page.pilot.press("k", "k")
        await until(page.pilot, lambda: page.table.current_key == CATALOGUE[0].name)
        await page.pilot.press("j")
        await until(page.pilot, lambda: page.table.current_key == CATALOGUE[1].name)
        await page.pilot.press("space")
        assert page.marked == [CATALOGUE[1].name, third]


async def test_the_filter_finds_a_model_and_escape_clears_it(launcher: Launcher) -> None:
    async with launcher() as page:
        await page.pilot.press("slash", *"vgg1")
        assert page.table.keys == ["VGG16", "VGG19"]
        await page.pilot.press("enter", "space")
        assert page.table.has_focus
        assert page.summary.startswith("3 runs")
        await page.pilot.press("escape")
        assert len(page.table.keys) == len(CATALOGUE)
        assert cell_text(page.table, "VGG16", "mark") == MARKED
        # What is typed at once after the slash is filtered by, a slash too.
        for key in ("slash", *"vgg", "slash"):
            page.app.post_message(events.Key(key, "/" if key == "slash" else key))
        box = page.app.screen.query_one("#filter", Input)
        await until(page.pilot, lambda: box.value == "vgg/")


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (100, 30), (120, 40), (170, 50), (200, 60)])
async def test_no_default_is_cut_and_some_models_are_seen(
    launcher: Launcher, size: tuple[int, int]
) -> None:
    async with launcher(size) as page:
        for recipe in RECIPES:
            page.choice("recipe").value = recipe
            await page.pilot.pause()
            for field in page.form.query(Input):
                assert len(field.placeholder) <= field.content_size.width, field.id
        assert page.table.content_size.height >= 4
        assert page.form.content_size.height >= 3


WRONG = (
    ("epochs", "0", "epochs: expected 1 to 10000, found 0"),
    ("image_size", "16", "image size: expected 32 px or more for EfficientNetLite0, found 16"),
    ("unfreezes", "5:60", "unfreeze after: expected rising epochs of 1 or more"),
    ("data_path", "/nowhere", "/nowhere"),
    ("weights", "no.h5", "no.h5"),
)
"""Field, what is typed into it, what is said of it."""


async def test_what_is_wrong_is_said_while_it_is_typed(launcher: Launcher) -> None:
    async with launcher() as page:
        for name, typed, said in WRONG:
            page.field(name).value = typed
            await page.says(said)
            assert page.app.screen.query_one(f"#row-{name}").has_class("-wrong")
            page.field(name).value = ""
            await until(page.pilot, lambda: page.summary.startswith("2 runs"))
            assert not page.app.screen.query_one(f"#row-{name}").has_class("-wrong")


async def test_what_is_wrong_is_said_beside_the_field_under_the_cursor(
    launcher: Launcher,
) -> None:
    async with launcher() as page:
        said = page.app.screen.query_one("#form-help", Static)
        page.field("views").focus()
        await until(page.pilot, lambda: "crops each training image" in str(said.render()))
        page.field("views").value = "[b]65"
        await until(
            page.pilot,
            lambda: str(said.render()) == "crops: expected a whole number, found '[b]65'",
        )
        assert said.has_class("-wrong")
        page.field("views").value = "3"
        await until(page.pilot, lambda: not said.has_class("-wrong"))
        assert "crops each training image" in str(said.render())


async def test_what_is_wrong_is_not_started_but_gone_to(
    launcher: Launcher, stays: list[list[RunSpec]]
) -> None:
    async with launcher() as page:
        for name, typed in (("epochs", "0"), ("data_path", "/nowhere")):
            page.field(name).value = typed
            await page.pilot.press("ctrl+s")
            await until(page.pilot, lambda name=name: page.field(name).has_focus)
            page.field(name).value = ""
    assert stays == []


async def test_there_are_several_ways_to_start(
    launcher: Launcher, stays: list[list[RunSpec]]
) -> None:
    async with launcher() as page:
        for number, place in enumerate((page.table, page.start), 1):
            place.focus()
            await page.pilot.press("enter")
            await until(page.pilot, lambda number=number: len(stays) == number)


async def test_enter_in_an_option_goes_to_the_next_and_starts_nothing(
    launcher: Launcher, stays: list[list[RunSpec]]
) -> None:
    async with launcher() as page:
        await page.pilot.press("tab", "enter")
        await until(page.pilot, lambda: page.field("data_path").has_focus)
        await page.pilot.press("enter")
        await until(page.pilot, lambda: page.choice("recipe").has_focus)
        await page.pilot.press("enter")
        await until(page.pilot, lambda: page.choice("recipe").expanded)
        assert is_open(page.app, LauncherScreen)
    assert stays == []


@pytest.mark.parametrize(("key", "starts"), [("s", 1), ("f", 0), ("escape", 0)])
async def test_before_a_download_it_is_asked_what_to_do(
    launcher: Launcher,
    stays: list[list[RunSpec]],
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    starts: int,
) -> None:
    async with launcher() as page:
        lacking = [Needed("cifar10", "dataset", file=nowhere(170_498_071))]
        monkeypatch.setattr(tui.screens.launcher.screen, "missing_files", lambda specs: lacking)
        monkeypatch.setattr(page.app.screen, "_speed", Speed(1e11, 5e10, "cpu"))
        await page.pilot.press("enter")
        await until(page.pilot, lambda: is_open(page.app, ChoiceScreen))
        await until(page.pilot, lambda: shows(page.pilot, "download 170 MB, then ~"))
        assert shows(page.pilot, "downloads CIFAR-10")
        await page.pilot.press(key)
        closed = FetchScreen if key == "f" else LauncherScreen
        await until(page.pilot, lambda: is_open(page.app, closed))
        await until(page.pilot, lambda: len(stays) == starts)
        if key == "f":
            await page.pilot.press("escape")
            await until(page.pilot, lambda: is_open(page.app, LauncherScreen))
    assert len(stays) == starts


def nowhere(size: int) -> PublishedFile:
    """A file that no server has."""

    def fail(*_: object) -> None:
        raise InputError("", "a server", "none")

    return PublishedFile(size, Path("/nowhere"), lambda: None, fail)


async def test_the_form_reaches_the_specs_and_starts_the_training(
    launcher: Launcher, started: list[list[RunSpec]]
) -> None:
    async with launcher() as page:
        for name, value in (("epochs", "2,1"), ("batch_size", "16"), ("seeds", "3,4")):
            page.field(name).value = value
        await until(page.pilot, lambda: page.summary.startswith("4 runs"))
        await page.pilot.press("ctrl+s")
        await until(page.pilot, lambda: is_open(page.app, TrainingScreen))
    (specs,) = started
    assert [(spec.model, spec.seed) for spec in specs] == [
        ("EfficientNetLite0", 3),
        ("EfficientNetLite0", 4),
        ("CustomCNN", 3),
        ("CustomCNN", 4),
    ]
    assert [stage.epochs for stage in specs[0].stages] == [2, 1]
    assert {spec.batch_size for spec in specs} == {16}


async def test_choices_and_schedules_reach_the_specs(
    launcher: Launcher, stays: list[list[RunSpec]]
) -> None:
    async with launcher() as page:
        # A choice left empty is the recipe's.
        page.choice("recipe").value = "thorough"
        flip = page.choice("flip")
        await until(page.pilot, lambda: "thorough" in page.summary and flip.prompt == "yes")
        page.choice("feature_cache").value = "no"
        await page.pilot.press("ctrl+s")
        await until(page.pilot, lambda: len(stays) == 1)
        assert {(spec.flip, spec.feature_cache) for spec in stays[0]} == {(True, False)}

        # A choice made goes before the recipe.
        flip.value = "no"
        page.choice("feature_cache").value = "yes"
        await page.pilot.press("ctrl+s")
        await until(page.pilot, lambda: len(stays) == 2)
        assert {(spec.flip, spec.feature_cache) for spec in stays[1]} == {(False, True)}

        page.choice("recipe").value = "notebook"
        page.field("unfreezes").value = "1:60,2:all"
        page.field("patience").value = "3"
        await page.says("(after epoch 1: last 60, after epoch 2: all)")
        await page.pilot.press("ctrl+s")
        await until(page.pilot, lambda: len(stays) == 3)
    assert stays[2][0].stages[-1].unfreezes == (Unfreeze(1, 60), Unfreeze(2, None))
    assert {(spec.patience, spec.keep) for spec in stays[2]} == {(3, "best")}


@pytest.mark.slow("that each of the form's fields is reached, and scrolled to")
async def test_the_keyboard_reaches_every_field_and_it_is_scrolled_to(
    launcher: Launcher,
) -> None:
    async with launcher() as page:
        reached = []
        for _ in SETTINGS:
            await page.pilot.press("tab")
            reached.append(page.app.focused.id if page.app.focused else None)
        assert reached[0] == "field-dataset"
        assert reached[-1] == "field-feature_disk_gb"
        assert len(set(reached)) == len(SETTINGS)
        for setting in SETTINGS:
            page.form.focus_field(setting.field)
            row = page.app.screen.query_one(f"#row-{setting.field}")
            await until(page.pilot, is_seen(row, page.form))
            assert row.children[0].region.width > len(as_label(setting.field))
            assert row.children[1].region.width >= 16


async def test_a_recipe_changes_what_empty_fields_mean(launcher: Launcher) -> None:
    async with launcher() as page:
        assert page.field("epochs").placeholder == recipe_defaults(DEFAULT_RECIPE)["epochs"]
        names = list(RECIPES)
        await page.pilot.press("tab", "tab", "tab", "enter")
        steps = names.index("demo") - names.index(DEFAULT_RECIPE.name)
        await page.pilot.press(*["down"] * steps, "enter")
        await page.says("demo")
        demo = recipe_defaults(RECIPES["demo"])
        assert page.field("epochs").placeholder == demo["epochs"] == "5,5"

        page.choice("recipe").value = "gradual"
        await page.says("(a block more after each epoch)")
        assert page.field("block_every").placeholder == "1"
        assert page.field("unfreeze_last").placeholder == "none"
        page.field("block_every").value = "2"
        await page.says("(a block more after every 2 epochs)")


def test_the_summary_tells_the_stages_in_which_something_joins() -> None:
    marked = [find_backbone(name) for name in ("CustomCNN", "VGG16")]
    said = summary_text(plan_runs(marked, Options(epochs=(5,), unfreezes=(Unfreeze(3, 60),))))
    assert said.plain.endswith("head 5 ep 1.0e-03 (after epoch 3: last 60)")


def test_errors_name_the_field_and_not_the_option() -> None:
    error = InputError("views", "1 to 64", "0", "see `image_size`")
    assert error.line(as_label) == "crops: expected 1 to 64, found 0; see image size"
    assert field_of(error) == "views"
    of_a_file = InputError(Path("/data"), "an archive", "a folder")
    assert (field_of(of_a_file), field_of(of_a_file, "data_path")) == ("", "data_path")


async def test_the_newest_unfinished_run_is_resumed_or_what_is_in_the_way_is_named(
    launcher: Launcher, launcher_app: CifarApp, write_run: Callable[..., str], tmp_path: Path
) -> None:
    resume = launcher_app.source.resume

    def rejected(run: Any) -> Any:
        raise InputError("", "JAX", "TensorFlow", place=run.run_id)

    launcher_app.runs_dir = tmp_path / "runs"
    launcher_app.source = replace(launcher_app.source, resume=rejected)
    async with launcher() as page:
        await page.pilot.press("u")
        await until(page.pilot, lambda: any("unfinished" in said for said in messages(page.app)))
        run_id = write_run("ResNet50V2", status="interrupted")
        await page.pilot.press("u")
        said = f"{run_id}: expected JAX, found TensorFlow"
        await until(page.pilot, lambda: messages(page.app)[-1] == said)
        assert is_open(page.app, LauncherScreen)
        launcher_app.source = replace(launcher_app.source, resume=resume)
        await page.pilot.press("u")
        await until(page.pilot, lambda: is_open(page.app, TrainingScreen))
        assert isinstance(page.app.screen, TrainingScreen)
        assert page.app.screen.view is not None
        assert page.app.screen.view.run.spec.model == "ResNet50V2"


async def test_the_weights_of_a_run_are_named_by_its_id(
    launcher: Launcher, launcher_app: CifarApp, write_run: Callable[..., str], tmp_path: Path
) -> None:
    launcher_app.runs_dir = tmp_path / "runs"
    run_id = write_run("CustomCNN", test=0.5)
    (launcher_app.runs_dir / run_id / "model.keras").touch()
    async with launcher((120, 40)) as page:
        page.field("weights").value = run_id
        # What is said of the empty file shows that it is the one that is meant.
        await page.says("an empty file")


async def test_a_folder_of_images_is_named_in_the_form(launcher: Launcher, tmp_path: Path) -> None:
    async with launcher((120, 40)) as page:
        page.field("dataset").value = str(tmp_path)
        await page.says("no folder with an image in it")
        for name in ("cat", "dog"):
            for i in range(3):
                path = tmp_path / name / f"{i}.png"
                path.parent.mkdir(exist_ok=True)
                Image.new("RGB", (4, 4)).save(path)
        page.field("epochs").value = "1"
        # of four training images a tenth is one, for two classes
        await page.says("validate")
        page.field("validation").value = "0.5"
        await until(
            page.pilot, lambda: "6 images of 2 classes" in text_of(page.app, "#launcher-head")
        )
        await page.says(tmp_path.name)


async def test_the_options_are_saved_as_a_recipe(launcher: Launcher) -> None:
    async with launcher((120, 40)) as page:
        page.field("epochs").value = "7,3"
        await page.pilot.press("ctrl+e")
        await until(page.pilot, lambda: is_open(page.app, Prompt))
        await page.pilot.press(*"notebook")
        note = page.app.screen.query_one(".dialog-note", Static)
        await until(page.pilot, lambda: "which is built in" in str(note.render()))
        await page.pilot.press("enter", "space")
        await until(page.pilot, lambda: "which is built in" in str(note.render()))
        await page.pilot.press("backspace", "slash")
        await until(page.pilot, lambda: "expected a name of letters" in str(note.render()))
        await page.pilot.press("backspace", "1")
        await until(page.pilot, lambda: str(note.render()) == HELD)
        await page.pilot.press("enter")
        await until(page.pilot, lambda: is_open(page.app, LauncherScreen))
        recipe = page.choice("recipe")
        assert recipe.value == DEFAULT_RECIPE.name
        assert page.field("epochs").value == "7,3"
        page.field("epochs").value = ""
        recipe.value = "notebook1"
        await page.says("notebook1 · head 7 ep 1.0e-03 → fine-tune 3 ep")


async def test_what_the_user_set_is_bright_and_a_default_is_dim(launcher: Launcher) -> None:
    def colour(field: str) -> str:
        return page.choice(field).query_one("SelectCurrent #label").styles.color.hex

    async with launcher() as page:
        variables = page.app.theme_variables
        dim, bright = variables["muted"].upper(), variables["foreground"].upper()
        assert {colour("recipe"), colour("schedule")} == {dim}
        page.choice("recipe").value = "notebook"
        page.choice("schedule").value = "cosine"
        await until(page.pilot, lambda: colour("recipe") == colour("schedule") == bright)
        await page.pilot.press("ctrl+r")
        await until(page.pilot, lambda: colour("recipe") == colour("schedule") == dim)
        placeholder = page.field("epochs").get_component_styles("input--placeholder")
        assert placeholder.color.hex == dim
