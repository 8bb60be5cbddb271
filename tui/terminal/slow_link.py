"""Drawing for a slow link: less often, and nothing for looks alone."""

from __future__ import annotations

import os

VARIABLE = "CIFAR_TUI_SLOW_LINK"
CLASS = "-slow-link"
"""Of the app, for style sheets: behind a dialog the screen then stays as it is, not dimmed."""
SLOWER = 4
"""Times the pauses between drawings of what changes by itself; a key is answered as ever."""


def is_slow() -> bool:
    """Whether the person said so, by option or environment."""
    return os.environ.get(VARIABLE, "") not in ("", "0")


def paced(seconds: float) -> float:
    """The time between two drawings that are `seconds` apart on a good link."""
    return seconds * SLOWER if is_slow() else seconds
