"""What a user asks of a session, before recipe and catalogue fill in the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.config.recipe import DEFAULT_RECIPE
from engine.config.spec import DISK_LIMIT_GB, BatchNorm, Precision, Unfreeze


@dataclass(frozen=True, slots=True)
class Options:
    """The user's choices; None where the recipe or the catalogue decides."""

    recipe: str = DEFAULT_RECIPE.name
    dataset: str = "cifar10"
    """The name of a data set, or the path of a folder of images."""
    data_path: str | None = None
    epochs: tuple[int, ...] | None = None
    learning_rates: tuple[float, ...] | None = None
    unfreeze_last: int | None = None
    unfreezes: tuple[Unfreeze, ...] = ()
    """For the last stage."""
    block_every: int | None = None
    """For the last stage."""
    patience: int | None = None
    image_size: int | None = None
    """Input size of backbones, pixels; a model from scratch keeps its own."""
    batch_size: int | None = None
    train_limit: int | None = None
    validation: float | Literal["test"] | None = None
    batchnorm: BatchNorm | None = None
    flip: bool | None = None
    views: int | None = None
    seeds: tuple[int, ...] = (0,)
    device: str = "auto"
    precision: Precision = "float32"
    weights: str = "imagenet"
    feature_cache: bool = True
    feature_memory_gb: float | None = None
    """10⁹ bytes; 0 holds none, None a share of what is free."""
    feature_disk_gb: float = DISK_LIMIT_GB
    """10⁹ bytes; 0 keeps none."""
