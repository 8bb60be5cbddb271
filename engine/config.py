"""What a run is asked to do: stages, recipes, the spec; defaults and validation in one place."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, get_args

from engine.dataset_names import resolve
from engine.errors import InputError
from engine.option_checks import (
    MAX_LAYERS,
    check_block_every,
    check_count,
    check_device,
    check_gigabytes,
    check_learning_rate,
    check_range,
    check_share,
    check_unfreezes,
)

BatchNorm = Literal["locked", "keras"]
Precision = Literal["float32", "mixed_bfloat16"]
Schedule = Literal["constant", "cosine"]
Keep = Literal["last", "best"]
MAX_EPOCHS = 10_000
MAX_BATCH_SIZE = 65_536
MAX_IMAGE_SIZE = 1_024
MAX_VIEWS = 64
MAX_PATIENCE = MAX_BLOCK_EVERY = 1_000
GIGABYTE = 10**9
MEMORY_SHARE = 0.4
"""Of the free memory, for features, where no limit was given."""
DISK_LIMIT_GB = 20.0


@dataclass(frozen=True, slots=True)
class Unfreeze:
    """More layers to train from some epoch of a stage on."""

    after_epoch: int
    """1-based, of the stage: they train from the next one on."""
    last: int | None
    """How many of the backbone's last layers train then; None for all."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the training with its own trainable layers and learning rate."""

    name: str
    epochs: int
    learning_rate: float
    unfreeze_last: int | None
    """How many of the backbone's last layers train beside the head; None for all."""
    schedule: Schedule = "constant"
    """Of the learning rate over the stage: `cosine` falls to zero at its end."""
    unfreezes: tuple[Unfreeze, ...] = ()
    """What joins in its course, by epoch."""
    block_every: int = 0
    """Every so many epochs one more block joins, from the output on; 0 for none."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A named way to train: the stages for a backbone and the defaults around them."""

    name: str
    stages: tuple[Stage, ...]
    scratch_learning_rate: float
    """For a model without a backbone, whose single stage trains the epochs of all stages."""
    batch_size: int = 64
    batchnorm: BatchNorm = "locked"
    validation: float = 0.1
    image_sizes: tuple[tuple[str, int], ...] = ()
    """Input sizes that differ from the catalogue's."""
    scratch_epochs: int | None = None
    """Epochs without a backbone, where they are not the sum over the stages."""
    flip: bool = False
    """Whether training images are seen mirrored half of the time."""
    views: int = 1
    """1 shows each training image as it is; more add random crops, as many as are missing."""
    label_smoothing: float = 0.0
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
"""What trains where no recipe is named; help, README and launcher take their defaults from it."""


@dataclass(frozen=True, slots=True)
class RunSpec:
    """Everything one run is asked to do; the same spec and seed on one machine is the same run."""

    model: str
    """Catalogue name."""
    dataset: str
    """`cifar10`, `cifar100`, `digits`, or `folder:<name>` with the folder in `data_path`."""
    stages: tuple[Stage, ...]
    image_size: int
    batch_size: int = 64
    recipe: str = "notebook"
    data_path: str | None = None
    train_limit: int | None = None
    """First N training images, the hold-out included; None for all."""
    validation: float | Literal["test"] = 0.1
    """Share of the training images held out, or the test split as the exercise does it."""
    batchnorm: BatchNorm = "locked"
    seed: int = 0
    device: str = "auto"
    """`auto`, `cpu`, `gpu` or `gpu:N`."""
    weights: str = "imagenet"
    """`imagenet`, `none` or a path; of a model from scratch `none` or a path."""
    precision: Precision = "float32"
    flip: bool = False
    """Whether training images are seen mirrored half of the time."""
    views: int = 1
    """Crops that each training image is seen in: itself, and `views` - 1 random ones."""
    label_smoothing: float = 0.0
    keep: Keep = "last"
    """Which weights are tested and exported."""
    patience: int | None = None
    """Epochs without a better validation accuracy after which a stage ends; None for never."""
    checkpoint_minutes: float = 5.0
    """Between two checkpoints within an epoch; one is written at every epoch's end."""
    feature_cache: bool = True
    """Whether the frozen prefix is computed once and its features kept."""
    feature_memory_gb: float | None = None
    """Features held in memory, 10⁹ bytes; None takes a share of what is free."""
    feature_disk_gb: float = DISK_LIMIT_GB
    """Features kept on disk for later runs, of all runs together, 10⁹ bytes."""

    @property
    def epochs(self) -> int:
        """Epochs of all stages together."""
        return sum(stage.epochs for stage in self.stages)

    @property
    def view_count(self) -> int:
        """Views of each training image: its crops, each mirrored too where `flip` is on."""
        return self.views * (2 if self.flip else 1)


