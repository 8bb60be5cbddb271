"""A user's own recipes as TOML: read, checked as options are, and written.

A file holds the fields of `engine.config.recipe.Recipe` by their names, `[[stages]]` with those of
`Stage`, and `[image_sizes]` with pixels by model. What is left out stays at its default there.
Saved ones are in the folder `recipes` of the config folder and are chosen by name.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_args

from engine.backbones.catalogue import CATALOGUE
from engine.common.atomic import written_whole
from engine.common.folders import config_folder
from engine.common.regular_file import read_regular
from engine.config import option_table
from engine.config.checks import MAX_LAYERS, check_block_every, check_unfreezes
from engine.config.kinds import Choice, Kind, Number, Whole, unexpected
from engine.config.recipe import RECIPES, Recipe
from engine.config.spec import Keep, Schedule, Stage, Unfreeze
from engine.errors import InputError

ENDING = ".toml"
MAX_BYTES = 2**16
MAX_STAGES = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_NAME_WORDS = "of letters, digits, - and _, at most 40"


def recipe_names() -> tuple[str, ...]:
    """Return the built-in recipes, then the saved ones by name."""
    try:
        saved = sorted(path.stem for path in _folder().glob(f"*{ENDING}"))
    except OSError:
        saved = []
    return (*RECIPES, *(name for name in saved if _NAME.fullmatch(name) and name not in RECIPES))


def find_recipe(name: str) -> Recipe:
    """Return a built-in recipe, a saved one, or the one of a file whose name ends in `.toml`.

    Raises:
        InputError: there is none of that name, or its file is not valid.
    """
    if name in RECIPES:
        return RECIPES[name]
    if name.endswith(ENDING):
        return read_recipe(Path(os.path.expanduser(name)))
    if name in recipe_names():
        return read_recipe(_saved(name))
    names = " or ".join(recipe_names())
    raise InputError(f"--recipe: expected {names} or a FILE{ENDING}, found {name!r}")


def read_recipe(path: Path) -> Recipe:
    """Return the recipe that a file holds, named after the file.

    Raises:
        InputError: file, key, what was expected and what was found.
    """
    import tomllib

    if not _NAME.fullmatch(path.stem):
        raise InputError(f"--recipe: expected a file name {_NAME_WORDS}, found {path.name!r}")
    try:
        table = tomllib.loads(read_regular(path, MAX_BYTES).decode("utf-8"))
    except OSError as error:
        raise InputError(
            f"--recipe: expected a readable file, found {path}: {error.strerror}"
        ) from error
    except InputError as error:
        raise InputError(f"--recipe: {path}: {error}") from error
    except (ValueError, RecursionError) as error:
        words = " ".join(str(error).split())
        raise InputError(f"--recipe: expected {path} to hold TOML, found: {words}") from error
    recipe = _recipe(path, table)
    # Rankings and reports tell recipes apart by their names.
    if recipe != RECIPES.get(recipe.name, recipe):
        raise InputError(
            f"--recipe: expected a name of its own for {path}, whose recipe differs from the "
            f"built-in {recipe.name}; rename the file"
        )
    return recipe


def save_recipe(recipe: Recipe) -> Path:
    """Write a recipe under its name, replacing one saved under it before.

    Raises:
        InputError: the name is not valid or is built in, or the file cannot be written.
    """
    check_name(recipe.name)
    path = _saved(recipe.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as aside:
            aside.write_text(recipe_text(recipe), encoding="utf-8")
    except OSError as error:
        raise InputError(f"expected to write {path}, found: {error.strerror}") from error
    return path


def check_name(name: str) -> None:
    """Reject what cannot be the name of a saved recipe.

    Raises:
        InputError: what was expected and found.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"expected a name {_NAME_WORDS}, found {name!r}")
    if name in RECIPES:
        raise InputError(f"expected a name of your own, found {name!r}, which is built in")


def recipe_text(recipe: Recipe) -> str:
    """Return the recipe as TOML, from which `read_recipe` makes the same one."""
    skipped = ("name", "stages", "image_sizes", "scratch_epochs")
    lines = [_line(key, getattr(recipe, key)) for key in RECIPE_KEYS if key not in skipped]
    if recipe.scratch_epochs is not None:
        lines.append(_line("scratch_epochs", recipe.scratch_epochs))
    if recipe.image_sizes:
        lines += ["", "[image_sizes]", *(_line(*entry) for entry in recipe.image_sizes)]
    for stage in recipe.stages:
        lines += ["", "[[stages]]", *(_line(key, getattr(stage, key)) for key in STAGE_KEYS)]
    return "\n".join(lines) + "\n"


def _folder() -> Path:
    return config_folder() / "recipes"


def _saved(name: str) -> Path:
    return _folder() / f"{name}{ENDING}"


def _line(key: str, value: Any) -> str:
    if isinstance(value, tuple):
        entries = (
            f"{{ after_epoch = {entry.after_epoch}, last = {_word(entry.last)} }}"
            for entry in value
        )
        return f"{key} = [{', '.join(entries)}]"
    return f"{key} = {_word(value)}"


def _word(value: Any) -> str:
    # JSON writes strings, numbers and truth values as TOML does.
    return json.dumps("all" if value is None else value, ensure_ascii=False)


