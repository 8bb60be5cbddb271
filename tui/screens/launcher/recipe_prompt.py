"""A prompt over the launcher for a name, under which it saves the form as a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.backbones.entry import Backbone
from engine.config.planning import recipe_from
from engine.config.recipe_store import check_name, recipe_names, save_recipe
from engine.config.settings import Options
from tui.screens.prompt import Prompt

HELD = "epochs, rates, unfreezing, sizes, batches, flips and the like; not data, seeds or device"


def recipe_prompt(options: Options, models: Sequence[Backbone]) -> Prompt[Path]:
    """Return a prompt for a name that saves the recipe; it returns the file.

    Args:
        options: the options in the form.
        models: the models for which a chosen image size is saved.
    """

    def judge(name: str) -> str:
        check_name(name)
        return f"replaces the saved recipe {name}" if name in recipe_names() else HELD

    def save(name: str) -> Path:
        return save_recipe(recipe_from(name, options, models))

    return Prompt("Save these options as a recipe named", HELD, judge, save, enter="saves")
