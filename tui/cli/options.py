"""The options of `cifar-tui train` in one table, and the recipes in words."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

from engine.config.dataset_names import KNOWN
from engine.config.options import Options
from engine.config.recipe import DEFAULT_RECIPE, RECIPES, Recipe
from engine.config.spec import DISK_LIMIT_GB, MEMORY_SHARE, BatchNorm, Precision, Stage
from tui.cli.option_values import (
    YES_NO,
    layers_text,
    parse_choice,
    parse_number,
    parse_numbers,
    parse_share,
    parse_text,
    parse_unfreezes,
    parse_whole,
    parse_wholes,
    parse_yes_no,
    unfreezes_text,
)

RUNS_DIR_VARIABLE = "CIFAR_TUI_RUNS"
OnHangup = Literal["continue", "checkpoint"]
"""What a training does when its terminal goes."""


def _stages(values: Sequence[float]) -> str:
    return ",".join(f"{value:g}" for value in values)


@dataclass(frozen=True, slots=True)
class TrainOption:
    """One option of `train`, as `--help`, the README and the parser have it."""

    flag: str
    metavar: str
    field: str
    """Of `engine.config.options.Options`."""
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


def _or_none(text: str) -> str:
    return "none" if text in ("", "0") else text


def recipe_words(recipe: Recipe) -> str:
    """What a recipe does, for `--help`."""
    return "; ".join([*map(_stage_words, recipe.stages), *_around_words(recipe)])


def _stage_words(stage: Stage) -> str:
    words = f"{stage.name} {stage.epochs} epochs at {stage.learning_rate:g}"
    if stage.schedule == "cosine":
        words += " falling to 0 by a cosine"
    if stage.unfreeze_last is None:
        words += ", all layers"
    elif stage.unfreeze_last:
        words += f", last {stage.unfreeze_last} layers"
    return ", ".join(filter(None, (words, unfreezing_words(stage))))


def unfreezing_words(stage: Stage) -> str:
    """What joins in the course of a stage; empty for nothing."""
    if stage.block_every == 1:
        return "a block more after each epoch"
    if stage.block_every:
        return f"a block more after every {stage.block_every} epochs"
    return ", ".join(
        f"after epoch {entry.after_epoch}: {'all' if entry.last is None else f'last {entry.last}'}"
        for entry in stage.unfreezes
    )


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
    TrainOption(
        "--dataset",
        "NAME|FOLDER",
        "dataset",
        parse_text,
        DEFAULTS.dataset,
        "cifar10, cifar100, digits, or a folder of <class>/*.jpg, or of train/ and test/",
        KNOWN,
    ),
    TrainOption(
        "--data",
        "PATH",
        "data_path",
        parse_text,
        "found or downloaded",
        "where the data lies: archive, extracted folder or .npz",
    ),
    TrainOption(
        "--recipe",
        "NAME|FILE.toml",
        "recipe",
        parse_text,
        DEFAULTS.recipe,
        "how to train: one of `cifar-tui recipes`, or a file of your own",
        tuple(RECIPES),
    ),
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
        "backbone layers that fine-tuning starts with",
    ),
    TrainOption(
        "--unfreeze-after",
        "E:N[,E:N...]",
        "unfreezes",
        parse_unfreezes,
        _by_recipe("unfreezes"),
        "after epoch E of the last stage its last N layers train, or all",
    ),
    TrainOption(
        "--unfreeze-blocks",
        "N",
        "block_every",
        parse_whole,
        _by_recipe("block_every"),
        "every N epochs of the last stage one more block trains, from the output on",
    ),
    TrainOption(
        "--patience",
        "N",
        "patience",
        parse_whole,
        "none",
        "epochs without a better validation accuracy that end a stage; keeps the best weights",
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
        "imagenet|none|PATH|RUN",
        "weights",
        parse_text,
        DEFAULTS.weights,
        "weights to start from; those of an earlier run by its file or its name",
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
