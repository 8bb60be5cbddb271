"""What a page of a run is: something that is shown a run, and that the panel's keys move."""

from __future__ import annotations

from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from tui.panels.run_detail.material import Material, Outcome
from tui.settings.run_pages import RunPage

Write = Callable[[Material], Content]
_SIDEWAYS = 8
"""Cells of a step to the side."""


class RunView(Container):
    """A page of a run; what it does not do when a key is pressed it leaves out."""

    def show(self, material: Material) -> None:
        """Draw a run as far as it was read."""
        raise NotImplementedError

    def start(self) -> None:
        """Go back to where the page begins."""

    def move(self, down: int, right: int) -> None:
        """Go on by so many lines and steps to the side."""

    def toggle(self) -> None:
        """Open or close what is under the cursor."""


class TextPage(RunView):
    """A text that scrolls where it is larger than the page."""

    DEFAULT_CSS = """
    TextPage {
        overflow: auto auto;
        & > .run-text { width: auto; min-width: 100%; height: auto; }
    }
    """

    def __init__(self, write: Write, **names: Any) -> None:
        """Write the page's text with a function; the other arguments are a widget's."""
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


def when_tested(write: Callable[[Material, Outcome], Content]) -> Write:
    """The same text from a run alone: without predictions it says why there are none."""

    def text(material: Material) -> Content:
        if isinstance(material.tested, Outcome):
            return write(material, material.tested)
        if material.tested is None:
            return Content.styled("reading the predictions…", "$muted")
        return Content.styled(material.tested, "$warning")

    return text


def view_of(page: RunPage) -> RunView:
    """Make what draws a page."""
    names = {"id": f"run-{page.name}-page", "classes": "run-page"}
    made = resolve_name(page.view)
    if isinstance(made, type):
        view: RunView = made(**names)
        return view
    return TextPage(made if page.reads == "record" else when_tested(made), **names)
