"""The examples in the pages for contributors: what a test runs is what the page shows."""

from __future__ import annotations

import importlib
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "contributing"
_BLOCK = re.compile(r"^```python\n# (\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """A page of docs/contributing, whose blocks of code begin with the name of their module."""

    name: str

    def block(self, module: str) -> str:
        """Return the only block of this module, without its first line."""
        text = (FOLDER / self.name).read_text(encoding="utf-8")
        (found,) = [code for named, code in _BLOCK.findall(text) if named == module]
        return str(found)

    def row(self, module: str, *more: ModuleType) -> Any:
        """Evaluate the block of this module as a row of a table.

        Args:
            module: whose names it may use.
            more: others whose names it may use.
        """
        modules = (importlib.import_module(module), *more)
        names = {name: value for each in modules for name, value in vars(each).items()}
        return eval(self.block(module), names)

    def add_module(self, module: str, patch: pytest.MonkeyPatch) -> ModuleType:
        """Create the module in a block, as if there were a file for it."""
        made = ModuleType(module)
        patch.setitem(sys.modules, module, made)
        exec(compile(self.block(module), f"{self.name}: {module}", "exec"), vars(made))
        return made
