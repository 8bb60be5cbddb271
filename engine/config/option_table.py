"""The options of a run in one table, from which every front end takes them.

A row says what an option sets, which kind of value it takes and its limits; how a kind is asked
for (a flag, a field of a form, a key of a file) is up to the front end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, get_args

from engine.config.checks import MAX_LAYERS
from engine.config.dataset_names import BUILT_IN
from engine.config.kinds import (
    Choice,
    DatasetName,
    Device,
    FilePath,
    Kind,
    Listed,
    Number,
    NumberOr,
    RecipeName,
    Text,
    Unfreezes,
    Whole,
    YesNo,
    layers_text,
    unfreezes_text,
)
from engine.config.options import Options
from engine.config.recipe import DEFAULT_RECIPE, RECIPES, Recipe
from engine.config.spec import DISK_LIMIT_GB, MEMORY_SHARE, BatchNorm, Precision

EPOCHS = Whole(1, 10_000)
LEARNING_RATE = Number("a number in (0, 10]", 0, 10, excluded=(0,))
BLOCK_EVERY = Whole(1, 1_000)
IMAGE_SIZE = Whole(8, 1_024)
BATCH_SIZE = Whole(1, 65_536)
SHARE = Number("a share between 0 and 0.9", 0, 0.9, excluded=(0, 0.9))
BATCHNORM = Choice(get_args(BatchNorm))
YES_OR_NO = YesNo()
CROPS = Whole(1, 64)
GIGABYTES = Number(
    "gigabytes, 0 or more", 0, math.inf, excluded=(math.inf,), hint="; 0 keeps no features"
)


class Setting(NamedTuple):
    """One option of a run."""

    flag: str
    """Its name on the command line and in errors."""
    metavar: str
    """How its value is written there; empty for yes or no."""
    field: str
    """Its field of `engine.config.options.Options`."""
    kind: Kind
    default: str
    """Its default as text, for help; the value itself is in `options.py` or the recipe."""
    help: str

    @property
    def usage(self) -> str:
        """The flag with its value as it is written; both flags for yes or no."""
        if isinstance(self.kind, YesNo):
            return f"{self.flag}/--no-{self.flag.removeprefix('--')}"
        return f"{self.flag} {self.metavar}"

    def read(self, text: str) -> Any:
        """Return the value that a text holds.

        Raises:
            InputError: the text does not hold a valid value; begins with the flag.
        """
        return self.kind.read(self.flag, text)


def recipe_defaults(recipe: Recipe) -> dict[str, str]:
    """Return what each omitted option means under a recipe, by field of `Options`."""
    last = recipe.stages[-1]
    return {
        "epochs": _stages([stage.epochs for stage in recipe.stages]),
        "learning_rates": _stages([stage.learning_rate for stage in recipe.stages]),
        "unfreeze_last": _or_none(layers_text(last.unfreeze_last)),
        "unfreezes": _or_none(unfreezes_text(last.unfreezes)),
        "block_every": _or_none(str(last.block_every)),
        "batch_size": str(recipe.batch_size),
        "validation": f"{recipe.validation:g}",
        "batchnorm": recipe.batchnorm,
        "flip": "yes" if recipe.flip else "no",
        "views": str(recipe.views),
    }


def _stages(values: Sequence[float]) -> str:
    return ",".join(f"{value:g}" for value in values)


def _or_none(text: str) -> str:
    return "none" if text in ("", "0") else text


def _by_recipe(field: str) -> str:
    """Return the default of what recipes decide: the value itself if all of them agree on it."""
    value = recipe_defaults(DEFAULT_RECIPE)[field]
    agreed = all(recipe_defaults(recipe)[field] == value for recipe in RECIPES.values())
    return value if agreed else f"the recipe's: {value}"


def _choice(flag: str, field: str, kind: Choice, default: str, says: str) -> Setting:
    return Setting(flag, "|".join(kind.words), field, kind, default, says)


def dataset_words(names: Sequence[str]) -> str:
    """Return a phrase of what `--dataset` takes: these names, or a folder."""
    return f"{', '.join(names)}, or a folder of <class>/*.jpg, or of train/ and test/"


_USUAL = Options()

SETTINGS = (
    Setting(
        "--dataset",
        "NAME|FOLDER",
        "dataset",
        DatasetName(),
        _USUAL.dataset,
        dataset_words([row.name for row in BUILT_IN]),
    ),
    Setting(
        "--data",
        "PATH",
        "data_path",
        FilePath(),
        "found or downloaded",
        "where the data lies: archive, extracted folder or .npz",
    ),
    Setting(
        "--recipe",
        "NAME|FILE.toml",
        "recipe",
        RecipeName(),
        _USUAL.recipe,
        "how to train: one of `cifar-tui recipes`, or a file of your own",
    ),
    Setting(
        "--epochs",
        "A,B",
        "epochs",
        Listed(EPOCHS, recipe_defaults(DEFAULT_RECIPE)["epochs"]),
        _by_recipe("epochs"),
        "epochs per stage; a model without pretrained weights trains their sum",
    ),
    Setting(
        "--learning-rate",
        "A,B",
        "learning_rates",
        Listed(LEARNING_RATE, recipe_defaults(DEFAULT_RECIPE)["learning_rates"]),
        _by_recipe("learning_rates"),
        "learning rate per stage",
    ),
    Setting(
        "--unfreeze-last",
        "N",
        "unfreeze_last",
        Whole(1, MAX_LAYERS),
        _by_recipe("unfreeze_last"),
        "backbone layers that fine-tuning starts with",
    ),
    Setting(
        "--unfreeze-after",
        "E:N[,E:N...]",
        "unfreezes",
        Unfreezes(),
        _by_recipe("unfreezes"),
        "after epoch E of the last stage its last N layers train, or all",
    ),
    Setting(
        "--unfreeze-blocks",
        "N",
        "block_every",
        BLOCK_EVERY,
        _by_recipe("block_every"),
        "every N epochs of the last stage one more block trains, from the output on",
    ),
    Setting(
        "--patience",
        "N",
        "patience",
        Whole(1, 1_000),
        "none",
        "epochs without a better validation accuracy that end a stage; keeps the best weights",
    ),
    Setting(
        "--image-size",
        "PX",
        "image_size",
        IMAGE_SIZE,
        "the recipe's or the model's",
        "pixels, for backbones",
    ),
    Setting(
        "--batch-size",
        "N",
        "batch_size",
        BATCH_SIZE,
        _by_recipe("batch_size"),
        "images a step",
    ),
    Setting(
        "--train-limit",
        "N",
        "train_limit",
        Whole(20, 10**9),
        "all",
        "only the first N training images, hold-out included",
    ),
    Setting(
        "--validation",
        "FRACTION|test",
        "validation",
        NumberOr("test", SHARE, "a share like 0.1, or 'test'"),
        _by_recipe("validation"),
        "share of the training images held out, or the test split",
    ),
    _choice(
        "--batchnorm",
        "batchnorm",
        BATCHNORM,
        _by_recipe("batchnorm"),
        "BatchNormalization of the backbone: inference mode, or as Keras does it",
    ),
    Setting(
        "--flip",
        "",
        "flip",
        YES_OR_NO,
        _by_recipe("flip"),
        "whether training images are seen mirrored half of the time",
    ),
    Setting(
        "--crops",
        "K",
        "views",
        CROPS,
        _by_recipe("views"),
        "crops each training image is seen in: itself and K - 1 random ones",
    ),
    Setting(
        "--seed",
        "N[,N...]",
        "seeds",
        Listed(Whole(0, 2**31 - 1), "0,1,2"),
        _stages(_USUAL.seeds),
        "one run for each",
    ),
    Setting("--device", "cpu|gpu|gpu:N", "device", Device(), _USUAL.device, "where to train"),
    _choice(
        "--precision",
        "precision",
        Choice(get_args(Precision)),
        _USUAL.precision,
        "numbers that layers compute with",
    ),
    Setting(
        "--weights",
        "imagenet|none|PATH|RUN",
        "weights",
        Text(),
        _USUAL.weights,
        "weights to start from; those of an earlier run by its file or its name",
    ),
    Setting(
        "--feature-cache",
        "",
        "feature_cache",
        YES_OR_NO,
        "yes",
        "whether frozen layers are computed once, and not again in every epoch",
    ),
    Setting(
        "--feature-memory",
        "GB",
        "feature_memory_gb",
        GIGABYTES,
        f"{MEMORY_SHARE * 100:g} % of free memory",
        "features of frozen layers held in memory; 0 for none",
    ),
    Setting(
        "--feature-disk",
        "GB",
        "feature_disk_gb",
        GIGABYTES,
        f"{DISK_LIMIT_GB:g}",
        "features kept on disk for later runs, of all runs together; 0 for none",
    ),
)


def check_limits(options: Options) -> None:
    """Reject a value that its option's kind does not hold; None is the recipe's.

    Raises:
        InputError: which option, what was expected and what was found.
    """
    for setting in SETTINGS:
        value = getattr(options, setting.field)
        if value is not None:
            setting.kind.check(setting.flag, value)
