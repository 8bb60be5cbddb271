"""The options of `cifar-tui train` in one table, and how their values are read."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_args

from engine.config import (
    DATASETS,
    DEFAULT_RECIPE,
    DISK_LIMIT_GB,
    MEMORY_SHARE,
    RECIPES,
    BatchNorm,
    Options,
    Precision,
    Recipe,
    Stage,
)
from engine.errors import InputError

RUNS_DIR_VARIABLE = "CIFAR_TUI_RUNS"
YES_NO = ("yes", "no")


def _found(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")


def parse_whole(flag: str, text: str) -> int:
    """One whole number.

    Raises:
        InputError: it is none; names the flag. So do all the parsers here.
    """
    try:
        return int(text)
    except ValueError as error:
        raise InputError(f"{flag}: expected a whole number, found {_found(text)}") from error


def parse_wholes(example: str, flag: str, text: str) -> tuple[int, ...]:
    """Whole numbers with commas between them."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            f"{flag}: expected whole numbers like {example}, found {_found(text)}"
        ) from error


def parse_numbers(example: str, flag: str, text: str) -> tuple[float, ...]:
    """Numbers with commas between them; `check_options` refuses those that make no sense."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            f"{flag}: expected numbers like {example}, found {_found(text)}"
        ) from error


def parse_number(flag: str, text: str) -> float:
    """One number; `check_options` refuses one that makes no sense."""
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"{flag}: expected a number, found {_found(text)}") from error


def parse_share(flag: str, text: str) -> float | str:
    """A share, or the word `test`."""
    if text == "test":
        return text
    try:
        return float(text)
    except ValueError as error:
        raise InputError(
            f"{flag}: expected a share like 0.1, or 'test', found {_found(text)}"
        ) from error


def parse_choice(choices: tuple[str, ...], flag: str, text: str) -> str:
    """One of a few words."""
    if text not in choices:
        raise InputError(f"{flag}: expected {' or '.join(choices)}, found {_found(text)}")
    return text


def parse_yes_no(flag: str, text: str) -> bool:
    """`yes` or `no`."""
    return parse_choice(YES_NO, flag, text) == "yes"


def parse_text(flag: str, text: str) -> str:
    """Anything but nothing; a leading `~` is the home folder."""
    if not text.strip():
        raise InputError(f"{flag}: expected a value, found nothing; leave the option out instead")
    return os.path.expanduser(text)


def parse_path(flag: str, text: str) -> Path:
    """A path."""
    return Path(parse_text(flag, text))


def _stages(values: Sequence[float]) -> str:
    return ",".join(f"{value:g}" for value in values)


@dataclass(frozen=True, slots=True)
class TrainOption:
    """One option of `train`, as `--help`, the README and the parser have it."""

    flag: str
    metavar: str
    field: str
    """Of `engine.config.Options`."""
    parse: Callable[[str, str], Any]
    default: str
    """In words; the value itself stays in `engine.config`."""
    help: str
    choices: tuple[str, ...] = ()
    """Where there are only a few words to choose from."""
    switches_off: bool = False
    """A flag without a value, which sets its field to False; a form asks for yes or no."""

    @property
    def usage(self) -> str:
        """The flag with its value, as it is written."""
        return self.flag if self.switches_off else f"{self.flag} {self.metavar}"


def recipe_defaults(recipe: Recipe) -> dict[str, str]:
    """What an option that was left out means under a recipe, by field of `Options`."""
    return {
        "epochs": _stages([stage.epochs for stage in recipe.stages]),
        "learning_rates": _stages([stage.learning_rate for stage in recipe.stages]),
        "unfreeze_last": str(recipe.stages[-1].unfreeze_last),
        "batch_size": str(recipe.batch_size),
        "validation": f"{recipe.validation:g}",
        "batchnorm": recipe.batchnorm,
        "flip": "yes" if recipe.flip else "no",
        "views": str(recipe.views),
    }


def recipe_words(recipe: Recipe) -> str:
    """What a recipe does, for `--help`."""
    return "; ".join([*map(_stage_words, recipe.stages), *_around_words(recipe)])


def _stage_words(stage: Stage) -> str:
    words = f"{stage.name} {stage.epochs} epochs at {stage.learning_rate:g}"
    if stage.schedule == "cosine":
        words += " falling to 0 by a cosine"
    return f"{words}, last {stage.unfreeze_last} layers" if stage.unfreeze_last else words


def _around_words(recipe: Recipe) -> list[str]:
    words = [f"batch {recipe.batch_size}"]
    words += [f"{model} at {size} px" for model, size in recipe.image_sizes]
    if recipe.flip:
        words.append("mirrored half of the time")
    if recipe.views > 1:
        words.append(f"{recipe.views} crops")
    if recipe.label_smoothing:
        words.append(f"label smoothing {recipe.label_smoothing:g}")
    if recipe.keep == "best":
        words.append("best weights on validation")
    return words


def _by_recipe(field: str) -> str:
    """The default of what recipes decide: the value, where they all agree on it."""
    value = recipe_defaults(DEFAULT_RECIPE)[field]
    agreed = all(recipe_defaults(recipe)[field] == value for recipe in RECIPES.values())
    return value if agreed else f"the recipe's: {value}"


def _choice(flag: str, field: str, choices: Sequence[str], default: str, says: str) -> TrainOption:
    words = tuple(choices)
    parse = partial(parse_choice, words)
    return TrainOption(flag, "|".join(words), field, parse, default, says, words)


EPOCHS = recipe_defaults(DEFAULT_RECIPE)["epochs"]
RATES = recipe_defaults(DEFAULT_RECIPE)["learning_rates"]
DEFAULTS = Options()

TRAIN_OPTIONS = (
    _choice("--dataset", "dataset", DATASETS, DEFAULTS.dataset, "images to train on"),
    TrainOption(
        "--data",
        "PATH",
        "data_path",
        parse_text,
        "found or downloaded",
        "where the data lies: archive, extracted folder or .npz",
    ),
    _choice("--recipe", "recipe", tuple(RECIPES), DEFAULTS.recipe, "how to train"),
    TrainOption(
        "--epochs",
        "A,B",
        "epochs",
        partial(parse_wholes, EPOCHS),
        _by_recipe("epochs"),
        "epochs per stage; a model without pretrained weights trains their sum",
    ),
    TrainOption(
        "--learning-rate",
        "A,B",
        "learning_rates",
        partial(parse_numbers, RATES),
        _by_recipe("learning_rates"),
        "learning rate per stage",
    ),
    TrainOption(
        "--unfreeze-last",
        "N",
        "unfreeze_last",
        parse_whole,
        _by_recipe("unfreeze_last"),
        "backbone layers that fine-tuning trains",
    ),
    TrainOption(
        "--image-size",
        "PX",
        "image_size",
        parse_whole,
        "the recipe's or the model's",
        "pixels, for backbones",
    ),
    TrainOption(
        "--batch-size", "N", "batch_size", parse_whole, _by_recipe("batch_size"), "images a step"
    ),
    TrainOption(
        "--train-limit",
        "N",
        "train_limit",
        parse_whole,
        "all",
        "only the first N training images, hold-out included",
    ),
    TrainOption(
        "--validation",
        "FRACTION|test",
        "validation",
        parse_share,
        _by_recipe("validation"),
        "share of the training images held out, or the test split",
    ),
    _choice(
        "--batchnorm",
        "batchnorm",
        get_args(BatchNorm),
        _by_recipe("batchnorm"),
        "BatchNormalization of the backbone: inference mode, or as Keras does it",
    ),
    TrainOption(
        "--flip",
        "yes|no",
        "flip",
        parse_yes_no,
        _by_recipe("flip"),
        "whether training images are seen mirrored half of the time",
        YES_NO,
    ),
    TrainOption(
        "--views",
        "K",
        "views",
        parse_whole,
        _by_recipe("views"),
        "crops each training image is seen in: itself and K - 1 random ones",
    ),
    TrainOption(
        "--seed",
        "N[,N...]",
        "seeds",
        partial(parse_wholes, "0,1,2"),
        _stages(DEFAULTS.seeds),
        "one run for each",
    ),
    TrainOption(
        "--device", "cpu|gpu|gpu:N", "device", parse_text, DEFAULTS.device, "where to train"
    ),
    _choice(
        "--precision",
        "precision",
        get_args(Precision),
        DEFAULTS.precision,
        "numbers that layers compute with",
    ),
    TrainOption(
        "--weights",
        "imagenet|none|PATH",
        "weights",
        parse_text,
        DEFAULTS.weights,
        "weights to start from",
    ),
    TrainOption(
        "--no-feature-cache",
        "",
        "feature_cache",
        parse_yes_no,
        "off",
        "compute the frozen layers anew in every epoch",
        YES_NO,
        switches_off=True,
    ),
    TrainOption(
        "--feature-memory",
        "GB",
        "feature_memory_gb",
        parse_number,
        f"{MEMORY_SHARE * 100:g} % of free memory",
        "features of frozen layers held in memory; 0 for none",
    ),
    TrainOption(
        "--feature-disk",
        "GB",
        "feature_disk_gb",
        parse_number,
        f"{DISK_LIMIT_GB:g}",
        "features kept on disk for later runs, of all runs together; 0 for none",
    ),
)


def default_runs_dir() -> Path:
    """`$CIFAR_TUI_RUNS`, else `runs` here."""
    return Path(os.environ.get(RUNS_DIR_VARIABLE) or "runs")


def chosen_options(arguments: argparse.Namespace) -> Options:
    """What `train` was asked for; what was not given stays at its default."""
    given = {option.field: getattr(arguments, option.field) for option in TRAIN_OPTIONS}
    return Options(**{field: value for field, value in given.items() if value is not None})


def markdown_table() -> str:
    """The README's table of the options of `train`."""
    rows = ["| Option | Default | What it sets |", "| --- | --- | --- |"]
    for option in TRAIN_OPTIONS:
        usage = option.usage.replace("|", "\\|")
        rows.append(f"| `{usage}` | {option.default} | {option.help} |")
    return "\n".join(rows) + "\n"
