"""One source of truth for the keys."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.widgets import Input
from textual.widgets._footer import FooterKey

from tui.panels.tables.catalogue import CatalogueTable
from tui.screens.help import HelpScreen, help_text
from tui.screens.launcher.form import RunForm
from tui.screens.launcher.recipe_prompt import RecipePrompt
from tui.screens.launcher.screen import LauncherScreen
from tui.screens.results.screen import ResultsScreen
from tui.settings import keys


@pytest.mark.parametrize("place", list(keys.PLACES))
def test_no_key_means_two_things_in_one_place(place: Any) -> None:
    names = Counter(name for key in keys.keys_of(place) for name in key.keys.split(","))
    assert [name for name, times in names.items() if times > 1] == []


def test_every_place_has_a_title() -> None:
    assert {key.place for key in keys.KEYS} == set(keys.PLACES)


def test_help_and_readme_hold_every_key() -> None:
    help_lines = help_text().plain
    table = keys.markdown_table()
    for key in keys.KEYS:
        assert key.description in help_lines
        assert f"| `{keys.written(key)}` | {key.description} |" in table


async def test_every_key_of_the_training_screen_has_someone_to_carry_it_out(
    session: Any, running: Any, until: Any, layers: Any
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        await until(pilot, lambda: app.screen.query("#layers.-filled"))
        for place in ("layers", "training", "everywhere"):
            for key in keys.keys_of(place):
                assert keys.owner_of(key, app, app.screen) is not None, key
                for name in key.keys.split(","):
                    assert name in app.screen.active_bindings, name


async def test_the_palette_has_every_action_of_the_screen(session: Any, make_app: Any) -> None:
    app = make_app(session)
    async with app.run_test(size=(120, 40)):
        titles = [command.title for command in app.get_system_commands(app.screen)]
        for place in ("training", "everywhere"):
            for key in keys.keys_of(place):
                assert key.description in titles
        assert len(titles) == len(set(titles))
        others = {key.description for key in keys.KEYS} - {
            key.description for place in ("training", "everywhere") for key in keys.keys_of(place)
        }
        assert not others & set(titles)


@pytest.mark.parametrize("key", ["ctrl+p", "colon"])
async def test_two_keys_open_the_palette(make_app: Any, until: Any, key: str) -> None:
    app = make_app(None)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LauncherScreen))
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))


@pytest.mark.parametrize("key", ["ctrl+e", "ctrl+o"])
async def test_two_keys_save_the_recipe(make_app: Any, until: Any, key: str) -> None:
    app = make_app(None)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LauncherScreen))
        await until(pilot, lambda: app.screen.query_one(RunForm).is_filled)
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, RecipePrompt))


def footer(app: Any) -> dict[str, str]:
    """What the footer calls the keys that it has, by how it writes them."""
    return {key.key_display: key.description for key in app.screen.query(FooterKey)}


async def test_in_a_text_field_the_footer_has_what_works_there(make_app: Any, until: Any) -> None:
    app = make_app(None)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LauncherScreen))
        await until(pilot, lambda: footer(app).get("?") == "help")
        assert {"f", "r", "u", "/", "q"} <= footer(app).keys()
        await until(pilot, lambda: app.screen.query_one(RunForm).is_filled)
        field = app.screen.query_one("#field-data_path", Input)
        field.focus()
        await until(pilot, lambda: "F1" in footer(app))
        assert footer(app) == {"^s": "start", "esc": "models", "F1": "help", "^q": "quit"}
        await pilot.press("question_mark")
        assert field.value == "?"
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("escape", "ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, RecipePrompt))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.focused, CatalogueTable))
        await until(pilot, lambda: footer(app).get("?") == "help")


async def test_so_it_does_where_a_filter_is_typed(
    make_app: Any, until: Any, write_run: Any
) -> None:
    write_run(test=0.5)
    app = make_app(None)
    app.runs_dir = write_run.runs_dir
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LauncherScreen))
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ResultsScreen))
        await until(pilot, lambda: "?" in footer(app))
        await pilot.press("slash")
        await until(pilot, lambda: "F1" in footer(app))
        assert footer(app).keys() == {"⏎", "esc", "F1", "^q"}


async def test_the_palette_of_the_launcher_has_what_can_be_done_there(make_app: Any) -> None:
    app = make_app(None)
    async with app.run_test(size=(120, 40)):
        titles = {command.title for command in app.get_system_commands(app.screen)}
        offered = {key.action: key.description in titles for key in keys.keys_of("launcher")}
        assert offered.pop("add_runs") is False  # there is no queue to add to
        assert all(offered.values()), offered
        here = {key.description for key in keys.keys_of("catalogue")}
        assert here <= titles
        assert not ({key.description for key in keys.keys_of("results")} - here) & titles


async def test_the_palette_has_every_key_of_the_results(make_app: Any, tmp_path: Path) -> None:
    app = make_app(None)
    async with app.run_test(size=(120, 40)):
        await app.push_screen(ResultsScreen(tmp_path))
        titles = [command.title for command in app.get_system_commands(app.screen)]
        for key in keys.keys_of("results"):
            assert keys.owner_of(key, app, app.screen) is not None, key
            assert key.description in titles, key


async def test_the_help_begins_with_the_keys_of_the_screen(
    session: Any, running: Any, until: Any, layers: Any
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        await until(pilot, lambda: app.screen.query("#layers.-filled"))
        await pilot.press("question_mark")
        places = app.screen._places
        assert places[:3] == ("layers", "training", "everywhere")
        assert sorted(places) == sorted(keys.PLACES)