@dataclass(frozen=True, slots=True)
class Options:
    """What the person asked for; None where the recipe or the catalogue decides."""

    recipe: str = DEFAULT_RECIPE.name
    dataset: str = "cifar10"
    """A known one, or the path of a folder of images."""
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
    """Of backbones; a model from scratch keeps its own."""
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


class ModelTraits(Protocol):
    """What planning needs to know of a model; an entry of the catalogue has it."""

    @property
    def name(self) -> str:
        """As the catalogue spells it."""

    @property
    def image_size(self) -> int:
        """Default input size, pixels."""

    @property
    def min_image_size(self) -> int:
        """The smallest input it takes, pixels."""

    @property
    def from_scratch(self) -> bool:
        """Whether it has no pretrained weights and one stage."""


def plan_runs(models: Sequence[ModelTraits], options: Options) -> list[RunSpec]:
    """One spec a model and seed, in the order asked; recipe and catalogue fill what is not.

    Raises:
        InputError: an option does not hold.
    """
    # A recipe's file is checked against what is defined here.
    from engine.recipe_file import find_recipe

    recipe = find_recipe(options.recipe)
    check_options(options, recipe)
    return [_plan(model, recipe, options, seed) for model in models for seed in options.seeds]


def hold_out(options: Options) -> float | Literal["test"]:
    """The share of the training images that validates: as asked, else the recipe's.

    Raises:
        InputError: no such recipe.
    """
    from engine.recipe_file import find_recipe

    if options.validation is not None:
        return options.validation
    return find_recipe(options.recipe).validation


@dataclass(frozen=True, slots=True)
class _AnyModel:
    """A model that takes every input size, for what a recipe gives all of its kind."""

    from_scratch: bool
    name: str = ""
    image_size: int = MAX_IMAGE_SIZE
    min_image_size: int = 1


def recipe_from(name: str, options: Options, models: Sequence[ModelTraits] = ()) -> Recipe:
    """What `options` make of the recipe they name, as one of its own.

    Args:
        name: of the new recipe.
        options: data, device, seeds, limits, patience and weights are no part of a recipe, nor is
            the test split for validation; which weights to keep stays as it is without those.
        models: those for which an image size that was asked for is kept.

    Raises:
        InputError: an option does not hold.
    """
    from engine.recipe_file import find_recipe

    base = find_recipe(options.recipe)
    any_models = [_AnyModel(from_scratch=False), _AnyModel(from_scratch=True)]
    spec, scratch = plan_runs(any_models, replace(options, seeds=(0,)))
    sizes = dict(base.image_sizes)
    if options.image_size is not None:
        sizes |= {model.name: options.image_size for model in models if not model.from_scratch}
    return replace(
        base,
        name=name,
        stages=spec.stages,
        scratch_learning_rate=scratch.stages[0].learning_rate,
        scratch_epochs=scratch.epochs,
        image_sizes=tuple(sizes.items()),
        batch_size=spec.batch_size,
        batchnorm=spec.batchnorm,
        validation=base.validation if spec.validation == "test" else spec.validation,
        flip=spec.flip,
        views=spec.views,
    )


def _plan(model: ModelTraits, recipe: Recipe, options: Options, seed: int) -> RunSpec:
    usual = dict(recipe.image_sizes).get(model.name, model.image_size)
    # What is trained from scratch has no pretrained scale to meet: it keeps the images' own.
    image_size = usual if model.from_scratch else options.image_size or usual
    if image_size < model.min_image_size:
        raise InputError(
            f"--image-size: {model.name} needs {model.min_image_size} px or more, found "
            f"{image_size}; leave the option out for its default of {usual}"
        )
    stages = _scratch_stages if model.from_scratch else _backbone_stages
    dataset, data_path = resolve(options.dataset, options.data_path)
    return RunSpec(
        model=model.name,
        dataset=dataset,
        stages=stages(recipe, options),
        image_size=image_size,
        batch_size=options.batch_size or recipe.batch_size,
        recipe=recipe.name,
        data_path=None if data_path is None else _absolute(data_path),
        train_limit=options.train_limit,
        validation=recipe.validation if options.validation is None else options.validation,
        batchnorm="keras" if model.from_scratch else options.batchnorm or recipe.batchnorm,
        seed=seed,
        device=options.device,
        weights=_weights(options.weights, model),
        precision=options.precision,
        flip=recipe.flip if options.flip is None else options.flip,
        views=recipe.views if options.views is None else options.views,
        label_smoothing=recipe.label_smoothing,
        keep=_keep(recipe, options),
        patience=options.patience,
        feature_cache=options.feature_cache,
        feature_memory_gb=options.feature_memory_gb,
        feature_disk_gb=options.feature_disk_gb,
    )


def _absolute(path: str) -> str:
    """A path that stays true where the run is gone on with or added to from another folder."""
    return os.path.abspath(os.path.expanduser(path))


