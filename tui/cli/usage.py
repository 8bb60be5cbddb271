"""The errors of a wrong command line: one line each, with what was probably meant."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from engine.errors import InputError
from tui.cli.old_names import with_new_names

NEAR = 0.6
"""How similar two words must be, 0 to 1, for one to count as a misspelling of the other."""


class OneLineParser(argparse.ArgumentParser):
    """A parser that reports an error in one line, like all other bad input."""

    old_names: Mapping[str, str] = {}
    """A row of `tui.cli.old_names.OLD_NAMES`."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Read a command line as argparse does, with old names and values that begin with `-`."""
        given, lines = with_new_names(sys.argv[1:] if args is None else args, self.old_names)
        for line in lines:
            print(f"cifar-tui: {line}", file=sys.stderr)
        return super().parse_known_args(self._with_values_joined(given), namespace)

    def _with_values_joined(self, words: Iterable[str]) -> list[str]:
        """Write `--epochs -1,2` as `--epochs=-1,2`.

        Argparse would take the value for an option, and report a missing value; joined like this,
        the number itself gets rejected.
        """
        takers = {flag for flag in self.flags() if self.values_of(flag)}
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
        text = message.removeprefix("argument ")
        text = text.replace("ignored explicit argument", "expected no value, found")
        text = text.replace("the following arguments are required:", "expected")
        raise InputError(f"{text}; {self._help}")

    @property
    def _help(self) -> str:
        return f"see `{self.prog} --help`"

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Make argparse's own check, with another message."""
        if action.choices is None or value in action.choices:
            return
        is_command = isinstance(action, argparse._SubParsersAction)
        expected = "a command" if is_command else " or ".join(map(str, action.choices))
        hint = did_you_mean(str(value), action.choices)
        raise InputError(f"expected {expected}, found {str(value)[:60]!r}; {hint}{self._help}")

    def flags(self) -> list[str]:
        """Return the flags of all options of this parser."""
        return list(self._option_string_actions)

    def values_of(self, flag: str) -> int:
        """Return how many arguments follow an option of this parser."""
        return 0 if self._option_string_actions[flag].nargs == 0 else 1


class CommandLineParser(OneLineParser):
    """The parser of the whole command line, which knows what its commands take."""

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
        if left:
            self._reject(left, parsed.command)
        return parsed

    @property
    def commands(self) -> dict[str, OneLineParser]:
        """The parser of each command."""
        (action,) = (a for a in self._actions if isinstance(a, argparse._SubParsersAction))
        return dict(action.choices)

    def _check_beginning(self, given: Sequence[str]) -> None:
        """Reject options before the command that belong after one.

        Argparse would take their values for the command.
        """
        place = 0
        while place < len(given) and given[place].startswith("-") and given[place] != "--":
            flag, has_value, _ = given[place].partition("=")
            if flag not in self.flags():
                self._reject_early(flag, given[place + 1 :])
            place += 1 if has_value else 1 + self.values_of(flag)

    def _reject_early(self, flag: str, rest: Sequence[str]) -> NoReturn:
        command = next((word for word in rest if word in self.commands), "")
        takers = self._takers(flag)
        if takers and (command in takers or not command):
            where = "before it" if command else "without one"
            help_of = f"see `{self.prog} {command or takers[0]} --help`"
            raise InputError(f"{flag}: expected after a command, found {where}; {help_of}")
        if command:
            self._reject([flag], command)
        hint = did_you_mean(flag, [*self.flags(), *self.commands["train"].flags()])
        raise InputError(f"expected an option or a command, found {flag!r}; {hint}{self._help}")

    def _reject(self, left: Sequence[str], command: str | None) -> NoReturn:
        """Raise InputError for arguments that nothing takes."""
        parser = self.commands.get(command or "", self)
        left = [word for word in left if word != "--"] or left
        found = next((word for word in left if word.startswith("-")), left[0])
        flag = found.partition("=")[0]
        if not found.startswith("-"):
            raise InputError(f"expected nothing more, found {found[:60]!r}; {parser._help}")
        if flag in self.flags():
            raise InputError(f"{flag}: expected before {command}, found after it; {self._help}")
        hint = did_you_mean(flag, parser.flags())
        if not hint and (takers := self._takers(flag)):
            hint = f"{' and '.join(takers[:2])} {'takes' if len(takers) == 1 else 'take'} it; "
        raise InputError(
            f"expected an option of {parser.prog}, found {flag[:60]!r}; {hint}{parser._help}"
        )

    def _takers(self, flag: str) -> list[str]:
        """Return the commands that take an option."""
        return [name for name, parser in self.commands.items() if flag in parser.flags()]


def did_you_mean(found: str, known: Iterable[Any]) -> str:
    """Return `did you mean train? ` if a known word is similar, else nothing."""
    import difflib  # only rejected input needs it

    # The dashes that all options share do not make them similar.
    by_name = {str(word).lstrip("-").lower(): word for word in known}
    near = difflib.get_close_matches(found.lstrip("-").lower(), by_name, n=1, cutoff=NEAR)
    return f"did you mean {by_name[near[0]]}? " if near else ""
