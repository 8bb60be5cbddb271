"""Recipes as TOML: written and read back, checked key by key, saved whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.backbones.catalogue import find_backbone
from engine.config.planning import plan_runs, recipe_from
from engine.config.recipe import NOTEBOOK, RECIPES, Recipe
from engine.config.recipe_store import (
    find_recipe,
    read_recipe,
    recipe_names,
    recipe_text,
    save_recipe,
)
from engine.config.settings import Options
from engine.config.stage import Stage, Unfreeze
from engine.errors import InputError

PLANNED = Stage("fine-tune", 4, 1e-4, 20, unfreezes=(Unfreeze(2, 40), Unfreeze(3, None)))
OWN = replace(
    NOTEBOOK,
    name="own",
    stages=(NOTEBOOK.stages[0], PLANNED),
    image_sizes=(("VGG16", 64), ("CustomCNN", 32)),
    scratch_epochs=9,
)


def write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("recipe", [*RECIPES.values(), OWN], ids=lambda recipe: recipe.name)
def test_what_is_written_is_read_back(recipe: Recipe, tmp_path: Path) -> None:
    path = write(tmp_path, recipe_text(recipe), f"{recipe.name}.toml")
    assert read_recipe(path) == recipe


def test_what_is_left_out_stays_at_its_default(tmp_path: Path) -> None:
    text = 'scratch_learning_rate = 1\n[[stages]]\nname = "head"\nepochs = 2\n'
    path = write(tmp_path, text + "learning_rate = 0.01\nunfreeze_last = 0\n")
    assert read_recipe(path) == Recipe("mine", (Stage("head", 2, 0.01, 0),), 1.0)


def test_runs_are_planned_by_a_file(tmp_path: Path) -> None:
    path = write(tmp_path, recipe_text(OWN), "own.toml")
    (spec,) = plan_runs([find_backbone("VGG16")], Options(recipe=str(path), batch_size=8))
    assert (spec.recipe, spec.image_size, spec.batch_size) == ("own", 64, 8)
    assert spec.stages == OWN.stages


def test_a_saved_recipe_is_found_by_its_name(config_dir: Path) -> None:
    assert recipe_names() == tuple(RECIPES)
    assert save_recipe(OWN) == config_dir / "recipes" / "own.toml"
    assert recipe_names() == (*RECIPES, "own")
    assert find_recipe("own") == OWN
    save_recipe(replace(OWN, batch_size=16))
    assert find_recipe("own").batch_size == 16
    assert [path.name for path in (config_dir / "recipes").iterdir()] == ["own.toml"]


def test_a_folder_that_takes_no_recipe_is_said(config_dir: Path) -> None:
    config_dir.write_text("a file in its place")
    with pytest.raises(InputError, match=r"own\.toml: expected to write the recipe, found "):
        save_recipe(OWN)


@pytest.mark.parametrize("name", ["notebook", "", "-x", "a b", "../evil", "x" * 41])
def test_names_that_cannot_be_saved_are_refused(name: str, config_dir: Path) -> None:
    with pytest.raises(InputError, match="expected a name"):
        save_recipe(replace(OWN, name=name))
    assert not config_dir.exists()


HEAD = """\
scratch_learning_rate = 1
[[stages]]
name = "head"
epochs = 2
learning_rate = 0.01
unfreeze_last = 0
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "stages: expected a value, found none"),
        (
            "scratch_learning_rate = 0.001\nstages = []",
            "stages: expected 1 to 100 tables, found []",
        ),
        ("stages = 3\nscratch_learning_rate = 1", "stages: expected 1 to 100 tables, found 3"),
        ("learning = 1", "found the unknown key 'learning'; correct it, or update cifar-tui"),
        (HEAD.replace("epochs", "epoch"), "found the unknown key 'epoch'"),
        (HEAD.replace("= 2", "= 0"), "epochs: expected 1 to 10000, found 0"),
        (HEAD.replace("= 2", "= true"), "epochs: expected a whole number, found true"),
        (HEAD.replace("= 2", '= "two"'), "epochs: expected a whole number, found 'two'"),
        (HEAD.replace("0.01", "11"), "learning_rate: expected a number in (0, 10], found 11"),
        (HEAD.replace("rate = 1\n", "rate = 0\n"), "scratch_learning_rate: expected a number in"),
        (HEAD + "block_every = 1001\n", "block_every: expected 0 to 1000, found 1001"),
        ("batch_size = 0\n" + HEAD, "batch_size: expected 1 to 65536, found 0"),
        ('batchnorm = "off"\n' + HEAD, "batchnorm: expected locked or keras, found 'off'"),
        ("validation = 0.9\n" + HEAD, "validation: expected a share above 0 and below 0.9"),
        ('validation = "test"\n' + HEAD, "validation: expected a number, found 'test'"),
        ("scratch_epochs = 10001\n" + HEAD, "scratch_epochs: expected 1 to 10000, found 10001"),
        ("views = 65\n" + HEAD, "views: expected 1 to 64, found 65"),
        ("label_smoothing = 1\n" + HEAD, "expected a number from 0 to below 1, found 1"),
        ('keep = "first"\n' + HEAD, "keep: expected last or best, found 'first'"),
        (HEAD + "[image_sizes]\nVGG16 = 7", "image_sizes.VGG16: expected 8 to 1024, found 7"),
        (HEAD + 'schedule = "step"\n', "schedule: expected constant or cosine"),
        (
            HEAD + "block_every = 1\nunfreezes = [{ after_epoch = 1, last = 3 }]\n",
            "unfreezes: expected no block_every beside it, found 1; ",
        ),
        (
            HEAD + "unfreezes = [{ after_epoch = 9, last = 3 }]\n",
            "mine.toml: stages[1].unfreezes: exp",
        ),
        (
            HEAD + "unfreezes = [{ after_epoch = 9, last = 3 }]\n",
            "or give the stage more epochs",
        ),
        (HEAD.replace("unfreeze_last = 0", 'unfreeze_last = "most"'), "a number of layers or all"),
        ("flip = 1\n" + HEAD, "flip: expected true or false, found 1"),
        (HEAD + "[image_sizes]\nVGG61 = 64", "found the unknown key 'VGG61'"),
        ("stages = [", "mine.toml: expected TOML, found"),
        ("x = " + "[" * 5_000, "mine.toml: expected TOML, found"),
        ("a" * 70_000, "mine.toml: expected at most 64.0 KB, found 68.4 KB"),
    ],
)
def test_what_does_not_hold_is_one_line(text: str, words: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_recipe(path)
    assert words in str(caught.value)
    assert str(caught.value).count("mine.toml") == 1
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["nope", "nope.toml", "a folder.toml", "[red].toml"])
def test_a_recipe_that_is_not_there_is_said(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^recipe: "):
        find_recipe(name if name == "nope" else str(tmp_path / name))


def test_the_home_of_nobody_is_no_file() -> None:
    with pytest.raises(InputError, match=r"~nosuch-user/x\.toml: expected a readable file"):
        find_recipe("~nosuch-user/x.toml")


def test_another_recipe_does_not_pass_for_a_built_in_one(tmp_path: Path) -> None:
    path = write(tmp_path, recipe_text(replace(NOTEBOOK, batch_size=16)), "notebook.toml")
    with pytest.raises(InputError, match="rename the file"):
        read_recipe(path)


def test_bytes_that_are_no_text_are_said(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="expected TOML"):
        read_recipe(tmp_path / "mine.toml")


def test_options_become_a_recipe_that_trains_the_same(tmp_path: Path) -> None:
    lite, scratch = find_backbone("EfficientNetLite0"), find_backbone("CustomCNN")
    options = Options(
        recipe="notebook",
        epochs=(2, 4),
        learning_rates=(1e-2, 1e-4),
        unfreeze_last=12,
        image_size=64,
        batch_size=32,
        flip=True,
        views=2,
        validation=0.2,
        schedule="cosine",
        keep="best",
        label_smoothing=0.3,
    )
    recipe = recipe_from("mine", options, [lite])
    assert read_recipe(save_recipe(recipe)) == recipe
    asked = plan_runs([lite, scratch], options)
    saved = plan_runs([lite, scratch], Options(recipe="mine"))
    assert saved[0] == replace(asked[0], recipe="mine")
    assert saved[1] == replace(asked[1], recipe="mine", image_size=scratch.image_size)


@pytest.mark.parametrize("name", ["notebook", "recommended"])
def test_what_is_no_part_of_a_recipe_leaves_nothing_in_it(name: str) -> None:
    on_test = recipe_from("mine", Options(recipe=name, validation="test", seeds=(3,)))
    patient = recipe_from("mine", Options(recipe=name, patience=2, train_limit=50))
    base = replace(RECIPES[name], name="mine", scratch_epochs=on_test.scratch_epochs)
    assert on_test == patient == base
