"""`cifar-tui recipes`: list the recipes, print one as TOML to start from, or save one."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from engine.config.recipe_store import (
    find_recipe,
    read_recipe,
    recipe_names,
    recipe_text,
    save_recipe,
)
from engine.config.recipe_words import recipe_words
from engine.errors import InputError
from tui.cli.output import use_utf8
from tui.settings.option_names import as_flag, named


def run(arguments: argparse.Namespace) -> int:
    """List, print or save recipes.

    Raises:
        InputError: there is no such recipe, or its file is invalid.
    """
    use_utf8(sys.stdout)
    if arguments.save is not None:
        if arguments.name is not None:
            raise InputError("", "a name or --save", f"both, and the name {arguments.name!r}")
        with named("save"):
            recipe = read_recipe(Path(os.path.expanduser(arguments.save)))
        print(f"saved {save_recipe(recipe)}; `--recipe {recipe.name}` trains with it")
    elif arguments.name is not None:
        with named("NAME"):
            recipe = find_recipe(arguments.name)
        sys.stdout.write(recipe_text(recipe))
    else:
        for name in recipe_names():
            print(_line(name))
    return 0


def _line(name: str) -> str:
    try:
        return f"{name}: {recipe_words(find_recipe(name))}"
    except InputError as error:
        return f"{name}: cannot be used: {error.line(as_flag)}"
