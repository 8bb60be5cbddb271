"""`cifar-tui completion`: print a shell completion script, generated from the parser."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from engine.config.dataset_names import known_names
from engine.config.recipe_store import recipe_names

SHELLS = ("bash", "zsh", "fish")
_ALTERNATIVES = re.compile(r"[a-z0-9_-]+(\|[a-z0-9_-]+)+")
_OF_RUNS = re.compile(r"\bRUN\b")
_RUN_ID = "[A-Za-z0-9][A-Za-z0-9._-]*"
"""The names of run directories. Shells expand the words that they complete, so a directory of any
other name, such as `$(rm -r x)`, must not be among them."""
_ONLY_IDS = f'2>/dev/null | env LC_ALL=C grep -Ex "{_RUN_ID}"'
_LIST_RUNS = f'command ls -1 -- "${{CIFAR_TUI_RUNS:-runs}}" {_ONLY_IDS}'
_FISH_FOLDER = '(set -q CIFAR_TUI_RUNS; and echo "$CIFAR_TUI_RUNS"; or echo runs)'
_FISH_LISTS_RUNS = f"(command ls -1 -- {_FISH_FOLDER} {_ONLY_IDS})"


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a command."""

    flags: tuple[str, ...]
    words: tuple[str, ...]
    """Its values, where they are a fixed set of words."""
    takes_value: bool
    help: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command and the arguments that it takes."""

    name: str
    help: str
    options: tuple[Option, ...]
    words: tuple[str, ...]
    """Its positional arguments, where they are a fixed set of words."""
    takes_runs: bool


def run(arguments: argparse.Namespace) -> int:
    """Print the completion script for a shell."""
    from tui.cli.parser import build_parser

    script = fish_script if arguments.shell == "fish" else bash_script
    sys.stdout.write(script(commands_of(build_parser()), zsh=arguments.shell == "zsh"))
    return 0


def commands_of(parser: argparse.ArgumentParser) -> list[Command]:
    """Return the commands that a parser knows, with their options and help texts."""
    (subparsers,) = (
        action for action in parser._actions if isinstance(action, argparse._SubParsersAction)
    )
    summaries = {action.dest: action.help or "" for action in subparsers._choices_actions}
    return [
        _command(name, summaries.get(name, ""), subparser)
        for name, subparser in subparsers.choices.items()
    ]


def _command(name: str, summary: str, parser: argparse.ArgumentParser) -> Command:
    options, words, takes_runs = [], list[str](), False
    for action in parser._actions:
        if action.option_strings:
            flags = tuple(flag for flag in action.option_strings if flag.startswith("--"))
            help_text = (action.help or "").replace("%%", "%")
            options.append(Option(flags, _words(action), action.nargs != 0, help_text))
        else:
            words += _words(action)
            takes_runs |= bool(_OF_RUNS.search(str(action.metavar)))
    return Command(name, summary, tuple(options), tuple(words), takes_runs)


def _words(action: argparse.Action) -> tuple[str, ...]:
    metavar = str(action.metavar or "")
    if action.choices is not None:
        return tuple(map(str, action.choices))
    if metavar == "MODEL":
        from engine.backbones.catalogue import CATALOGUE

        return tuple(entry.name for entry in CATALOGUE)
    if action.dest == "dataset":
        return known_names()
    if metavar.startswith("NAME|FILE") or action.dest == "name":
        return recipe_names()
    return tuple(metavar.split("|")) if _ALTERNATIVES.fullmatch(metavar) else ()


def bash_script(commands: list[Command], *, zsh: bool = False) -> str:
    """Return the script for bash; zsh loads the same one through its own `bashcompinit`."""
    names = " ".join(command.name for command in commands)
    return "\n".join(
        [
            *(["autoload -U +X compinit bashcompinit && compinit && bashcompinit"] if zsh else []),
            "_cifar_tui() {",
            '    local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"',
            '    local command="" word words=""',
            '    for word in "${COMP_WORDS[@]:1:$((COMP_CWORD - 1))}"; do',
            '        case "$word" in -*) ;; *) command="$word"; break ;; esac',
            "    done",
            '    case "$command $before" in',
            *_cases(commands),
            f'        " "*) words="{names} --help --version" ;;',
            "    esac",
            '    COMPREPLY=($(compgen -W "$words" -- "$current"))',
            "}",
            "complete -o default -F _cifar_tui cifar-tui",
            "",
        ]
    )


def _cases(commands: list[Command]) -> Iterator[str]:
    for command in commands:
        for option in command.options:
            if option.takes_value:
                patterns = "|".join(f'"{command.name} {flag}"' for flag in option.flags)
                yield f'        {patterns}) words="{" ".join(option.words)}" ;;'
        flags = [flag for option in command.options for flag in option.flags]
        runs = f" $({_LIST_RUNS})" if command.takes_runs else ""
        yield f'        "{command.name} "*) words="{" ".join([*command.words, *flags])}{runs}" ;;'


def fish_script(commands: list[Command], *, zsh: bool = False) -> str:
    """Return the script for fish, which shows the help of each option beside it."""
    lines = []
    for command in commands:
        summary = shlex.quote(command.help)
        lines.append(
            f"complete -c cifar-tui -n __fish_use_subcommand -a {command.name} -d {summary}"
        )
        seen = f"complete -c cifar-tui -n '__fish_seen_subcommand_from {command.name}'"
        for option in command.options:
            long = " ".join(f"-l {flag.removeprefix('--')}" for flag in option.flags)
            values = f" -x -a {shlex.quote(' '.join(option.words))}" if option.words else ""
            needs = " -r" if option.takes_value and not option.words else ""
            lines.append(f"{seen} {long}{values}{needs} -d {shlex.quote(option.help)}")
        if command.words:
            lines.append(f"{seen} -a {shlex.quote(' '.join(command.words))}")
        if command.takes_runs:
            lines.append(f"{seen} -a {shlex.quote(_FISH_LISTS_RUNS)}")
    return "\n".join(lines) + "\n"
