"""The training engine of cifar-tui: trains, records and ranks; knows nothing of any front end.

The names below are its public API; docs/reference/python-api.md describes them. Each is loaded when
it is first asked for, so that importing the package loads nothing.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from engine.errors import PlatformError

if sys.platform == "win32":
    # Before an import of what Windows lacks, such as fcntl, fails without saying why.
    raise PlatformError(
        "expected Linux, macOS or WSL, found Windows; install WSL with `wsl --install`, and "
        "cifar-tui inside it"
    )

if TYPE_CHECKING:
    from engine.api.combining import ensemble
    from engine.api.prediction import Classifier, load
    from engine.api.results import Run, open_run, rank
    from engine.api.training import resume, train
    from engine.config.stage import Unfreeze
    from engine.errors import EngineError, InputError, RunError
    from engine.tools.predict import Prediction

__all__ = [
    "Classifier",
    "EngineError",
    "InputError",
    "Prediction",
    "Run",
    "RunError",
    "Unfreeze",
    "ensemble",
    "load",
    "open_run",
    "rank",
    "resume",
    "train",
]

_HOMES = {
    "Classifier": "api.prediction",
    "EngineError": "errors",
    "InputError": "errors",
    "Prediction": "tools.predict",
    "Run": "api.results",
    "RunError": "errors",
    "Unfreeze": "config.stage",
    "ensemble": "api.combining",
    "load": "api.prediction",
    "open_run": "api.results",
    "rank": "api.results",
    "resume": "api.training",
    "train": "api.training",
}
"""The module of each. None may be called as a sub-package is: importing that would replace it."""

if not TYPE_CHECKING:  # to a type checker each name is what it is, and any other an error

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
