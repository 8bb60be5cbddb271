"""Opens the page of add-a-panel.md on the results screen and prints what shows of it, as JSON.

A process of its own, since keys are bound when the screens are imported.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.support.page import Page
from tui.settings import run_pages

PAGE = Page("add-a-panel.md")


async def shown(runs_dir: Path) -> dict[str, object]:
    """Press the key of the page, and say what the screen has of it."""
    from textual.widgets import Static

    from tests.support.screens import ThemedApp, until
    from tui.panels.run_detail.panel import RunDetail
    from tui.screens.help import help_text
    from tui.screens.results.screen import ResultsScreen
    from tui.settings import keys

    screen = ResultsScreen(runs_dir)
    async with ThemedApp().run_test(size=(120, 40)) as pilot:
        await pilot.app.push_screen(screen)
        await until(pilot, lambda: screen.current_run is not None)
        detail = screen.query_one(RunDetail)

        def text() -> str:
            found = detail.query(".-shown .run-text").results(Static)
            return "".join(str(part.render()) for part in found)

        await pilot.press("9")
        await until(pilot, lambda: detail.tab == "sureness" and "confident" in text())
        return {
            "text": text(),
            "tabs": str(detail.query_one("#run-tabs", Static).render()),
            "help": help_text().plain,
            "keys": [f"{key.keys} {key.description}" for key in keys.keys_of("detail")],
        }


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as patch:
        row = PAGE.row("tui.settings.run_pages")
        run_pages.RUN_PAGES = (*run_pages.RUN_PAGES, row)
        PAGE.add_module("tui.panels.run_detail.sureness", patch)
        print(json.dumps(asyncio.run(shown(Path(sys.argv[1])))))
