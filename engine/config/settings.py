"""The options of a run, each in one row, from which all that knows options is made.

A row is a field with its type, its default and what `option` says of it. From the rows come the
options of the command line and their help, the launcher's form, the keys of a recipe's file, the
specs of runs (`engine.config.planning`) and the reference. The class in which a row stands says
where the option may be given and where its value goes:

- `Options`: on the command line, in the form and in a call; planning makes of it what a spec has.
- `KeptSettings`: there too; a spec keeps the value as it was given, under the same name.
- `RecipeSettings`: in a recipe's file, and there too if `Options` names it once more: its None
  stands for the recipe's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, ParamSpec, get_args

from engine.config.dataset_names import BUILT_IN
from engine.config.kinds import (
    Choice,
    DatasetName,
    Device,
    FilePath,
    Kind,
    Layers,
    Listed,
    Number,
    NumberOr,
    RecipeName,
    Text,
    Unfreezes,
    Whole,
    YesNo,
)
from engine.config.stage import MAX_LAYERS, Schedule

if TYPE_CHECKING:
    from engine.config.recipe import Recipe
    from engine.config.stage import Unfreeze

_Says = ParamSpec("_Says")
BatchNorm = Literal["locked", "keras"]
Precision = Literal["float32", "mixed_bfloat16"]
Keep = Literal["last", "best"]
MEMORY_SHARE = 0.4
"""Share of the free memory for features, where no limit was given."""
DISK_LIMIT_GB = 20.0
DEFAULT_RECIPE_NAME = "recommended"

EPOCHS = Whole(1, 10_000)
LEARNING_RATE = Number("a number in (0, 10]", 0, 10, excluded=(0,))
BLOCK_EVERY = Whole(1, 1_000)
IMAGE_SIZE = Whole(8, 1_024)
SHARE = Number("a share above 0 and below 0.9", 0, 0.9, excluded=(0, 0.9))
YES_OR_NO = YesNo()
GIGABYTES = Number(
    "gigabytes, 0 or more", 0, math.inf, excluded=(math.inf,), hint="0 keeps no features"
)


class Setting(NamedTuple):
    """What the row of an option says, with the field that it says it of."""

    kind: Kind
    help: str
    usual: Any = None
    """Its value where neither an option nor a recipe says one."""
    flag: str = ""
    """Its name on the command line; the field's, unless told otherwise."""
    metavar: str = ""
    """How its value is written there, as its kind says unless told otherwise; empty for yes or
    no."""
    unset: str = ""
    """What None means, where None is the usual value."""
    of_recipe: Callable[[Recipe], Any] | None = None
    """Takes from a recipe what the option left out means; None where no recipe decides."""
    file_kind: Kind | None = None
    """What the key of a recipe's file takes, where it is not what the option takes."""
    words: str = ""
    """What a recipe with another value than the usual one is said to do; the value goes into {}."""
    sweepable: bool = True
    """Whether runs that differ in nothing else can be compared by it, to find its best value."""
    field: str = ""
    """Its name in Python: of the field, in errors, in a recipe's file."""

    def read(self, text: str) -> Any:
        """Return the value that a text holds.

        Raises:
            InputError: the text does not hold a valid value; its field is the option's.
        """
        return self.kind.read(self.field, text)


def _as_field(row_of: Callable[_Says, Setting]) -> Callable[_Says, Any]:
    """Return a function that makes a field with its row from what the row says."""

    def option(*said: _Says.args, **more: _Says.kwargs) -> Any:
        row = row_of(*said, **more)
        return field(default=row.usual, metadata={"row": row})

    return option


option = _as_field(Setting)


def dataset_words(names: Sequence[str]) -> str:
    """Return a phrase of what `--dataset` takes: these names, or a folder."""
    return f"{', '.join(names)}, or a folder of <class>/*.jpg, or of train/ and test/"


