"""The catalogue as a table: its figures, and the order of its rows."""

from __future__ import annotations

import pytest

from engine.backbones.catalogue import find_backbone
from engine.common.text import MISSING, count
from engine.config.recipe import DEFAULT_RECIPE
from tests.support.launcher import Launcher
from tests.support.screens import until
from tests.support.tables import cell_text
from tui.panels.tables.catalogue import COLUMNS
from tui.screens.launcher.screen import MARKED_AT_FIRST


async def test_figures_and_weights_are_those_of_the_size_that_would_train(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tui.screens.launcher.screen.weights_states",
        lambda sizes: {name: f"{size} px" for name, size in sizes.items()},
    )
    async with launcher((200, 40)) as page:
        name = "EfficientNetLite0"

        def shown(column: str) -> str:
            return cell_text(page.table, name, column)

        recommended = dict(DEFAULT_RECIPE.image_sizes)[name]
        await until(page.pilot, lambda: shown("image_size") == str(recommended))
        assert shown("flops") == count(find_backbone(name).flops_at(recommended))
        await until(page.pilot, lambda: shown("weights") == f"{recommended} px")
        page.field("image_size").value = "40"
        await until(page.pilot, lambda: shown("image_size") == "40")
        assert shown("flops") == count(find_backbone(name).flops_at(40))
        await until(page.pilot, lambda: shown("weights") == "40 px")
        # what cannot be trained at that size says so, and what has a size of its own keeps it
        assert cell_text(page.table, "Xception", "image_size") == MISSING
        assert cell_text(page.table, "CustomCNN", "image_size") == "32"


async def test_models_are_sorted_by_any_column_and_back(launcher: Launcher) -> None:
    async with launcher((120, 40)) as page:
        table = page.table
        usual = table.keys
        await page.pilot.press("s", "s")
        assert table.keys == sorted(usual, key=lambda name: find_backbone(name).parameters)
        assert table.border_subtitle == "sorted by params ▴"
        assert table.current_key == usual[0]
        await page.pilot.press("o")
        assert table.keys[0] == max(usual, key=lambda name: find_backbone(name).parameters)
        for _ in COLUMNS:  # on from here, through the columns that fit, to where it began
            await page.pilot.press(*["s"] * bool(table.border_subtitle))
        assert (table.keys, table.border_subtitle) == (usual, "")
        assert page.marked == list(MARKED_AT_FIRST)
