"""What goes wrong in a way the person at the keyboard can put right."""

from __future__ import annotations

from pathlib import Path


class EngineError(Exception):
    """What the engine raises of its own; `except engine.EngineError` catches all of it."""


class InputError(EngineError):
    """Bad input: one line that says what was expected, what was found and what to do.

    The command line prints it and exits with 2; inside a run it fails the run with this line.
    """


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
