"""One source of truth for the keys."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tui import keys
from tui.screens.help import help_text
from tui.screens.results import ResultsScreen


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
