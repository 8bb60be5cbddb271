"""The option table as command-line options, and the options that several commands share."""

from __future__ import annotations

import argparse
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal

from engine.config.kinds import Text, YesNo, unexpected
from engine.config.option_table import SETTINGS
from engine.config.options import Options

RUNS_DIR_VARIABLE = "CIFAR_TUI_RUNS"
OnHangup = Literal["continue", "checkpoint"]
"""What a training does when its terminal closes."""
TEXT = Text()
ALL = frozenset(setting.flag for setting in SETTINGS)


def add_settings(
    parser: argparse.ArgumentParser,
    flags: Collection[str] = ALL,
    defaults: Mapping[str, str] | None = None,
) -> None:
    """Add options of the table to a parser; an option that is not given is None.

    Args:
        parser: the parser of a command.
        flags: the flags of the options that it takes.
        defaults: the defaults as texts, by flag, where they differ from the table's.
    """
    for setting in SETTINGS:
        if setting.flag not in flags:
            continue
        default = (defaults or {}).get(setting.flag, setting.default)
        says = f"{setting.help} (default: {default})".replace("%", "%%")
        how: dict[str, Any] = {"metavar": setting.metavar, "type": setting.read}
        if isinstance(setting.kind, YesNo):
            how = {"action": argparse.BooleanOptionalAction}
        parser.add_argument(setting.flag, dest=setting.field, help=says, **how)


def chosen_options(arguments: argparse.Namespace) -> Options:
    """Return the options of a command; those not given keep their defaults."""
    given = {setting.field: getattr(arguments, setting.field, None) for setting in SETTINGS}
    return Options(**{field: value for field, value in given.items() if value is not None})


def read_path(flag: str, text: str) -> Path:
    """Return the path in a text.

    Raises:
        InputError: the text is no path.
    """
    return Path(TEXT.read(flag, text))


def read_shares(flag: str, text: str) -> tuple[float, ...]:
    """Return the comma-separated shares of a text, each above 0 and at most 1.

    Raises:
        InputError: a part is no such share, or one is given twice.
    """
    try:
        shares = tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise unexpected(flag, "numbers like 0.8,0.9", text) from error
    if not all(0 < share <= 1 for share in shares) or len({*shares}) < len(shares):
        raise unexpected(flag, "different shares of 0 to 1", text)
    return shares


def default_runs_dir() -> Path:
    """Return `$CIFAR_TUI_RUNS`, or else `runs` in the current folder."""
    return Path(os.environ.get(RUNS_DIR_VARIABLE) or "runs")
