"""Where what a person chose is kept: recipes of their own, and what screens remember."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "CIFAR_TUI_CONFIG"


def config_folder() -> Path:
    """The folder; it need not exist. `CIFAR_TUI_CONFIG` names another than the user's own."""
    if named := os.environ.get(VARIABLE):
        return Path(os.path.expanduser(named))
    import platformdirs

    return platformdirs.user_config_path("cifar-tui")
