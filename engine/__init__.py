"""The training engine of cifar-tui: trains, records and ranks; knows nothing of any front end."""

from __future__ import annotations

import sys

from engine.errors import PlatformError

if sys.platform == "win32":
    # Before an import of what Windows lacks, such as fcntl, fails without saying why.
    raise PlatformError(
        "expected Linux, macOS or WSL, found Windows; install WSL with `wsl --install`, and "
        "cifar-tui inside it"
    )
