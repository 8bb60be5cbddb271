"""What goes wrong in a way the person at the keyboard can put right."""

from __future__ import annotations


class InputError(Exception):
    """Bad input: one line that says what was expected, what was found and what to do.

    The command line prints it and exits with 2; inside a run it fails the run with this line.
    """


class PlatformError(ImportError):
    """The package was imported on a system that it does not work on; one line that says so."""


class OutputError(OSError):
    """Standard output takes nothing, as on a full disk: what was to be printed is lost."""