@dataclass(frozen=True, kw_only=True)
class RecipeSettings:
    """What a recipe decides unless an option does; both recipe and spec hold it."""

    batch_size: int = option(Whole(1, 65_536), "images a step", 64)
    batchnorm: BatchNorm = option(
        Choice(get_args(BatchNorm)),
        "BatchNormalization of the backbone: inference mode, or as Keras does it",
        "locked",
    )
    validation: float | Literal["test"] = option(
        NumberOr("test", SHARE, "a share like 0.1, or 'test'"),
        "share of the training images held out, or the test split",
        0.1,
        file_kind=SHARE,
        sweepable=False,
        metavar="FRACTION|test",
    )
    """Share of the training images held out; in a run also the test split, as the exercise does."""
    flip: bool = option(
        YES_OR_NO,
        "whether training images are seen mirrored half of the time",
        False,
        words="mirrored half of the time",
    )
    views: int = option(
        Whole(1, 64),
        "crops each training image is seen in: itself and K - 1 random ones",
        1,
        words="{} crops",
        flag="--crops",
        metavar="K",
    )
    label_smoothing: float = option(
        Number("a number from 0 to below 1", 0, 1, excluded=(1,)),
        "share of each label that the loss spreads over all classes",
        0.0,
        metavar="SHARE",
        words="label smoothing {}",
    )
    test_time_flip: bool = option(
        YES_OR_NO,
        "whether the model averages its predictions for an image and its mirror image at the test",
        False,
        words="tested with mirror images",
    )
    """Whether the model averages its predictions for an image and its mirror image, at the test and
    as it is exported; training and validation see none of it."""
    keep: Keep = option(
        Choice(get_args(Keep)),
        "weights that are tested and exported: the last, or the best on the validation images",
        "last",
        words="{} weights on validation",
    )


@dataclass(frozen=True, kw_only=True)
class KeptSettings:
    """What a spec keeps as it was given."""

    patience: int | None = option(
        Whole(1, 1_000),
        "epochs without a better validation accuracy that end a stage; keeps the best weights",
        unset="none",
    )
    """Epochs without a better validation accuracy after which a stage ends; None for never."""
    train_limit: int | None = option(
        Whole(20, 10**9), "only the first N training images, hold-out included", unset="all"
    )
    """First N training images, the hold-out included; None for all."""
    device: str = option(
        Device(), "where to train", "auto", sweepable=False, metavar="cpu|gpu|gpu:N"
    )
    """`auto`, `cpu`, `gpu` or `gpu:N`."""
    precision: Precision = option(
        Choice(get_args(Precision)), "numbers that layers compute with", "float32"
    )
    feature_cache: bool = option(
        YES_OR_NO,
        "whether frozen layers are computed once, and not again in every epoch",
        True,
        sweepable=False,
    )
    feature_memory_gb: float | None = option(
        GIGABYTES,
        "features of frozen layers held in memory; 0 for none",
        unset=f"{MEMORY_SHARE * 100:g} % of free memory",
        sweepable=False,
        flag="--feature-memory",
        metavar="GB",
    )
    """Features held in memory, 10⁹ bytes; None takes a share of what is free."""
    feature_disk_gb: float = option(
        GIGABYTES,
        "features kept on disk for later runs, of all runs together; 0 for none",
        DISK_LIMIT_GB,
        sweepable=False,
        flag="--feature-disk",
        metavar="GB",
    )
    """Features kept on disk for later runs, of all runs together, 10⁹ bytes."""


