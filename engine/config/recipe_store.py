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
from engine.config.kinds import Choice, Kind, Whole, unexpected
from engine.config.recipe import RECIPES, Recipe
from engine.config.settings import BLOCK_EVERY, EPOCHS, IMAGE_SIZE, LEARNING_RATE, OF_RECIPES
from engine.config.stage import MAX_LAYERS, Schedule, Stage, Unfreeze, check_joining
from engine.errors import InputError

ENDING = ".toml"
MAX_BYTES = 2**16
MAX_STAGES = 100
LATER = "correct it, or update cifar-tui if a later version wrote the file"
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
    raise InputError("recipe", f"{' or '.join(recipe_names())} or a FILE{ENDING}", repr(name))


def read_recipe(path: Path) -> Recipe:
    """Return the recipe that a file holds, named after the file.

    Raises:
        InputError: file, key, what was expected and what was found.
    """
    import tomllib

    if not _NAME.fullmatch(path.stem):
        raise InputError("recipe", f"a file name {_NAME_WORDS}", repr(path.name))
    try:
        table = tomllib.loads(read_regular(path, MAX_BYTES).decode("utf-8"))
        needed = [key for key in _needed(Recipe) if key != "name"]
        recipe = Recipe(name=path.stem, **_read("", table, RECIPE_KEYS, needed))
    except OSError as error:
        raise InputError("recipe", "a readable file", str(error.strerror), place=path) from error
    except InputError as error:
        # The field is the key in the file, empty for all of it.
        inner = InputError("recipe", error.expected, error.found, error.hint, error.field)
        raise inner.within(path) from error
    except (ValueError, RecursionError) as error:
        raise InputError("recipe", "TOML", " ".join(str(error).split()), place=path) from error
    # Rankings and reports tell recipes apart by their names.
    if recipe != RECIPES.get(recipe.name, recipe):
        raise InputError(
            "recipe",
            "a name of its own",
            f"that of the built-in {recipe.name}, which trains otherwise",
            "rename the file",
            path,
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
        raise InputError(path, "to write the recipe", str(error.strerror)) from error
    return path


def check_name(name: str) -> None:
    """Reject what cannot be the name of a saved recipe.

    Raises:
        InputError: what was expected and found.
    """
    if not _NAME.fullmatch(name):
        raise InputError("", f"a name {_NAME_WORDS}", repr(name))
    if name in RECIPES:
        raise InputError("", "a name of your own", f"{name!r}, which is built in")


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


class _Layers(Whole):
    """How many of the last layers train; None for all."""

    form, stored = "a number of layers or all", 'integer or "all"'

    def check(self, where: str, value: Any) -> Any:
        return None if value == "all" else super().check(where, value)


_LAYERS = _Layers(0, MAX_LAYERS)
_LAYERS.limits += ', or "all"'


class _Title(Kind):
    """The name of a stage."""

    form = "a name of 1 to 40 characters"

    def check(self, where: str, value: Any) -> str:
        if not isinstance(value, str) or not 1 <= len(value) <= 40 or not value.isprintable():
            raise unexpected(where, self.form, value)
        return value


class _Tables(Kind):
    """Tables from each of which a dataclass is made.

    Args:
        cls: the dataclass.
        keys: the kinds of its fields.
        least: the fewest tables.
        most: the most.
    """

    stored = "array of tables"

    def __init__(self, cls: type[Any], keys: Mapping[str, Kind], least: int, most: int) -> None:
        self.cls, self.keys, self.least, self.most = cls, keys, least, most
        self.form = f"{least} to {most} tables"

    def check(self, where: str, value: Any) -> tuple[Any, ...]:
        is_list = isinstance(value, list) and all(isinstance(entry, dict) for entry in value)
        if not is_list or not self.least <= len(value) <= self.most:
            raise unexpected(where, self.form, value)
        return tuple(
            self.cls(**_read(f"{where}[{i}].", entry, self.keys, _needed(self.cls)))
            for i, entry in enumerate(value, 1)
        )


class _Stages(_Tables):
    """The stages of a training, in each of which layers join in order."""

    def check(self, where: str, value: Any) -> tuple[Any, ...]:
        stages = super().check(where, value)
        for i, stage in enumerate(stages, 1):
            try:
                if stage.unfreezes or stage.block_every:
                    check_joining(stage)
            except InputError as error:
                # Without backticks: what the hint names are keys of the file, not options.
                expected, hint = (text.replace("`", "") for text in (error.expected, error.hint))
                key = f"{where}[{i}].{error.field}"
                raise InputError(key, expected, error.found, hint) from error
        return stages


class _Sizes(Kind):
    """Input sizes by model."""

    form, stored = "a table of pixels by model", "table"
    limits = f"each {IMAGE_SIZE.limits}"

    def check(self, where: str, value: Any) -> tuple[tuple[str, int], ...]:
        if not isinstance(value, dict):
            raise unexpected(where, self.form, value)
        known = {entry.name: IMAGE_SIZE for entry in CATALOGUE}
        return tuple(_read(f"{where}.", value, known).items())


UNFREEZE_KEYS: Mapping[str, Kind] = {"after_epoch": EPOCHS, "last": _LAYERS}
STAGE_KEYS: Mapping[str, Kind] = {
    "name": _Title(),
    "epochs": EPOCHS,
    "learning_rate": LEARNING_RATE,
    "unfreeze_last": _LAYERS,
    "schedule": Choice(get_args(Schedule)),
    "unfreezes": _Tables(Unfreeze, UNFREEZE_KEYS, 0, EPOCHS.high),
    "block_every": Whole(0, BLOCK_EVERY.high),
}
RECIPE_KEYS: Mapping[str, Kind] = {
    "stages": _Stages(Stage, STAGE_KEYS, 1, MAX_STAGES),
    "scratch_learning_rate": LEARNING_RATE,
    "image_sizes": _Sizes(),
    "scratch_epochs": EPOCHS,
    **{field: row.file_kind or row.kind for field, row in OF_RECIPES.items()},
}


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
    """Return the values of a table, each as its kind returns it.

    Raises:
        InputError: its field is the key: `where` and the name in the table.
    """
    for key in table:
        if key not in known:
            field, found = where.removesuffix("."), f"the unknown key {key!r}"
            raise InputError(field, ", ".join(sorted(known)), found, LATER)
    for key in needed:
        if key not in table:
            raise InputError(f"{where}{key}", "a value", "none")
    return {key: known[key].check(f"{where}{key}", value) for key, value in table.items()}
