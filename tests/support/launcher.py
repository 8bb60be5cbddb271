"""The launcher under test: its parts, and waiting until it is ready."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from textual.widgets import Button, Input, Select

from tests.support.screens import AnyPilot, is_open, text_of, until
from tui.app import CifarApp
from tui.panels.tables.catalogue import CatalogueTable
from tui.screens.launcher.form import RunForm
from tui.screens.launcher.screen import LauncherScreen


class LauncherReader:
    """The parts of the launcher open in an app, and waits for their texts."""

    def __init__(self, app: CifarApp, pilot: AnyPilot) -> None:
        self.app = app
        self.pilot = pilot

    async def ready(self) -> None:
        """Wait for the first check and for the fields."""
        await until(self.pilot, lambda: is_open(self.app, LauncherScreen) and self.summary)
        await until(self.pilot, lambda: self.form.is_filled)

    @property
    def table(self) -> CatalogueTable:
        """The catalogue."""
        return self.app.screen.query_one(CatalogueTable)

    @property
    def form(self) -> RunForm:
        """The options."""
        return self.app.screen.query_one(RunForm)

    @property
    def start(self) -> Button:
        """The button that starts or adds to the queue."""
        return self.app.screen.query_one("#start", Button)

    @property
    def summary(self) -> str:
        """The line at the foot."""
        return text_of(self.app, "#launcher-summary")

    @property
    def marked(self) -> list[str]:
        """The names of the marked models."""
        return [entry.name for entry in self.table.marked]

    def field(self, name: str) -> Input:
        """Return the field of an option."""
        return self.app.screen.query_one(f"#field-{name}", Input)

    def choice(self, name: str) -> Select[str]:
        """Return the field of an option with a fixed set of values."""
        return self.app.screen.query_one(f"#field-{name}", Select)

    async def says(self, words: str) -> None:
        """Wait until the summary contains this text."""
        await until(self.pilot, lambda: words in self.summary)


Launcher = Callable[..., AbstractAsyncContextManager[LauncherReader]]