@dataclass(frozen=True, kw_only=True)
class Options(KeptSettings):
    """What a user asks of a session; None where the recipe or the catalogue decides."""

    dataset: str = option(
        DatasetName(),
        dataset_words([row.name for row in BUILT_IN]),
        "cifar10",
        sweepable=False,
        metavar="NAME|FOLDER",
    )
    data_path: str | None = option(
        FilePath(),
        "where the data lies: archive, extracted folder or .npz",
        unset="found or downloaded",
        sweepable=False,
        flag="--data",
        metavar="PATH",
    )
    recipe: str = option(
        RecipeName(),
        "how to train: one of `cifar-tui recipes`, or a file of your own",
        DEFAULT_RECIPE_NAME,
        metavar="NAME|FILE.toml",
    )
    epochs: tuple[int, ...] | None = option(
        Listed(EPOCHS, "5,5"),
        "epochs per stage, of the first stages where there are fewer; a model without pretrained "
        "weights trains their sum",
        of_recipe=lambda recipe: [stage.epochs for stage in recipe.stages],
    )
    learning_rates: tuple[float, ...] | None = option(
        Listed(LEARNING_RATE, "0.001,0.0003"),
        "learning rate per stage",
        of_recipe=lambda recipe: [stage.learning_rate for stage in recipe.stages],
        flag="--learning-rate",
    )
    unfreeze_last: int | None = option(
        Layers(1, MAX_LAYERS),
        "backbone layers that fine-tuning starts with",
        of_recipe=lambda recipe: recipe.stages[-1].unfreeze_last,
    )
    unfreezes: tuple[Unfreeze, ...] = option(
        Unfreezes(),
        "after epoch E of the last stage its last N layers train, or all",
        (),
        of_recipe=lambda recipe: recipe.stages[-1].unfreezes,
        flag="--unfreeze-after",
        metavar="E:N[,E:N...]",
    )
    block_every: int | None = option(
        BLOCK_EVERY,
        "every N epochs of the last stage one more block trains, from the output on",
        of_recipe=lambda recipe: recipe.stages[-1].block_every,
        flag="--unfreeze-blocks",
    )
    schedule: Schedule | None = option(
        Choice(get_args(Schedule)),
        "course of the learning rate over the last stage: cosine falls to 0 at its end",
        of_recipe=lambda recipe: recipe.stages[-1].schedule,
    )
    image_size: int | None = option(
        IMAGE_SIZE, "pixels, for backbones", unset="the recipe's or the model's", metavar="PX"
    )
    """A model from scratch keeps its own."""
    seeds: tuple[int, ...] = option(
        Listed(Whole(0, 2**31 - 1), "0,1,2"),
        "one run for each",
        (0,),
        sweepable=False,
        flag="--seed",
        metavar="N[,N...]",
    )
    weights: str = option(
        Text(),
        "weights to start from; those of an earlier run by its file or its name",
        "imagenet",
        metavar="imagenet|none|PATH|RUN",
    )
    batch_size: int | None = None
    batchnorm: BatchNorm | None = None
    validation: float | Literal["test"] | None = None
    flip: bool | None = None
    views: int | None = None
    label_smoothing: float | None = None
    test_time_flip: bool | None = None
    keep: Keep | None = None


def _rows(cls: type[Any]) -> tuple[Setting, ...]:
    return tuple(
        row._replace(
            field=each.name,
            flag=row.flag or f"--{each.name.replace('_', '-')}",
            metavar=row.metavar or row.kind.metavar,
        )
        for each in fields(cls)
        if (row := each.metadata.get("row"))
    )


def _left_to_recipe(row: Setting) -> Setting:
    return row._replace(usual=None, of_recipe=lambda recipe: getattr(recipe, row.field))


_KEPT, _OF_OPTIONS = _rows(KeptSettings), {each.name for each in fields(Options)}
OF_RECIPES = {row.field: row for row in _rows(RecipeSettings)}
"""The rows of what recipes decide, by field, with the usual values of recipes."""
SETTINGS = (
    *(row for row in _rows(Options) if row not in _KEPT),
    *(_left_to_recipe(row) for row in OF_RECIPES.values() if row.field in _OF_OPTIONS),
    *_KEPT,
)
"""The rows of all options, in the order in which they are shown."""


def check_limits(options: Options) -> None:
    """Reject a value that its option's kind does not hold; None is the recipe's.

    Raises:
        InputError: which option, what was expected and what was found.
    """
    for setting in SETTINGS:
        value = getattr(options, setting.field)
        if value is not None:
            setting.kind.check(setting.field, value)
