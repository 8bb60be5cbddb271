"""The options of `cifar-tui train` in one table, and how their values are read."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_args

from engine.config import DATASETS, NOTEBOOK, RECIPES, BatchNorm, Options
from engine.errors import InputError

RUNS_DIR_VARIABLE = "CIFAR_TUI_RUNS"


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


def _choice(flag: str, field: str, choices: Sequence[str], default: str, says: str) -> TrainOption:
    words = tuple(choices)
    parse = partial(parse_choice, words)
    return TrainOption(flag, "|".join(words), field, parse, default, says, words)


EPOCHS = _stages([stage.epochs for stage in NOTEBOOK.stages])
RATES = _stages([stage.learning_rate for stage in NOTEBOOK.stages])
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
        EPOCHS,
        "epochs per stage; a model without pretrained weights trains their sum",
    ),
    TrainOption(
        "--learning-rate",
        "A,B",
        "learning_rates",
        partial(parse_numbers, RATES),
        RATES,
        "learning rate per stage",
    ),
    TrainOption(
        "--unfreeze-last",
        "N",
        "unfreeze_last",
        parse_whole,
        str(NOTEBOOK.stages[-1].unfreeze_last),
        "backbone layers that fine-tuning trains",
    ),
    TrainOption(
        "--image-size",
        "PX",
        "image_size",
        parse_whole,
        "the model's",
        "pixels, for backbones",
    ),
    TrainOption(
        "--batch-size", "N", "batch_size", parse_whole, str(NOTEBOOK.batch_size), "images a step"
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
        f"{NOTEBOOK.validation:g}",
        "share of the training images held out, or the test split",
    ),
    _choice(
        "--batchnorm",
        "batchnorm",
        get_args(BatchNorm),
        NOTEBOOK.batchnorm,
        "BatchNormalization of the backbone: inference mode, or as Keras does it",
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
    TrainOption(
        "--weights",
        "imagenet|none|PATH",
        "weights",
        parse_text,
        DEFAULTS.weights,
        "weights to start from",
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
        metavar = option.metavar.replace("|", "\\|")
        rows.append(f"| `{option.flag} {metavar}` | {option.default} | {option.help} |")
    return "\n".join(rows) + "\n"
