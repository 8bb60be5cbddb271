"""Text that is marked with the mouse: seen in both themes, and copied by ctrl+c."""

from __future__ import annotations

from typing import Any

import pytest
from textual.color import Color
from textual.geometry import Offset
from textual.widget import Widget
from textual.widgets import Input

from engine.protocol.events import LogLine
from tests.support.launcher import Launcher
from tests.support.screens import AnyPilot
from tui.panels.charts.curves import CurveChart
from tui.panels.log import LogPanel
from tui.panels.progress import HeadPanel
from tui.panels.tables.catalogue import CatalogueTable
from tui.screens.choice import ChoiceScreen
from tui.settings.themes import DARK, LIGHT
from tui.terminal.changed_cells import ChangedCells


async def drag(
    pilot: AnyPilot, widget: Widget, start: tuple[int, int], end: tuple[int, int]
) -> None:
    """Drag the mouse from one cell of a widget to another."""
    first, last = (Offset(*place) + widget.content_region.offset for place in (start, end))
    await pilot.mouse_down(offset=first)
    await pilot.hover(offset=last)
    await pilot.mouse_up(offset=last)
    await pilot.pause()


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_what_is_marked_is_readable_and_stands_out(theme: Any) -> None:
    variables = theme.to_color_system().generate()
    text, behind, screen = (
        Color.parse(variables[name])
        for name in ("screen-selection-foreground", "screen-selection-background", "background")
    )
    assert contrast(text, behind) >= 7
    assert contrast(behind, screen) >= 1.2


def contrast(one: Color, other: Color) -> float:
    """As WCAG defines it."""
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


async def test_ctrl_c_copies_what_is_marked_and_then_leaves(
    session: Any, running: Any, until: Any
) -> None:
    async with running(session, (120, 40)) as pilot:
        app: Any = pilot.app
        await until(pilot, lambda: app.is_training)
        await drag(pilot, app.screen.query_one(HeadPanel), (1, 0), (9, 0))
        await pilot.press("ctrl+c")
        assert app.clipboard == "cifar-tui"
        assert not isinstance(app.screen, ChoiceScreen)
        assert [notice.message for notice in app._notifications] == [
            "Copied 9 characters, if the terminal allows it; ctrl+c again quits."
        ]
        await pilot.press("ctrl+c")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen))


async def test_a_marked_part_of_a_field_is_copied_too(launcher: Launcher) -> None:
    async with launcher((120, 40)) as page:
        field = page.field("data_path")
        assert isinstance(field, Input)
        field.value = "/data/cifar"
        field.focus()
        await page.pilot.pause()
        field.select_all()
        await page.pilot.press("ctrl+c")
        assert page.app.clipboard == "/data/cifar"
        assert not field.selected_text
        assert page.app.return_code is None


async def test_lines_of_the_log_are_marked_and_copied(
    session: Any, running: Any, until: Any
) -> None:
    async with running(session, (120, 40)) as pilot:
        app: Any = pilot.app
        await until(pilot, lambda: app.is_training)
        session.play(*(LogLine(level="info", text=f"line {n}") for n in range(30)))
        await pilot.press("5")
        log = app.screen.query_one(LogPanel)
        await until(pilot, lambda: log.size.height and "line 29" in log.lines[-1].text)
        await pilot.pause()
        await drag(pilot, log, (8, 0), (13, 1))
        top = log.scroll_offset.y
        names = [log.lines[top + n].text.split(maxsplit=1)[1].rstrip() for n in (0, 1)]
        marked = app.screen.get_selected_text()
        assert marked == f"{names[0]}\ninfo    {names[1]}"[: len(marked)]
        assert len(marked) > len(names[0]) + 8
        style = app.screen.get_component_rich_style("screen--selection")
        drawn = [
            "".join(
                segment.text
                for segment in log.render_line(n)
                if segment.style and segment.style.bgcolor == style.bgcolor
            ).rstrip()
            for n in (0, 1, 2)
        ]
        assert "\n".join(drawn).rstrip() == marked


async def test_what_cannot_show_a_mark_takes_none(
    session: Any, running: Any, until: Any, layers: Any, reader: Any
) -> None:
    assert not CatalogueTable.ALLOW_SELECT
    async with running(session, (120, 40)) as pilot:
        app: Any = pilot.app
        tree, _ = await reader.begun(pilot, session, layers)
        for widget in (tree, app.screen.query(CurveChart).first()):
            await drag(pilot, widget, (2, 1), (7, 2))
            assert not app.screen.selections


def test_the_driver_passes_on_what_is_copied() -> None:
    assert ChangedCells().reduced("\x1b]52;c;Y2lmYXI=\x07") == "\x1b]52;c;Y2lmYXI=\x07"
