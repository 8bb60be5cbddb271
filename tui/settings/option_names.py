"""What the command line and the launcher call an option that the engine names as Python does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from engine.config.settings import SETTINGS
from engine.errors import InputError, with_names

_OF_COMMANDS = ("runs_dir", "output", "force", "sort", "filter", "save", "by")
_FLAGS = {setting.field: setting.flag for setting in SETTINGS} | {
    field: f"--{field.replace('_', '-')}" for field in _OF_COMMANDS
}


def as_flag(field: str) -> str:
    """Return the flag of an option, `--image-size` for `image_size`; other words unchanged."""
    return _FLAGS.get(field, field)


def as_field(flag: str) -> str:
    """Return the Python name of an option, `image_size` for `--image-size`; else the word."""
    if not flag.startswith("--"):
        return flag
    known = next((field for field, each in _FLAGS.items() if each == flag), None)
    return known or flag.removeprefix("--").replace("-", "_")


def as_label(field: str) -> str:
    """Return the label of an option, `image size` for `image_size`; other words unchanged."""
    return as_flag(field).removeprefix("--").replace("-", " ") if field in _FLAGS else field


def in_flags(text: str) -> str:
    """Return an engine's line with flags for the options that it names in backticks."""
    return with_names(text, as_flag)


@contextmanager
def named(argument: str) -> Iterator[None]:
    """Say that errors are about this argument, whatever option of a training the engine names."""
    try:
        yield
    except InputError as error:
        raise error.about(argument) from error