def _weights(asked: str, model: ModelTraits) -> str:
    if asked in ("imagenet", "none"):
        return "none" if model.from_scratch else asked
    return _absolute(asked)


def _backbone_stages(recipe: Recipe, options: Options) -> tuple[Stage, ...]:
    epochs = options.epochs or tuple(stage.epochs for stage in recipe.stages)
    rates = options.learning_rates or ()
    stages = []
    for i, (stage, count) in enumerate(zip(recipe.stages, epochs, strict=False)):
        rate = rates[i] if i < len(rates) else stage.learning_rate
        last = stage.unfreeze_last
        if i > 0 and options.unfreeze_last is not None:
            last = options.unfreeze_last
        stages.append(replace(stage, epochs=count, learning_rate=rate, unfreeze_last=last))
    stages[-1] = _unfreezing(stages[-1], options)
    return tuple(stages)


def _unfreezing(stage: Stage, options: Options) -> Stage:
    """The stage with the schedule asked for in the place of the recipe's."""
    if options.unfreezes:
        return replace(stage, unfreezes=options.unfreezes, block_every=0)
    if options.block_every is not None:
        return replace(stage, unfreezes=(), block_every=options.block_every)
    return stage


def _keep(recipe: Recipe, options: Options) -> Keep:
    # The best on the test split would be chosen by what it is then measured on.
    if options.validation == "test":
        return "last"
    return "best" if options.patience is not None else recipe.keep


def _scratch_stages(recipe: Recipe, options: Options) -> tuple[Stage, ...]:
    usual = recipe.scratch_epochs or sum(stage.epochs for stage in recipe.stages)
    epochs = sum(options.epochs) if options.epochs else usual
    rate = options.learning_rates[0] if options.learning_rates else recipe.scratch_learning_rate
    # One stage is the last one too: it ends as the recipe ends a training.
    return (Stage("all", epochs, rate, None, recipe.stages[-1].schedule),)


def check_options(options: Options, recipe: Recipe) -> None:
    """Refuse values that make no sense under a recipe, by the name of their option.

    Raises:
        InputError: which option, what was expected and what was found.
    """
    resolve(options.dataset, options.data_path)
    _check_stages(options, len(recipe.stages))
    _check_unfreezing(options, _backbone_stages(recipe, options)[-1])
    _check_validation(options)
    check_range("--image-size", options.image_size, 8, MAX_IMAGE_SIZE)
    check_range("--batch-size", options.batch_size, 1, MAX_BATCH_SIZE)
    check_range("--train-limit", options.train_limit, 20, 10**9)
    for seed in options.seeds:
        check_range("--seed", seed, 0, 2**31 - 1)
    check_device(options.device)
    check_range("--views", options.views, 1, MAX_VIEWS)
    if options.precision not in get_args(Precision):
        words = " or ".join(get_args(Precision))
        raise InputError(f"--precision: expected {words}, found {options.precision!r}")
    check_gigabytes("--feature-memory", options.feature_memory_gb)
    check_gigabytes("--feature-disk", options.feature_disk_gb)


def _check_stages(options: Options, stages: int) -> None:
    if options.epochs is not None:
        check_count("--epochs", len(options.epochs), stages)
        for number in options.epochs:
            check_range("--epochs", number, 1, MAX_EPOCHS)
    run = len(options.epochs) if options.epochs is not None else stages
    if options.learning_rates is not None:
        check_count("--learning-rate", len(options.learning_rates), run)
        for rate in options.learning_rates:
            check_learning_rate("--learning-rate", rate)
    check_range("--unfreeze-last", options.unfreeze_last, 1, MAX_LAYERS)
    if options.unfreeze_last is not None and run == 1:
        raise InputError(
            "--unfreeze-last: expected a stage that fine-tunes, found only the head's; "
            "give --epochs a number for each stage, like 5,3"
        )


def _check_unfreezing(options: Options, last_stage: Stage) -> None:
    check_range("--unfreeze-blocks", options.block_every, 1, MAX_BLOCK_EVERY)
    if options.unfreezes and options.block_every is not None:
        raise InputError(
            "--unfreeze-after: expected no --unfreeze-blocks beside it, found both; "
            "leave one of them out"
        )
    if options.unfreezes:
        check_unfreezes(last_stage)
    if options.block_every is not None:
        check_block_every(last_stage)


def _check_validation(options: Options) -> None:
    share = options.validation
    if isinstance(share, float):
        check_share("--validation", share)
    check_range("--patience", options.patience, 1, MAX_PATIENCE)
    if options.patience is not None and share == "test":
        raise InputError(
            "--patience: expected training images held out for validation, found the test split, "
            "which must not choose anything; give --validation a share, like 0.1"
        )
