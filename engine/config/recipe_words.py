"""What a recipe does, in a line."""

from __future__ import annotations

from collections.abc import Iterator

from engine.config.recipe import Recipe
from engine.config.settings import OF_RECIPES, BatchNorm
from engine.config.stage import Stage


def recipe_words(recipe: Recipe) -> str:
    """Return a description of a recipe: its stages, then what holds for all of them."""
    return "; ".join([*map(stage_words, recipe.stages), *_around_words(recipe)])


def batchnorm_words(value: BatchNorm) -> str:
    """Return how a backbone's BatchNormalization is treated."""
    return "as Keras does it" if value == "keras" else value


def unfreezing_words(stage: Stage) -> str:
    """Return which layers join in the course of a stage; empty for none."""
    if stage.block_every == 1:
        return "a block more after each epoch"
    if stage.block_every:
        return f"a block more after every {stage.block_every} epochs"
    return ", ".join(
        f"after epoch {entry.after_epoch}: {'all' if entry.last is None else f'last {entry.last}'}"
        for entry in stage.unfreezes
    )


def stage_words(stage: Stage) -> str:
    """Return a description of a stage: epochs, learning rate, and what trains."""
    epochs = f"{stage.epochs} epoch{'s' if stage.epochs != 1 else ''}"
    words = f"{stage.name} {epochs} at {stage.learning_rate:g}"
    if stage.schedule == "cosine":
        words += " falling to 0 by a cosine"
    if stage.unfreeze_last is None:
        words += ", all layers"
    elif stage.unfreeze_last:
        words += f", last {stage.unfreeze_last} layers"
    return ", ".join(filter(None, (words, unfreezing_words(stage))))


def _around_words(recipe: Recipe) -> Iterator[str]:
    yield f"batch {recipe.batch_size}"
    for size in dict.fromkeys(size for _, size in recipe.image_sizes):
        models = [model for model, own in recipe.image_sizes if own == size]
        names = ", ".join(models)
        yield f"{names} at {size} px"
    for row in OF_RECIPES.values():
        value = getattr(recipe, row.field)
        if row.words and value != row.usual:
            yield row.words.format(row.kind.text(value))
