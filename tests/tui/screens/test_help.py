"""The help at every height: all of its lines can be reached, and the hint below is always there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.screens import drawn, picture, shows, until
from tui.app import CifarApp
from tui.screens.help import HelpScreen, help_text
from tui.settings import keys


@pytest.mark.parametrize("size", [(200, 60), (80, 24), (60, 15)])
async def test_the_way_out_is_shown_and_where_the_page_stands(
    launcher_app: CifarApp, size: tuple[int, int]
) -> None:
    async with launcher_app.run_test(size=size) as pilot:
        await launcher_app.push_screen(HelpScreen())
        await until(pilot, lambda: shows(pilot, "lines 1–"))
        assert shows(pilot, "esc closes")
        # Most of the terminal is the page.
        page = pilot.app.screen.query_one("#help-page")
        assert page.size.height >= 0.9 * size[1] - 5
        await pilot.press("down")
        await until(pilot, lambda: shows(pilot, "lines 2–"))
        await pilot.press("end")
        await until(pilot, lambda: shows(pilot, f"–{page.virtual_size.height} of"))
        # The line below the page may be drawn before it.
        await until(pilot, lambda: shows(pilot, f"  {keys.written(keys.KEYS[-1])} "))
        assert shows(pilot, "esc closes")


async def test_what_fits_is_as_high_as_its_text_and_does_not_scroll(launcher_app: CifarApp) -> None:
    async with launcher_app.run_test(size=(120, 60)) as pilot:
        await launcher_app.push_screen(HelpScreen(("fetch",)))
        await until(pilot, lambda: shows(pilot, "Cancel and keep partial downloads"))
        assert "lines" not in picture(pilot)
        screen: Any = pilot.app.screen
        assert screen.query_one("#help").size.height < len(drawn(pilot)) / 2


def test_the_signs_of_the_results_follow_their_keys() -> None:
    text = help_text(("results", "detail")).plain
    signs = text[text.index("Signs in the results") : text.index(keys.PLACES["detail"])]
    for mark in ("★", "⚡", "≠", "~", "†", "‡", "✓", "◆", "●"):
        assert f"\n  {mark} " in signs
    assert "no other run beats it in both accuracy and cost" in signs


def test_a_long_description_goes_on_below_itself() -> None:
    lines = help_text(("training",), width=50).plain.split("\n")
    at = next(i for i, line in enumerate(lines) if "What trains" in line)
    assert max(map(len, lines)) <= 50
    assert lines[at + 1].startswith(" " * 20)
    assert lines[at + 1].strip() == "last N layers, all"
