"""The parser of the whole command line, built from the table of options."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from typing import Any, NoReturn

from engine.errors import InputError
from tui.cli.options import RUNS_DIR_VARIABLE, TRAIN_OPTIONS, parse_path


class OneLineParser(argparse.ArgumentParser):
    """Says what is wrong in one line, as all other bad input is said."""

    def error(self, message: str) -> NoReturn:
        """Raise InputError instead of printing the usage."""
        text = message.removeprefix("argument ")
        text = text.replace("the following arguments are required:", "expected")
        raise InputError(f"{text}; `{self.prog} --help` shows what there is")


class _PrintVersion(argparse.Action):
    """Looks the version up only when asked: `importlib.metadata` is slow to import."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"cifar-tui {version('cifar-tui')}")
        except PackageNotFoundError:
            print("cifar-tui, not installed: run from its source tree")
        parser.exit()


def build_parser() -> OneLineParser:
    """The parser of the whole command; `command` is None where none was given."""
    parser = OneLineParser(
        prog="cifar-tui",
        description="Fine-tune pretrained image classifiers on CIFAR-10, watch them train, rank "
        "them. Without a command it opens the launcher.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_PrintVersion, nargs=0, help="print it and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _add_train(commands)
    demo = _add(commands, "demo", "train two models on the built-in digits; nothing to download")
    _add_outputs(demo)
    models = _add(commands, "models", "list the catalogue of models")
    models.add_argument("--json", action="store_true", help="print a JSON array")
    _add_rank(commands)
    return parser


Commands = Any
"""What `add_subparsers` gives; argparse keeps its type private."""


def _add(commands: Commands, name: str, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=summary.capitalize() + ".", allow_abbrev=False
    )
    return parser


def _add_train(commands: Commands) -> None:
    train = _add(commands, "train", "train models one after the other and rank them")
    train.add_argument("models", metavar="MODEL", nargs="+", help="`cifar-tui models` lists them")
    for option in TRAIN_OPTIONS:
        train.add_argument(
            option.flag,
            dest=option.field,
            metavar=option.metavar,
            type=partial(option.parse, option.flag),
            help=f"{option.help} (default: {option.default})".replace("%", "%%"),
        )
    _add_outputs(train)


def _add_rank(commands: Commands) -> None:
    rank = _add(commands, "rank", "rank the runs so far, best first")
    _add_runs_dir(rank)
    forms = rank.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="an array with every run")
    forms.add_argument("--csv", action="store_true", help="a line a run")
    forms.add_argument("--markdown", action="store_true", help="a table for a README")


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    _add_runs_dir(parser)
    parser.add_argument("--plain", action="store_true", help="no screen: progress a line at a time")
    parser.add_argument(
        "--json", action="store_true", help="no screen: every event as a line of JSON"
    )


def _add_runs_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--runs-dir",
        metavar="PATH",
        type=partial(parse_path, "--runs-dir"),
        help=f"folder of the runs (default: runs here, or ${RUNS_DIR_VARIABLE})",
    )


def join_values(arguments: Sequence[str]) -> list[str]:
    """Write `--epochs -1,2` as `--epochs=-1,2`.

    Argparse would take the value for an option, and say that there is none; so joined, the number
    itself is what gets refused.
    """
    flags = {option.flag for option in TRAIN_OPTIONS} | {"--runs-dir"}
    joined: list[str] = []
    for argument in arguments:
        is_value = argument.startswith("-") and not argument.startswith("--") and argument != "-h"
        if is_value and joined and joined[-1] in flags:
            joined[-1] += "=" + argument
        else:
            joined.append(argument)
    return joined
