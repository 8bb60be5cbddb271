"""Drawing for a slow link: less often, and without decoration."""

from __future__ import annotations

import os

VARIABLE = "CIFAR_TUI_SLOW_LINK"
CLASS = "-slow-link"
"""Class of the app, for style sheets: the screen behind a dialog is then not dimmed."""
SLOWER = 4
"""Factor of the time between drawings of what changes by itself; keys are answered as always."""


def is_slow() -> bool:
    """Tell whether the user said so, by option or environment."""
    return os.environ.get(VARIABLE, "") not in ("", "0")


def paced(seconds: float) -> float:
    """Return the time between two drawings that are `seconds` apart on a good link."""
    return seconds * SLOWER if is_slow() else seconds
