"""The screen shown on a terminal too small for any other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

MIN_WIDTH, MIN_HEIGHT = 60, 15


def too_small(size: Size, stack: Sequence[Screen[Any]] = ()) -> bool:
    """Return whether what is to be shown does not fit in `size` cells.

    Args:
        size: of the terminal.
        stack: the open screens, that on top last. A class that needs less than the others names its
            columns and rows as `SMALLEST`; a dialog needs what the screen below it needs.
    """
    width, height = _needed(stack)
    return size.width < width or size.height < height


def _needed(stack: Sequence[Screen[Any]]) -> tuple[int, int]:
    pages = [screen for screen in stack if not isinstance(screen, ModalScreen)]
    return getattr(pages[-1] if pages else None, "SMALLEST", (MIN_WIDTH, MIN_HEIGHT))


class TooSmallScreen(ModalScreen[None]):
    """A cover over everything until the terminal is large enough; the training continues."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "app.smaller_page", show=False)]
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
        fits = not too_small(self.app.size, self.app.screen_stack)
        if fits and self.is_current and not self._is_leaving:
            self._is_leaving = True
            self.dismiss()

    def _message(self) -> str:
        width, height = self.app.size
        columns, rows = _needed(self.app.screen_stack)
        return (
            f"terminal too small: at least {columns}×{rows}, found {width}×{height}\n"
            "enlarge it, or quit with ctrl+q"
        )
