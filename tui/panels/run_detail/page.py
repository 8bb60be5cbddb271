"""A page of the run panel: it draws a run, and the panel's keys move it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pkgutil import resolve_name
from typing import Any

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from tui.panels.run_detail.material import Material, Outcome
from tui.settings.run_pages import RunPage

Write = Callable[[Material], Content]
Further = Callable[[Material, Outcome, int, int], tuple[int, int] | None]
_SIDEWAYS = 8
"""Cells of a sideways step."""


class RunView(Container):
    """A page of a run; it overrides only the methods of the keys that it supports."""

    def show(self, material: Material) -> None:
        """Draw a run as far as it has been read."""
        raise NotImplementedError

    def start(self) -> None:
        """Return to the start of the page."""

    def move(self, down: int, right: int) -> None:
        """Move by a number of lines and of sideways steps."""

    def toggle(self) -> None:
        """Open or close the group under the cursor."""


class TextPage(RunView):
    """A text that scrolls if it is longer than the page; sentences wrap, tables fit the width."""

    DEFAULT_CSS = """
    TextPage {
        overflow: hidden auto;
    }
    """

    def __init__(self, write: Write, **names: Any) -> None:
        """Create a page whose text a function writes; other arguments are a widget's."""
        super().__init__(**names)
        self._write = write

    def compose(self) -> ComposeResult:
        yield Static(classes="run-text")

    def show(self, material: Material) -> None:
        self.query_one(".run-text", Static).update(self._write(material))

    def start(self) -> None:
        self.scroll_home(animate=False)

    def move(self, down: int, right: int) -> None:
        self.scroll_relative(x=right * _SIDEWAYS, y=down, animate=False)


class PartPage(TextPage):
    """A text of the predictions of which a part is shown, if not all of it fits.

    Args:
        write: writes the text from `material.corner` on.
        further: returns the corner of the part some steps down and to the right; None for none.
    """

    def __init__(
        self, write: Callable[[Material, Outcome], Content], further: Further, **names: Any
    ) -> None:
        super().__init__(when_tested(write), **names)
        self._further = further
        self._corner = (0, 0)
        self._material: Material | None = None

    def show(self, material: Material) -> None:
        self._material = replace(material, corner=self._corner)
        super().show(self._material)

    def start(self) -> None:
        self._corner = (0, 0)
        super().start()

    def move(self, down: int, right: int) -> None:
        """Show the part that is further, or scroll."""
        material, to = self._material, None
        if material is not None and isinstance(material.tested, Outcome):
            to = self._further(material, material.tested, down, right)
        if material is None or to is None:
            super().move(down, right)
        else:
            self._corner = to
            self.show(material)


def when_tested(write: Callable[[Material, Outcome], Content]) -> Write:
    """Return a page's function that draws predictions, or else says why there are none."""

    def text(material: Material) -> Content:
        if isinstance(material.tested, Outcome):
            return write(material, material.tested)
        if material.tested is None:
            return Content.styled("reading the predictions…", "$muted")
        return Content.styled(material.tested, "$warning")

    return text


def view_of(page: RunPage) -> RunView:
    """Create the widget that draws a page."""
    names = {"id": f"run-{page.name}-page", "classes": "run-page"}
    made = resolve_name(page.view)
    if isinstance(made, (type, partial)):
        view: RunView = made(**names)
        return view
    return TextPage(made if page.reads == "record" else when_tested(made), **names)
