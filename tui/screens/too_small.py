"""The screen shown on a terminal too small for any other."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.geometry import Size
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

MIN_WIDTH, MIN_HEIGHT = 60, 15


def too_small(size: Size, screen: Screen[Any] | None = None) -> bool:
    """Return whether a screen does not fit in `size` cells.

    Args:
        size: of the terminal.
        screen: the one to be shown; a class that needs less than the others names its columns and
            rows as `SMALLEST`.
    """
    width, height = getattr(screen, "SMALLEST", (MIN_WIDTH, MIN_HEIGHT))
    return size.width < width or size.height < height


class TooSmallScreen(ModalScreen[None]):
    """A cover over everything until the terminal is large enough; the training continues."""

    _is_leaving = False

    def compose(self) -> ComposeResult:
        yield Static(self._message(), markup=False)

    def on_resize(self, event: events.Resize) -> None:
        self.query_one(Static).update(self._message())
        self._leave_if_possible()

    def on_screen_resume(self) -> None:
        self._leave_if_possible()

    def _leave_if_possible(self) -> None:
        # Several resizes may arrive before the screen closes: a second dismissal would be an error.
        below = self.app.screen_stack[-2] if len(self.app.screen_stack) > 1 else None
        if not too_small(self.app.size, below) and self.is_current and not self._is_leaving:
            self._is_leaving = True
            self.dismiss()

    def _message(self) -> str:
        width, height = self.app.size
        return (
            f"terminal too small: at least {MIN_WIDTH}×{MIN_HEIGHT}, found {width}×{height}\n"
            "enlarge it, or leave with ctrl+q"
        )