class _Layers(Kind):
    """How many of the last layers train; None for all."""

    form, stored = "a number of layers or all", 'integer or "all"'
    number = Whole(0, MAX_LAYERS)
    limits = f'{number.limits}, or "all"'

    def check(self, where: str, value: Any) -> int | None:
        if value == "all":
            return None
        if isinstance(value, str):
            raise unexpected(where, self.form, value)
        return self.number.check(where, value)


class _Title(Kind):
    """The name of a stage."""

    form = "a name of 1 to 40 characters"

    def check(self, where: str, value: Any) -> str:
        if not isinstance(value, str) or not 1 <= len(value) <= 40 or not value.isprintable():
            raise unexpected(where, self.form, value)
        return value


class _Tables(Kind):
    """Tables of one form, at most so many of them."""

    stored = "array of tables"

    def __init__(self, most: int) -> None:
        self.most, self.form = most, f"at most {most} tables"

    def check(self, where: str, value: Any) -> tuple[Any, ...]:
        is_list = isinstance(value, list) and all(isinstance(entry, dict) for entry in value)
        if not is_list or len(value) > self.most:
            raise unexpected(where, self.form, value)
        return tuple(self._entry(f"{where}[{i}]", entry) for i, entry in enumerate(value, 1))

    def _entry(self, where: str, table: Mapping[str, Any]) -> Any:
        raise NotImplementedError


class _Unfreezes(_Tables):
    """The layers that join in the course of a stage."""

    def _entry(self, where: str, table: Mapping[str, Any]) -> Unfreeze:
        return Unfreeze(**_read(f"{where}.", table, UNFREEZE_KEYS, _needed(Unfreeze)))


class _Stages(_Tables):
    """The stages of a training: one or more."""

    def check(self, where: str, value: Any) -> tuple[Any, ...]:
        if value == []:
            raise unexpected(where, "a stage or more", value)
        return super().check(where, value)

    def _entry(self, where: str, table: Mapping[str, Any]) -> Stage:
        stage = Stage(**_read(f"{where}.", table, STAGE_KEYS, _needed(Stage)))
        if stage.unfreezes and stage.block_every:
            raise unexpected(f"{where}.unfreezes", "no block_every beside it", stage.block_every)
        try:
            check_unfreezes(stage)
            if stage.block_every:
                check_block_every(stage)
        except InputError as error:
            text = str(error).replace("--unfreeze-after", f"{where}.unfreezes")
            raise InputError(text.replace("--unfreeze-blocks", f"{where}.block_every")) from error
        return stage


class _Sizes(Kind):
    """Input sizes by model."""

    form, stored = "a table of pixels by model", "table"
    limits = f"each {option_table.IMAGE_SIZE.limits}"

    def check(self, where: str, value: Any) -> tuple[tuple[str, int], ...]:
        if not isinstance(value, dict):
            raise unexpected(where, self.form, value)
        known = {entry.name: option_table.IMAGE_SIZE for entry in CATALOGUE}
        return tuple(_read(f"{where}.", value, known).items())


UNFREEZE_KEYS: Mapping[str, Kind] = {"after_epoch": option_table.EPOCHS, "last": _Layers()}
STAGE_KEYS: Mapping[str, Kind] = {
    "name": _Title(),
    "epochs": option_table.EPOCHS,
    "learning_rate": option_table.LEARNING_RATE,
    "unfreeze_last": _Layers(),
    "schedule": Choice(get_args(Schedule)),
    "unfreezes": _Unfreezes(option_table.EPOCHS.high),
    "block_every": Whole(0, option_table.BLOCK_EVERY.high),
}
RECIPE_KEYS: Mapping[str, Kind] = {
    "stages": _Stages(MAX_STAGES),
    "scratch_learning_rate": option_table.LEARNING_RATE,
    "batch_size": option_table.BATCH_SIZE,
    "batchnorm": option_table.BATCHNORM,
    "validation": option_table.SHARE,
    "image_sizes": _Sizes(),
    "scratch_epochs": option_table.EPOCHS,
    "flip": option_table.YES_OR_NO,
    "views": option_table.CROPS,
    "label_smoothing": Number("a number from 0 to below 1", 0, 1, excluded=(1,)),
    "keep": Choice(get_args(Keep)),
}


def _recipe(path: Path, table: Mapping[str, Any]) -> Recipe:
    needed = [key for key in _needed(Recipe) if key != "name"]
    return Recipe(name=path.stem, **_read(f"--recipe: {path}: ", table, RECIPE_KEYS, needed))


def _needed(cls: type[Any]) -> list[str]:
    """Return the keys that a table must hold: the fields without a default."""
    return [
        field.name
        for field in fields(cls)
        if field.default is MISSING and field.default_factory is MISSING
    ]


def _read(
    where: str, table: Mapping[str, Any], known: Mapping[str, Kind], needed: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the values of a table, each as its kind returns it."""
    for key in table:
        if key not in known:
            raise InputError(
                f"{where}expected {', '.join(sorted(known))}, found the unknown key {key!r}"
            )
    for key in needed:
        if key not in table:
            raise InputError(f"{where}{key}: expected a value, found none")
    return {key: known[key].check(f"{where}{key}", value) for key, value in table.items()}
