"""Recipes: named ways to train, with the built-in ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.config.settings import DEFAULT_RECIPE_NAME, SETTINGS, RecipeSettings, Setting
from engine.config.stage import Stage

LITE = ("EfficientNetLite0", "EfficientNetLite1", "EfficientNetLite2")


@dataclass(frozen=True)
class Recipe(RecipeSettings):
    """A named way to train: the stages for a backbone and the defaults around them."""

    name: str
    stages: tuple[Stage, ...]
    """One after the other, for a model with a backbone."""
    scratch_learning_rate: float
    """For a model without a backbone, which trains in a single stage."""
    image_sizes: tuple[tuple[str, int], ...] = ()
    """Input sizes that differ from the catalogue's, pixels."""
    scratch_epochs: int | None = None
    """Epochs without a backbone, where they are not the sum over the stages."""


NOTEBOOK = Recipe(
    name="notebook",
    stages=(Stage("head", 5, 1e-3, 0), Stage("fine-tune", 3, 1e-5, 30)),
    scratch_learning_rate=1e-3,
)
DEMO = Recipe(
    name="demo",
    stages=(Stage("head", 5, 3e-3, 0), Stage("fine-tune", 5, 3e-4, 30)),
    scratch_learning_rate=1e-3,
    batch_size=32,
    image_sizes=(("EfficientNetLite0", 96),),
    scratch_epochs=8,
)
RECOMMENDED = Recipe(
    name="recommended",
    stages=(Stage("head", 5, 1e-3, 0), Stage("fine-tune", 1, 3e-4, 98, "cosine")),
    scratch_learning_rate=1e-3,
    image_sizes=tuple((name, 128) for name in LITE),
    scratch_epochs=10,
    label_smoothing=0.05,
    test_time_flip=True,
    keep="best",
)
QUICK = replace(
    RECOMMENDED,
    name="quick",
    stages=(Stage("fine-tune", 1, 3e-4, 98, "cosine"),),
    image_sizes=tuple((name, 96) for name in LITE),
    scratch_epochs=5,
)
THOROUGH = replace(
    RECOMMENDED,
    name="thorough",
    stages=(
        Stage("head", 2, 1e-3, 0),
        Stage("last blocks", 1, 3e-4, 38),
        Stage("more blocks", 2, 3e-4, 98, "cosine"),
    ),
    scratch_epochs=20,
    flip=True,
)
GRADUAL = replace(
    RECOMMENDED,
    name="gradual",
    stages=(
        Stage("head", 3, 1e-3, 0),
        Stage("fine-tune", 7, 3e-4, 0, "cosine", block_every=1),
    ),
    flip=True,
)
_BUILT_IN = (NOTEBOOK, QUICK, RECOMMENDED, THOROUGH, GRADUAL, DEMO)
RECIPES = {recipe.name: recipe for recipe in _BUILT_IN}
DEFAULT_RECIPE = RECIPES[DEFAULT_RECIPE_NAME]
"""The recipe where none is named; help, README and launcher take their defaults from it."""


def recipe_defaults(recipe: Recipe) -> dict[str, str]:
    """Return what each omitted option means under a recipe, by field of `Options`."""
    return {row.field: row.kind.text(row.of_recipe(recipe)) for row in SETTINGS if row.of_recipe}


def default_text(setting: Setting) -> str:
    """Return the default of an option for help: the value itself if all recipes agree on it."""
    if setting.of_recipe is None:
        return setting.unset or setting.kind.text(setting.usual)
    texts = {name: recipe_defaults(recipe)[setting.field] for name, recipe in RECIPES.items()}
    usual = texts[DEFAULT_RECIPE_NAME]
    return usual if {*texts.values()} == {usual} else f"the recipe's: {usual}"
