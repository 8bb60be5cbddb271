"""Textual's driver of a Unix terminal, which writes only what changes on it."""

from __future__ import annotations

from typing import Any

from textual.drivers.linux_driver import LinuxDriver

from tui.ascii_marks import to_ascii
from tui.changed_cells import ChangedCells
from tui.terminal import current


class SparingDriver(LinuxDriver):
    """Writes the cells that changed, and all of them once nobody knows what the screen shows."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._cells = ChangedCells()
        self._is_ascii = current().is_ascii

    def write(self, data: str) -> None:
        """Write what of `data` changes the screen."""
        if written := self._cells.reduced(data):
            super().write(to_ascii(written) if self._is_ascii else written)

    def forget_screen(self) -> None:
        """Write all of the next update."""
        self._cells.forget()
