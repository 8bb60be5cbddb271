"""Recipes: named ways to train, with the built-in ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.config.spec import BatchNorm, Keep, Stage


@dataclass(frozen=True, slots=True)
class Recipe:
    """A named way to train: the stages for a backbone and the defaults around them."""

    name: str
    stages: tuple[Stage, ...]
    """One after the other, for a model with a backbone."""
    scratch_learning_rate: float
    """For a model without a backbone, whose single stage trains the epochs of all stages."""
    batch_size: int = 64
    """Images a step."""
    batchnorm: BatchNorm = "locked"
    """BatchNormalization of the backbone: in inference mode and frozen, or as Keras does it."""
    validation: float = 0.1
    """Share of the training images held out."""
    image_sizes: tuple[tuple[str, int], ...] = ()
    """Input sizes that differ from the catalogue's, pixels."""
    scratch_epochs: int | None = None
    """Epochs without a backbone, where they are not the sum over the stages."""
    flip: bool = False
    """Whether training images are seen mirrored half of the time."""
    views: int = 1
    """1 shows each training image as it is; K shows it and K - 1 random crops."""
    label_smoothing: float = 0.0
    """Label smoothing of the loss, from 0 to below 1."""
    keep: Keep = "last"
    """Which weights are tested and exported: the last, or the best on the validation images."""


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
    image_sizes=(("EfficientNetLite0", 64),),
    scratch_epochs=8,
)
RECOMMENDED = Recipe(
    name="recommended",
    stages=(Stage("head", 5, 1e-3, 0), Stage("fine-tune", 5, 3e-4, 38, "cosine")),
    scratch_learning_rate=1e-3,
    image_sizes=(("EfficientNetLite0", 128),),
    flip=True,
    label_smoothing=0.05,
    keep="best",
)
GRADUAL = replace(
    RECOMMENDED,
    name="gradual",
    stages=(
        Stage("head", 3, 1e-3, 0),
        Stage("fine-tune", 7, 3e-4, 0, "cosine", block_every=1),
    ),
)
RECIPES = {recipe.name: recipe for recipe in (NOTEBOOK, RECOMMENDED, GRADUAL, DEMO)}
DEFAULT_RECIPE = RECOMMENDED
"""The recipe where none is named; help, README and launcher take their defaults from it."""
