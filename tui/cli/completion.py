"""`cifar-tui completion`: print a shell completion script, generated from the parser by shtab."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from engine.backbones.catalogue import CATALOGUE
from engine.config.dataset_names import known_names
from engine.config.recipe_store import recipe_names

PATHS = ("FILE", "FILE.toml", "IMAGE", "PATH")
"""What stands in a usage for a path."""
_RUN_ID = "[A-Za-z0-9][A-Za-z0-9._-]*"
"""The names of run directories. Shells expand the words that they complete, so a directory of any
other name, such as `$(rm -r x)`, must not be among them."""
_ONLY_IDS = f'2>/dev/null | env LC_ALL=C grep -Ex "{_RUN_ID}"'
_LIST_RUNS = f'command ls -1 -- "${{CIFAR_TUI_RUNS:-runs}}" {_ONLY_IDS}'
_FISH_FOLDER = '(set -q CIFAR_TUI_RUNS; and echo "$CIFAR_TUI_RUNS"; or echo runs)'
RUNS = {
    "bash": "_cifar_tui_runs",
    "zsh": "_cifar_tui_runs",
    "fish": "(_cifar_tui_runs)",
    "preamble": {
        "bash": f'_cifar_tui_runs() {{ compgen -W "$({_LIST_RUNS})" -- "$1"; }}',
        "zsh": f'_cifar_tui_runs() {{ compadd -- ${{(f)"$({_LIST_RUNS})"}}; }}',
        "fish": f"function _cifar_tui_runs; command ls -1 -- {_FISH_FOLDER} {_ONLY_IDS}; end",
    },
}
"""What completes the name of a run, by shell."""


def run(arguments: argparse.Namespace) -> int:
    """Print the completion script for a shell."""
    import shtab

    from tui.cli.parser import build_parser

    parser = build_parser()
    for command in parser.commands.values():
        for argument in command.arguments:
            _tell(argument)
    sys.stdout.write(shtab.complete(parser, shell=arguments.shell) + "\n")
    return 0


def _tell(argument: Any) -> None:
    """Tell shtab what completes an argument, where its own choices do not say it."""
    import shtab

    if argument.metavar:
        argument.metavar = argument.metavar.replace(":", r"\:")  # as zsh separates by colons
    if argument.metavar == "MODEL":
        argument.choices = [entry.name for entry in CATALOGUE]
    elif argument.metavar == "RUN":
        argument.complete = RUNS
    elif argument.dest == "dataset":
        argument.complete = _words_or_files("datasets", known_names())
    elif argument.dest in ("recipe", "name"):
        argument.complete = _words_or_files("recipes", recipe_names())
    elif argument.metavar in PATHS:
        argument.complete = shtab.FILE


def _words_or_files(name: str, words: Sequence[str]) -> dict[str, Any]:
    """Return what completes one of these words, none of which a shell expands, or a file."""
    function, listed = f"_cifar_tui_{name}_or_files", " ".join(words)
    return {
        "bash": function,
        "zsh": function,
        "fish": f"{listed} (__fish_complete_path (commandline -ct))",
        "preamble": {
            "bash": f'{function}() {{ compgen -W "{listed}" -- "$1"; compgen -f -- "$1"; }}',
            "zsh": f"{function}() {{ compadd -- {listed}; _files; }}",
        },
    }
