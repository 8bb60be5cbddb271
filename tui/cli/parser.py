"""The parser of the whole command line: a row for each command, and in it one for each argument."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from operator import methodcaller
from typing import Any, get_args

from engine.common.version import VERSION
from engine.config.dataset_names import BUILT_IN
from engine.config.kinds import Number
from engine.config.recipe import DEFAULT_RECIPE, RECIPES
from engine.config.recipe_words import recipe_words
from engine.config.settings import IMAGE_SIZE, SETTINGS, dataset_words
from engine.tools.export_formats import format_names, formats_help
from tui.cli.arguments import (
    RUNS_DIR_VARIABLE,
    SHARES,
    TEXT,
    OnHangup,
    add_setting,
    read_path,
)
from tui.cli.examples import examples_text
from tui.cli.old_names import OLD_NAMES
from tui.cli.usage import CommandLineParser, OneLineParser
from tui.terminal.ascii_marks import VARIABLE as ASCII_VARIABLE

_HELP_WIDTH = 78
DEFAULT_SPEED, MAX_SPEED = 20.0, 10_000
"""Speeds of a replay, in recorded seconds per second."""
SPEED = Number(f"1 to {MAX_SPEED:,}", 1, MAX_SPEED)

Row = Callable[[OneLineParser], object]
"""Adds an argument to a parser."""


def _argument(name: str, metavar: str, says: str, read: Any = None, **how: Any) -> Row:
    """Return the row of an argument with a value, which `read` takes after the argument's name."""
    if read is not None:
        how["type"] = partial(read, name if name.startswith("-") else metavar)
    return methodcaller("add_argument", name, metavar=metavar, help=says, **how)


def _flag(name: str, says: str, **how: Any) -> Row:
    return methodcaller("add_argument", name, action="store_true", help=says, **how)


def _words(name: str, words: tuple[str, ...], **how: Any) -> Row:
    return methodcaller("add_argument", name, choices=words, **how)


# Suppressed: a command's default would override what was given before the command; without one it
# is the launcher's.
_RUNS_DIR = _argument(
    "--runs-dir",
    "PATH",
    f"folder of the runs (default: ${RUNS_DIR_VARIABLE}, or else ./runs)",
    read_path,
    default=argparse.SUPPRESS,
)
_ASCII = _flag(
    "--ascii",
    f"draw with ASCII characters only, as under LANG=C or with {ASCII_VARIABLE}=1",
    default=argparse.SUPPRESS,
)
_ON_HANGUP = get_args(OnHangup)
_OUTPUTS = (
    _RUNS_DIR,
    _ASCII,
    _flag("--plain", "no screen: print progress line by line"),
    _flag("--json", "no screen: print every event as a line of JSON"),
    _words(
        "--on-hangup",
        _ON_HANGUP,
        metavar="|".join(_ON_HANGUP),
        default=_ON_HANGUP[0],
        help="when the terminal closes or the connection drops: keep training, or stop with a "
        f"checkpoint (default: {_ON_HANGUP[0]})",
    ),
)
_MODELS = _argument("models", "MODEL", "`cifar-tui models` lists them", nargs="*")
_RUN_WORDS = "run id, a unique part of it, or the run's path"
_RUN = _argument("run", "RUN", _RUN_WORDS)


def build_parser() -> CommandLineParser:
    """Build the parser of the whole command line; `command` is None where none was given."""
    parser = CommandLineParser(
        prog="cifar-tui",
        description="Fine-tune pretrained image classifiers on CIFAR or your own images, watch "
        "them train, and rank them. Without a command, it opens the launcher.",
        allow_abbrev=False,
    )
    version = f"cifar-tui {VERSION}"
    parser.add_argument(
        "--version", action="version", version=version, help="print the version and exit"
    )
    _ASCII(parser)
    _RUNS_DIR(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=OneLineParser)
    parser.commands = commands.choices
    add = partial(_add, commands)
    _add_training(add)
    _add_results(add)
    add(
        "doctor",
        "check this machine, and say what to do about problems",
        _RUNS_DIR,
        _flag("--json", "print a JSON array"),
    )
    shells = ("bash", "zsh", "fish")
    add("completion", "print a shell completion script", _words("shell", shells))
    add(
        "cache",
        "list or clear the cached features of frozen layers",
        _words("action", ("list", "clear"), nargs="?", default="list"),
        _flag("--json", "print a JSON object"),
    )
    parser.commands["train"].epilog = f"{examples_text('train')}\n\n{_recipes_in_lines()}"
    return parser


def _add(commands: Any, name: str, summary: str, *rows: Row) -> None:
    parser: OneLineParser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=examples_text(name),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.old_names = OLD_NAMES.get(name, {})
    for row in rows:
        row(parser)


