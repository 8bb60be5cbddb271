"""One source of truth for the keys."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from textual.app import App
from textual.command import CommandPalette

from engine.protocol.facts import LayerNode
from tests.support.fake_session import FakeSession
from tests.support.launcher import Launcher
from tests.support.screens import Running, is_open, until
from tui.app import CifarApp
from tui.panels.key_footer import KeyFooter
from tui.panels.layers.keys import LayerTree
from tui.panels.tables.catalogue import CatalogueTable
from tui.screens.help import HelpScreen, help_text
from tui.screens.launcher.screen import LauncherScreen
from tui.screens.prompt import Prompt
from tui.screens.results.screen import ResultsScreen
from tui.settings import keys


@pytest.mark.parametrize("place", list(keys.PLACES))
def test_no_key_means_two_things_in_one_place(place: Any) -> None:
    names = Counter(name for key in keys.keys_of(place) for name in key.keys.split(","))
    assert [name for name, times in names.items() if times > 1] == []


def test_every_place_has_a_title() -> None:
    assert {key.place for key in keys.KEYS} == set(keys.PLACES)


def test_a_line_names_the_first_key_of_an_action_as_it_is_written_elsewhere() -> None:
    assert keys.written_for("results", "compare") == "c"
    assert keys.written_for("predict", "recall(1)") == "↑"
    assert keys.written_for("waiting", "move(-1)") == "shift+↑"
    assert keys.written_for("waiting", "remove") == "delete"


def test_help_holds_every_key() -> None:
    help_lines = help_text().plain
    for key in keys.KEYS:
        assert key.description in help_lines


def footer(app: App[Any]) -> dict[str, str]:
    """What the footer calls the keys that it has, by how it writes them."""
    return {entry.written: entry.name for entry in app.screen.query_one(KeyFooter).entries}


def in_palette(app: CifarApp) -> list[str]:
    return [command.title for command in app.get_system_commands(app.screen)]


def descriptions(*places: Any) -> set[str]:
    return {key.description for place in places for key in keys.keys_of(place)}


async def test_keys_palette_and_help_of_a_training(
    session: FakeSession, running: Running, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        titles = in_palette(app)
        here = descriptions("training", "everywhere")
        assert here <= set(titles)
        assert len(titles) == len(set(titles))
        assert not (descriptions(*keys.PLACES) - here) & set(titles)

        session.begin(layers)
        await until(pilot, lambda: isinstance(app.focused, LayerTree))
        assert not {"Maximize", "Minimize"} & set(in_palette(app))
        for place in ("layers", "training", "everywhere"):
            for key in keys.keys_of(place):
                assert keys.owner_of(key, app, app.screen) is not None, key
                for name in key.keys.split(","):
                    assert name in app.screen.active_bindings, name

        await pilot.press("question_mark")
        places = app.screen._places
        assert places[:3] == ("layers", "training", "everywhere")
        assert sorted(places) == sorted(keys.PLACES)


async def test_keys_and_palette_of_the_launcher(launcher: Launcher) -> None:
    async with launcher((120, 40)) as page:
        titles = set(in_palette(page.app))
        offered = {key.action: key.description in titles for key in keys.keys_of("launcher")}
        assert offered.pop("add_runs") is False  # there is no queue to add to
        assert all(offered.values()), offered
        here = descriptions("catalogue")
        assert here <= titles
        assert not (descriptions("results") - here) & titles

        pilot = page.pilot
        for opens, screen in (
            ("ctrl+p", CommandPalette),
            ("colon", CommandPalette),
            ("ctrl+e", Prompt),
            ("ctrl+o", Prompt),
        ):
            await pilot.press(opens)
            await until(pilot, lambda kind=screen: is_open(page.app, kind))
            await pilot.press("escape")
            await until(pilot, lambda: is_open(page.app, LauncherScreen))


async def test_in_a_text_field_the_footer_has_what_works_there(launcher: Launcher) -> None:
    async with launcher((120, 40)) as page:
        app, pilot = page.app, page.pilot
        await until(pilot, lambda: footer(app).get("?") == "help")
        assert {"f", "r", "u", "/", "q"} <= footer(app).keys()
        field = page.field("data_path")
        field.focus()
        await until(pilot, lambda: "F1" in footer(app))
        assert footer(app).keys() == {"ctrl+s", "esc", "F1", "ctrl+q", "ctrl+p"}
        await pilot.press("question_mark")
        assert field.value == "?"
        await pilot.press("f1")
        await until(pilot, lambda: is_open(app, HelpScreen))
        await pilot.press("escape", "ctrl+o")
        await until(pilot, lambda: is_open(app, Prompt))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.focused, CatalogueTable))
        await until(pilot, lambda: footer(app).get("?") == "help")


async def test_palette_of_the_results_and_their_footer_where_a_filter_is_typed(
    launcher_app: CifarApp, write_run: Any
) -> None:
    write_run(test=0.5)
    launcher_app.runs_dir = write_run.runs_dir
    async with launcher_app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: is_open(launcher_app, LauncherScreen))
        await pilot.press("r")
        await until(pilot, lambda: is_open(launcher_app, ResultsScreen))
        await until(pilot, lambda: "?" in footer(launcher_app))
        for key in keys.keys_of("results"):
            assert keys.owner_of(key, launcher_app, launcher_app.screen) is not None, key
        assert descriptions("results") <= set(in_palette(launcher_app))
        await pilot.press("slash")
        await until(pilot, lambda: "F1" in footer(launcher_app))
        assert footer(launcher_app).keys() == {"enter", "esc", "F1", "ctrl+q", "ctrl+p"}
