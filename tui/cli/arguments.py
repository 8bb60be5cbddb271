"""The option table as command-line options, and the options that several commands share."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any, Literal

from engine.config.kinds import Choice, Listed, Number, Text, YesNo
from engine.config.recipe import default_text
from engine.config.settings import SETTINGS, Options, Setting

RUNS_DIR_VARIABLE = "CIFAR_TUI_RUNS"
OnHangup = Literal["continue", "checkpoint"]
"""What a training does when its terminal closes."""
TEXT = Text()
SHARES = Listed(Number("shares above 0, at most 1", 0, 1, excluded=(0,)), "0.8,0.85")


def add_setting(parser: argparse.ArgumentParser, setting: Setting) -> None:
    """Add an option of the table to a parser; where it is not given it is None."""
    says = f"{setting.help} (default: {default_text(setting)})".replace("%", "%%")
    how: dict[str, Any] = {"metavar": setting.metavar, "type": setting.read}
    if isinstance(setting.kind, YesNo):
        how = {"action": argparse.BooleanOptionalAction}
    elif isinstance(setting.kind, Choice):
        how["choices"] = setting.kind.words  # the reader has checked it; for who asks what there is
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


def default_runs_dir() -> Path:
    """Return `$CIFAR_TUI_RUNS`, or else `runs` in the current folder."""
    return Path(os.environ.get(RUNS_DIR_VARIABLE) or "runs")
