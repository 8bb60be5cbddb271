"""The errors of a wrong command line: one line each, with what was probably meant."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from engine.common.text import did_you_mean
from engine.errors import InputError
from tui.cli.old_names import with_new_names
from tui.cli.streams import note

_MESSAGES = {
    "expected ": ("{}", "none"),
    "ignored explicit argument ": ("no value", "{}"),
    "not allowed with argument ": ("no {} beside it", "both"),
}
"""How argparse begins to say what is wrong, and what of it was expected and what was found."""


class OneLineParser(argparse.ArgumentParser):
    """A parser that reports an error in one line, like all other bad input."""

    old_names: Mapping[str, str] = {}
    """A row of `tui.cli.old_names.OLD_NAMES`."""

    def __init__(self, **how: Any) -> None:
        self.arguments: list[argparse.Action] = []
        self.exclusive: list[argparse.Action] = []
        """Those of them of which only one may be given."""
        super().__init__(**how)

    def add_argument(self, *names: str, **how: Any) -> argparse.Action:
        """Add an argument as argparse does, which does not tell later what was added."""
        if (words := how.get("choices")) and "type" not in how:
            flag = names[0] if names[0].startswith("-") else ""
            how["type"] = lambda text: self._one_of(flag, text, words)
        self.arguments.append(super().add_argument(*names, **how))
        return self.arguments[-1]

    def _one_of(self, flag: str, text: str, words: Sequence[str]) -> str:
        if text not in words:
            hint = f"{did_you_mean(text, words)}{self.hint}"
            raise InputError(flag, " or ".join(words), repr(text[:60]), hint)
        return text

    def add_exclusive(self, **helps: str) -> None:
        """Add options, by name with their help, of which only one may be given."""
        group = self.add_mutually_exclusive_group()
        for name, says in helps.items():
            self.exclusive.append(group.add_argument(f"--{name}", action="store_true", help=says))
        self.arguments += self.exclusive

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Read a command line as argparse does, with old names and values that begin with `-`."""
        given, lines = with_new_names(sys.argv[1:] if args is None else args, self.old_names)
        for line in lines:
            note(line, as_json="--json" in given)
        return super().parse_known_args(self._with_values_joined(given), namespace)

    def _with_values_joined(self, words: Iterable[str]) -> list[str]:
        """Write `--epochs -1,2` as `--epochs=-1,2`.

        Argparse would take the value for an option, and report a missing value; joined like this,
        the number itself gets rejected.
        """
        takers = {flag for flag, has_value in self.flags().items() if has_value}
        joined: list[str] = []
        for word in words:
            is_value = word.startswith("-") and not word.startswith("--") and word != "-h"
            if is_value and joined and joined[-1] in takers:
                joined[-1] += "=" + word
            else:
                joined.append(word)
        return joined

    def error(self, message: str) -> NoReturn:
        """Raise InputError instead of printing the usage."""
        argument, _, said = message.partition(": ")
        for begin, (expected, found) in _MESSAGES.items():
            if said.startswith(begin):
                rest, field = said.removeprefix(begin), argument.removeprefix("argument ")
                raise InputError(field, expected.format(rest), found.format(rest), self.hint)
        raise InputError("", said, "nothing", self.hint)  # of arguments that are required

    @property
    def hint(self) -> str:
        """Where the help is."""
        return f"see `{self.prog} --help`"

    def flags(self) -> dict[str, bool]:
        """Return the flags of all options of this parser, and whether a value follows each."""
        return {
            flag: argument.nargs != 0
            for argument in self.arguments
            for flag in argument.option_strings
        }


class CommandLineParser(OneLineParser):
    """The parser of the whole command line, which knows what its commands take."""

    commands: Mapping[str, OneLineParser] = {}
    """The parser of each command."""

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """Read a command line.

        Raises:
            InputError: it is invalid; the message says what was probably meant.
        """
        given = list(sys.argv[1:] if args is None else args)
        self._check_beginning(given)
        parsed, left = self.parse_known_args(given, namespace)
        parser = self.commands.get(parsed.command, self)
        for word in sorted(left, key=lambda word: not word.startswith("-")):
            if word.startswith("-") and word != "--":
                raise self._unknown(word.partition("=")[0], parser, given)
            if word != "--":
                raise InputError("", "nothing more", repr(word[:60]), parser.hint)
        return parsed

    def _check_beginning(self, given: Sequence[str]) -> None:
        """Reject what is no command, and options before it that belong after one.

        Argparse would take their values for the command.
        """
        place, flags = 0, self.flags()
        while place < len(given) and given[place].startswith("-") and given[place] != "--":
            flag, has_value, _ = given[place].partition("=")
            if flag in ("-h", "--help", "--version"):
                return  # what follows is not read
            if flag not in flags:
                raise self._unknown(flag, self, given)
            place += 1 if has_value else 1 + flags[flag]
        if place < len(given) and (word := given[place]) not in (*self.commands, "--"):
            hint = f"{did_you_mean(word, self.commands)}{self.hint}"
            raise InputError("", "a command", repr(word[:60]), hint)

    def _unknown(self, flag: str, parser: OneLineParser, given: Sequence[str]) -> InputError:
        """Return the error about an option where none of its name is taken."""
        takers = [name for name, command in self.commands.items() if flag in command.flags()]
        if flag in self.flags():
            hint = "it belongs before the command; "
        elif takers:
            taker = next((word for word in given if word in takers), takers[0])
            hint = f"{taker} takes it, after its name; "
        else:
            known = self.commands["train"].flags() if parser is self else {}
            hint = did_you_mean(flag, parser.flags() | known)
        return InputError("", f"an option of {parser.prog}", repr(flag[:60]), hint + parser.hint)
