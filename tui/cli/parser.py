"""The parser of the whole command line, built from the table of options."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any, get_args

from engine.common.version import VERSION
from engine.config.dataset_names import BUILT_IN
from engine.config.kinds import Choice, Number
from engine.config.recipe import DEFAULT_RECIPE, RECIPES
from engine.config.recipe_words import recipe_words
from engine.config.settings import SETTINGS, dataset_words
from engine.tools.export_formats import format_names, formats_help
from tui.cli.arguments import (
    RUNS_DIR_VARIABLE,
    TEXT,
    OnHangup,
    add_setting,
    read_path,
    read_shares,
)
from tui.cli.examples import examples_text
from tui.cli.fetch_parser import add_fetch
from tui.cli.old_names import OLD_NAMES
from tui.cli.usage import CommandLineParser, OneLineParser
from tui.terminal.ascii_marks import VARIABLE as ASCII_VARIABLE

_HELP_WIDTH = 78

_RUN_WORDS = "run id, a unique part of it, or the run's path"
DEFAULT_SPEED, MAX_SPEED = 20.0, 10_000
"""Speeds of a replay, in recorded seconds per second."""
SPEED = Number(f"1 to {MAX_SPEED:,}", 1, MAX_SPEED)


def build_parser() -> CommandLineParser:
    """Build the parser of the whole command line; `command` is None where none was given."""
    parser = CommandLineParser(
        prog="cifar-tui",
        description="Fine-tune pretrained image classifiers on CIFAR or your own images, watch "
        "them train, and rank them. Without a command, it opens the launcher.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"cifar-tui {VERSION}",
        help="print the version and exit",
    )
    _add_drawing(parser)
    _add_runs_dir(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=OneLineParser)
    _add_train(commands)
    demo = _add(commands, "demo", "train two models on the built-in digits; nothing to download")
    _add_outputs(demo)
    recipes = _add(commands, "recipes", "list the recipes, print one as TOML, or save one")
    recipes.add_argument("name", metavar="NAME", nargs="?", help="recipe to print, or its file")
    recipes.add_argument(
        "--save",
        metavar="FILE.toml",
        help="check a recipe file and save the recipe under the file's name",
    )
    models = _add(commands, "models", "list the model catalogue")
    models.add_argument("--json", action="store_true", help="print a JSON array")
    dataset = _add(
        commands, "dataset", "count a data set's classes and images, and report problems"
    )
    dataset.add_argument(
        "dataset",
        metavar="NAME|FOLDER",
        type=partial(TEXT.read, "NAME|FOLDER"),
        help=dataset_words([row.name for row in BUILT_IN]),
    )
    dataset.add_argument("--json", action="store_true", help="print a JSON object")
    add_fetch(_add(commands, "fetch", "download weights and data before they are needed"))
    _add_resume(commands)
    _add_attach(commands)
    _add_replay(commands)
    _add_rank(commands)
    _add_runs(commands)
    _add_report(commands)
    _add_predict(commands)
    _add_export(commands)
    doctor = _add(commands, "doctor", "check this machine, and say what to do about problems")
    _add_runs_dir(doctor)
    doctor.add_argument("--json", action="store_true", help="print a JSON array")
    completion = _add(commands, "completion", "print a shell completion script")
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))
    cache = _add(commands, "cache", "list or clear the cached features of frozen layers")
    cache.add_argument("action", nargs="?", choices=("list", "clear"), default="list")
    cache.add_argument("--json", action="store_true", help="print a JSON object")
    parser.commands = commands.choices
    return parser


Commands = Any
"""What `add_subparsers` returns; argparse keeps its type private."""


def _add(commands: Commands, name: str, summary: str) -> OneLineParser:
    parser: OneLineParser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=examples_text(name),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.old_names = OLD_NAMES.get(name, {})
    return parser


def _add_train(commands: Commands) -> None:
    train = _add(commands, "train", "train models one after another and rank them")
    train.add_argument("models", metavar="MODEL", nargs="*", help="`cifar-tui models` lists them")
    train.add_argument(
        "--compare-exercise",
        action="store_true",
        help="train the exercise's models whose weights are available, with the notebook recipe, "
        "and answer its questions at the end",
    )
    for setting in SETTINGS:
        add_setting(train, setting)
    _add_outputs(train)
    train.epilog = f"{examples_text('train')}\n\n{_recipes_in_lines()}"


def _recipes_in_lines() -> str:
    import textwrap

    lines = ["recipes:"]
    for name, recipe in RECIPES.items():
        words = f"{name}{' (default)' if recipe is DEFAULT_RECIPE else ''}: {recipe_words(recipe)}"
        lines += textwrap.wrap(words, _HELP_WIDTH, initial_indent="  ", subsequent_indent=" " * 6)
    return "\n".join(lines)


def _add_resume(commands: Commands) -> None:
    resume = _add(commands, "resume", "resume an unfinished run, and then its queue")
    resume.add_argument(
        "run", metavar="RUN", nargs="?", help=f"{_RUN_WORDS} (default: the newest unfinished run)"
    )
    _add_outputs(resume)


def _add_attach(commands: Commands) -> None:
    attach = _add(commands, "attach", "watch a run that another process is training")
    attach.add_argument(
        "run",
        metavar="RUN",
        nargs="?",
        help=f"{_RUN_WORDS} (default: the newest running one, else the newest)",
    )
    _add_runs_dir(attach)
    _add_drawing(attach)


def _add_replay(commands: Commands) -> None:
    replay = _add(commands, "replay", "replay the record of a run on the training screen")
    replay.add_argument("run", metavar="RUN", help=_RUN_WORDS)
    replay.add_argument(
        "--speed",
        metavar="N",
        default=DEFAULT_SPEED,
        type=partial(SPEED.read, "--speed"),
        help=f"recorded seconds per second, 1 to {MAX_SPEED:,} (default: {DEFAULT_SPEED:g})",
    )
    _add_runs_dir(replay)
    _add_drawing(replay)


def _add_rank(commands: Commands) -> None:
    rank = _add(commands, "rank", "rank the runs so far, best first")
    _add_runs_dir(rank)
    rank.add_exclusive(
        json="print a JSON array of all runs",
        csv="print CSV, one line per run",
        markdown="print a Markdown table",
    )
    rank.add_argument(
        "--filter",
        metavar="TEXT",
        type=partial(TEXT.read, "--filter"),
        help="only matching runs: words, model:vgg, dataset:digits, tag:x, acc>0.85, train<600",
    )
    rank.add_argument(
        "--sort",
        metavar="COLUMN",
        type=partial(TEXT.read, "--sort"),
        help="column to sort by, named as in --csv; prefix it with `-` to reverse the order",
    )
    rank.add_argument(
        "--time-to",
        metavar="SHARE[,SHARE...]",
        type=partial(read_shares, "--time-to"),
        help="show the seconds to reach these validation accuracies (default: 0.8,0.85)",
    )
    rank.add_argument(
        "--by-model", action="store_true", help="print one line per model: best, mean and deviation"
    )


def _add_runs(commands: Commands) -> None:
    runs = _add(commands, "runs", "list runs with their sizes on disk, or remove some")
    runs.add_argument("action", nargs="?", choices=("list", "delete", "prune"), default="list")
    runs.add_argument("runs", metavar="RUN", nargs="*", help=f"to delete: {_RUN_WORDS}")
    _add_runs_dir(runs)
    runs.add_argument(
        "--yes", action="store_true", help="do not ask; prune: remove what it would list"
    )
    runs.add_argument("--json", action="store_true", help="print a JSON object")


def _add_report(commands: Commands) -> None:
    report = _add(commands, "report", "answer the exercise's questions from the runs so far")
    _add_runs_dir(report)
    report.add_argument(
        "--output",
        metavar="FILE",
        type=partial(read_path, "--output"),
        help="file to write (default: standard output)",
    )
    report.add_argument(
        "--html", action="store_true", help="write an HTML page with charts, not Markdown"
    )


def _add_predict(commands: Commands) -> None:
    predict = _add(commands, "predict", "classify images with the model of a finished run")
    predict.add_argument("run", metavar="RUN", help=_RUN_WORDS)
    predict.add_argument(
        "images",
        metavar="IMAGE",
        nargs="+",
        type=partial(read_path, "IMAGE"),
        help="image file of any size and mode; its central square is used",
    )
    predict.add_argument(
        "--json", action="store_true", help="print a JSON array, one object per image"
    )
    _add_runs_dir(predict)


def _add_export(commands: Commands) -> None:
    export = _add(
        commands, "export", "export a finished run for other programs, and check the result"
    )
    export.add_argument("run", metavar="RUN", help=_RUN_WORDS)
    export.add_argument(
        "--format",
        metavar="|".join(format_names()),
        choices=format_names(),
        required=True,
        type=partial(Choice(format_names()).read, "--format"),
        help=formats_help(),
    )
    export.add_argument(
        "--output",
        metavar="PATH",
        required=True,
        type=partial(read_path, "--output"),
        help="file or folder to write",
    )
    export.add_argument("--force", action="store_true", help="replace an existing export")
    _add_runs_dir(export)


def _add_drawing(parser: argparse.ArgumentParser) -> None:
    # Suppressed: a command's default would override what was given before the command.
    parser.add_argument(
        "--ascii",
        action="store_true",
        default=argparse.SUPPRESS,
        help=f"draw with ASCII characters only, as under LANG=C or with {ASCII_VARIABLE}=1",
    )


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    _add_runs_dir(parser)
    _add_drawing(parser)
    parser.add_argument(
        "--plain", action="store_true", help="no screen: print progress line by line"
    )
    parser.add_argument(
        "--json", action="store_true", help="no screen: print every event as a line of JSON"
    )
    answers = get_args(OnHangup)
    parser.add_argument(
        "--on-hangup",
        metavar="|".join(answers),
        choices=answers,
        default=answers[0],
        type=partial(Choice(answers).read, "--on-hangup"),
        help="when the terminal closes or the connection drops: keep training, or stop with a "
        f"checkpoint (default: {answers[0]})",
    )


def _add_runs_dir(parser: argparse.ArgumentParser) -> None:
    # Suppressed as above: it may stand before the command; without one it is the launcher's.
    parser.add_argument(
        "--runs-dir",
        metavar="PATH",
        default=argparse.SUPPRESS,
        type=partial(read_path, "--runs-dir"),
        help=f"folder of the runs (default: ${RUNS_DIR_VARIABLE}, or else ./runs)",
    )
