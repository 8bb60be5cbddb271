"""The catalogue as a table: its figures, and the order of its rows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from engine.backbones.catalogue import find_backbone
from engine.common.text import MISSING, count
from engine.config.recipe import DEFAULT_RECIPE
from tui.app import CifarApp
from tui.panels.tables.catalogue import COLUMNS, CatalogueTable
from tui.screens.launcher.form import RunForm
from tui.screens.launcher.screen import MARKED_AT_FIRST, LauncherScreen

Until = Callable[[Pilot[Any], Callable[[], object]], Awaitable[None]]


@pytest.fixture
def app(make_app: Callable[..., CifarApp]) -> CifarApp:
    """The app without a session: it opens the launcher."""
    return make_app(None)


def table_of(app: CifarApp) -> CatalogueTable:
    return app.screen.query_one(CatalogueTable)


async def ready(app: CifarApp, pilot: Pilot[Any], until: Until) -> None:
    """Wait for the launcher and its fields."""
    await until(pilot, lambda: isinstance(app.screen, LauncherScreen))
    await until(pilot, lambda: app.screen.query_one(RunForm).is_filled)


async def test_the_figures_are_those_of_the_size_that_would_train(
    app: CifarApp, until: Until
) -> None:
    async with app.run_test(size=(200, 40)) as pilot:
        await ready(app, pilot, until)
        table, name = table_of(app), "EfficientNetLite0"
        recommended = dict(DEFAULT_RECIPE.image_sizes)[name]
        await until(pilot, lambda: table.cell_text(name, "image_size") == str(recommended))
        assert table.cell_text(name, "flops") == count(find_backbone(name).flops_at(recommended))
        app.screen.query_one("#field-image_size", Input).value = "40"
        await until(pilot, lambda: table.cell_text(name, "image_size") == "40")
        assert table.cell_text(name, "flops") == count(find_backbone(name).flops_at(40))
        # what cannot be trained at that size says so, and what has a size of its own keeps it
        assert table.cell_text("Xception", "image_size") == MISSING
        assert table.cell_text("CustomCNN", "image_size") == "32"


async def test_weights_are_looked_for_in_the_size_that_would_train(
    app: CifarApp, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tui.screens.launcher.screen.weights_states",
        lambda sizes: {name: f"{size} px" for name, size in sizes.items()},
    )
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(app, pilot, until)
        await until(pilot, lambda: table_of(app).cell_text("MobileNetV2", "weights") == "96 px")
        app.screen.query_one("#field-image_size", Input).value = "160"
        await until(pilot, lambda: table_of(app).cell_text("MobileNetV2", "weights") == "160 px")


async def test_models_are_sorted_by_any_column_and_back(app: CifarApp, until: Until) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(app, pilot, until)
        table = table_of(app)
        usual = table.keys
        await pilot.press("s", "s")
        assert table.keys == sorted(usual, key=lambda name: find_backbone(name).parameters)
        assert table.border_subtitle == "sorted by params ▴"
        assert table.current_key == usual[0]
        await pilot.press("o")
        assert table.keys[0] == max(usual, key=lambda name: find_backbone(name).parameters)
        for _ in COLUMNS:  # on from here, through the columns that fit, to where it began
            await pilot.press(*["s"] * bool(table.border_subtitle))
        assert (table.keys, table.border_subtitle) == (usual, "")
        assert [entry.name for entry in table.marked] == list(MARKED_AT_FIRST)
