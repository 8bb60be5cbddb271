"""What goes wrong in a way the person at the keyboard can put right."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path


class EngineError(Exception):
    """What the engine raises of its own; `except engine.EngineError` catches all of it."""


class InputError(EngineError):
    """Bad input: what was expected, what was found and what to do, each by itself.

    `str` makes one line of it, in the names of the Python API. A front end that has other names
    for the options, such as the flags of a command line, makes its own with `line`. The command
    line exits with 2; inside a run it fails the run with this line.

    Attributes:
        field: the option or argument it is about, as Python names it; empty for none.
        place: the file, folder or part of one it is about; empty for none.
        expected: what would have been right; another option in it stands in backticks.
        found: what was there instead.
        hint: what to do, with other options in backticks; may be empty.
    """

    def __init__(
        self,
        field: str | Path,
        expected: str,
        found: str,
        hint: str = "",
        place: str | Path = "",
    ) -> None:
        """Describe bad input; a path as `field` is the place, and no field is to blame."""
        super().__init__(field, expected, found, hint, place)
        if isinstance(field, Path):
            field, place = "", field
        self.field, self.place = field, str(place)
        self.expected, self.found, self.hint = expected, found, hint

    def __str__(self) -> str:
        return self.line()

    def line(self, name: Callable[[str], str] = str) -> str:
        """Return the error as `field: place: expected X, found Y; do Z`.

        Args:
            name: returns what to call an option, given its Python name; other words unchanged.
        """
        field = name(self.field) if self.field else ""
        start = "".join(f"{part}: " for part in (field, self.place) if part)
        end = f"; {self.hint}" if self.hint else ""
        return f"{start}{with_names(f'expected {self.expected}, found {self.found}{end}', name)}"

    def recorded(self) -> str:
        """Return the line for a record, with every option in backticks: any front end names it."""
        return self.line("`{}`".format)

    def within(self, place: str | Path, field: str = "") -> InputError:
        """Return the same error in a wider place, and about `field` if it names none itself."""
        inner = ": ".join(filter(None, (str(place), self.place)))
        return InputError(self.field or field, self.expected, self.found, self.hint, inner)

    def about(self, field: str) -> InputError:
        """Return the same error about another argument: a command may call an option its own."""
        return InputError(field, self.expected, self.found, self.hint, self.place)


def with_names(text: str, name: Callable[[str], str]) -> str:
    """Return a text in which each option in backticks is called what `name` returns for it.

    A word that `name` returns unchanged keeps its backticks.
    """

    def called(match: re.Match[str]) -> str:
        known = name(match[1])
        return match[0] if known == match[1] else known

    return re.sub(r"`([a-z][a-z_]*)`", called, text)


class PlatformError(ImportError):
    """The package was imported on a system that it does not work on; one line that says so."""


class RunError(EngineError):
    """A run that failed, with what its record says of the reason.

    Attributes:
        message: the reason in one line, without the run's name.
        path: the run's folder; None where none was made.
    """

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__(message, path)
        self.message, self.path = message, path

    def __str__(self) -> str:
        return f"{self.path.name}: {self.message}" if self.path else self.message


class OutputError(OSError):
    """Standard output takes nothing, as on a full disk: what was to be printed is lost."""