def _add_training(add: Callable[..., None]) -> None:
    """Add the commands that train, and what may be looked at or fetched before."""
    datasets = [row.name for row in BUILT_IN]
    add(
        "train",
        "train models one after another and rank them",
        _MODELS,
        _flag(
            "--compare-exercise",
            "train the exercise's models whose weights are available, with the notebook recipe, "
            "and answer its questions at the end",
        ),
        *(partial(add_setting, setting=setting) for setting in SETTINGS),
        *_OUTPUTS,
    )
    add("demo", "compare two models on 1,000 photographs (and 500 to test); no download", *_OUTPUTS)
    saving = "check a recipe file and save the recipe under the file's name"
    add(
        "recipes",
        "list the recipes, print one as TOML, or save one",
        _argument("name", "NAME", "recipe to print, or its file", nargs="?"),
        _argument("--save", "FILE.toml", saving),
    )
    add("models", "list the model catalogue", _flag("--json", "print a JSON array"))
    add(
        "dataset",
        "count a data set's classes and images, and report problems",
        _argument("dataset", "NAME|FOLDER", dataset_words(datasets), TEXT.read),
        _flag("--json", "print a JSON object"),
    )
    names = f"{', '.join(datasets)}, or those of an installed package; may be repeated"
    size = "pixels; MobileNet and MobileNetV2 have weights for each size (default: the model's)"
    add(
        "fetch",
        "download weights and data before they are needed",
        _MODELS,
        _argument(
            "--dataset", "NAME", f"fetch these images as well: {names}", TEXT.read, action="append"
        ),
        _argument("--image-size", "PX", size, IMAGE_SIZE.read),
        _flag("--json", "print a JSON object at the end"),
    )
    newest = f"{_RUN_WORDS} (default: the newest unfinished run)"
    add(
        "resume",
        "resume an unfinished run, and then its queue",
        _argument("run", "RUN", newest, nargs="?"),
        *_OUTPUTS,
    )
    add(
        "work",
        "train one unfinished run and nothing else, without a screen",
        _RUN,
        _RUNS_DIR,
        _flag("--json", "print every event as a line of JSON"),
    )


def _add_results(add: Callable[..., None]) -> None:
    """Add the commands for runs that were begun by others, or have ended."""
    newest = f"{_RUN_WORDS} (default: the newest running one, else the newest)"
    add(
        "attach",
        "watch a run that another process is training",
        _argument("run", "RUN", newest, nargs="?"),
        _RUNS_DIR,
        _ASCII,
    )
    speed = f"recorded seconds per second, 1 to {MAX_SPEED:,} (default: {DEFAULT_SPEED:g})"
    add(
        "replay",
        "replay the record of a run on the training screen",
        _RUN,
        _argument("--speed", "N", speed, SPEED.read, default=DEFAULT_SPEED),
        _RUNS_DIR,
        _ASCII,
    )
    matching = "only matching runs: words, model:vgg, dataset:digits, tag:x, acc>0.85, train<600"
    by = "column to sort by, named as in --csv; prefix it with `-` to reverse the order"
    seconds = "show the seconds to reach these validation accuracies (default: 0.8,0.85)"
    add(
        "rank",
        "rank the runs so far, best first",
        _RUNS_DIR,
        methodcaller(
            "add_exclusive",
            json="print a JSON array of all runs",
            csv="print CSV, one line per run",
            markdown="print a Markdown table",
        ),
        _argument("--filter", "TEXT", matching, TEXT.read),
        _argument("--sort", "COLUMN", by, TEXT.read),
        _argument("--time-to", "SHARE[,SHARE...]", seconds, SHARES.read),
        _flag("--by-model", "print one line per model: best, mean and deviation"),
    )
    add(
        "runs",
        "list runs with their sizes on disk, or remove some",
        _words("action", ("list", "delete", "prune"), nargs="?", default="list"),
        _argument("runs", "RUN", f"to delete: {_RUN_WORDS}", nargs="*"),
        _RUNS_DIR,
        _flag("--yes", "do not ask; prune: remove what it would list"),
        _flag("--json", "print a JSON object"),
    )
    add(
        "report",
        "answer the exercise's questions from the runs so far",
        _RUNS_DIR,
        _argument("--output", "FILE", "file to write (default: standard output)", read_path),
        _flag("--html", "write an HTML page with charts, not Markdown"),
    )
    image = "image file of any size and mode; its central square is used"
    add(
        "predict",
        "classify images with the model of a finished run",
        _RUN,
        _argument("images", "IMAGE", image, read_path, nargs="+"),
        _flag("--json", "print a JSON array, one object per image"),
        _RUNS_DIR,
    )
    methods = ("probabilities", "weights")
    says = (
        "what is averaged: the probabilities of several networks, or the weights of runs of one "
        "network (default: what is better on the validation images)"
    )
    add(
        "ensemble",
        "combine finished runs into one model, which is a run of its own",
        _argument("runs", "RUN", f"two or more: {_RUN_WORDS}", nargs="*"),
        _words("--by", methods, metavar="|".join(methods), help=says),
        _flag("--json", "print a JSON object at the end"),
        _RUNS_DIR,
    )
    formats = format_names()
    usage = {"metavar": "|".join(formats), "help": formats_help(), "required": True}
    add(
        "export",
        "export a finished run for other programs, and check the result",
        _RUN,
        _words("--format", formats, **usage),
        _argument("--output", "PATH", "file or folder to write", read_path, required=True),
        _flag("--force", "replace an existing export"),
        _RUNS_DIR,
    )


def _recipes_in_lines() -> str:
    import textwrap

    lines = ["recipes:"]
    for name, recipe in RECIPES.items():
        words = f"{name}{' (default)' if recipe is DEFAULT_RECIPE else ''}: {recipe_words(recipe)}"
        lines += textwrap.wrap(words, _HELP_WIDTH, initial_indent="  ", subsequent_indent=" " * 6)
    return "\n".join(lines)
