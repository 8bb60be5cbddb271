"""Finding a layer by a part of its name."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Static

from engine.protocol.facts import LayerNode
from tui.panels.layers import LayersPanel
from tui.panels.layers.find import FindLine, LayerFind, next_place, places_of
from tui.panels.layers.tree import LayerTree

SIZES = [(120, 40), (80, 24)]
NAMES = ["backbone", "Stem", "stem_conv", "head"]


def test_names_are_found_whatever_their_case() -> None:
    assert places_of("STEM", NAMES) == [1, 2]
    assert places_of("e", NAMES) == [0, 1, 2, 3]
    assert places_of("x", NAMES) == []
    assert places_of("", NAMES) == []


@pytest.mark.parametrize(
    ("here", "step", "place"),
    [(4, 0, 2), (2, 1, 5), (3, 1, 5), (9, 1, 2), (5, -1, 2), (2, -1, 9), (-1, 1, 2), (-1, -1, 9)],
)
def test_steps_begin_anew_at_the_other_end(here: int, step: int, place: int) -> None:
    assert next_place([2, 5, 9], here, step) == place


def place(panel: LayersPanel) -> str:
    return str(panel.query_one("#find-place", Static).render()).strip()


def found(tree: LayerTree) -> str:
    return "" if tree.row is None else tree.row.node.name


@pytest.mark.parametrize("size", SIZES)
async def test_find_goes_from_match_to_match_and_back(
    session: Any, running: Any, until: Any, reader: Any, layers: LayerNode, size: Any
) -> None:
    async with running(session, size) as pilot:
        session.begin(layers)
        panel = pilot.app.screen.query_one(LayersPanel)
        tree = panel.query_one(LayerTree)
        await until(pilot, lambda: tree.last_line > 3)
        reader.go_to(tree, "backbone")
        await pilot.press("left")
        assert not reader.line_of(tree, "block1")
        await pilot.press("slash")
        await until(pilot, lambda: pilot.app.focused is panel.query_one(LayerFind))
        await pilot.press(*"BLOCK")
        await until(pilot, lambda: place(panel) == "1 of 3")
        assert found(tree) == "block1"
        assert reader.line_of(tree, "block1")
        for key, words, name in (
            ("enter", "2 of 3", "block1_conv"),
            ("down", "3 of 3", "block1_bn"),
            ("down", "1 of 3", "block1"),
            ("up", "3 of 3", "block1_bn"),
        ):
            await pilot.press(key)
            await until(pilot, lambda words=words: place(panel) == words)
            assert found(tree) == name
            assert name.removeprefix("block1_") in reader.text(panel, "detail")
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.focused is tree)
        assert not panel.query_one(FindLine).display
        assert found(tree) == "block1_bn"
        assert session.sent == []


async def test_what_is_not_found_is_told_and_the_cursor_stays(
    session: Any, running: Any, until: Any, reader: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        panel = pilot.app.screen.query_one(LayersPanel)
        tree = panel.query_one(LayerTree)
        await until(pilot, lambda: tree.last_line > 3)
        reader.go_to(tree, "head")
        await pilot.press("slash", *"zz")
        words = "no layer's name contains 'zz'"
        await until(pilot, lambda: reader.text(panel, "detail") == words)
        assert found(tree) == "head"
        assert place(panel) == ""
        await pilot.press("enter", "up")
        assert found(tree) == "head"
        await pilot.press("escape")
        await until(pilot, lambda: reader.text(panel, "detail").startswith("head"))
        await pilot.press("slash")
        await until(pilot, lambda: panel.query_one(LayerFind).has_focus)
        assert panel.query_one(LayerFind).value == ""


async def test_a_row_far_below_comes_into_sight(
    session: Any, running: Any, until: Any, reader: Any
) -> None:
    leaves = [LayerNode(f"layer{i}", "Conv2D", (1,), 10, False) for i in range(1_000)]
    block = LayerNode("block", "block", (1,), 10_000, False, tuple(leaves))
    group = LayerNode("backbone", "backbone", (1,), 10_000, False, (block,))
    async with running(session, (80, 24)) as pilot:
        session.begin(LayerNode("model", "model", (1,), 10_000, False, (group,)))
        panel = pilot.app.screen.query_one(LayersPanel)
        tree = panel.query_one(LayerTree)
        await until(pilot, lambda: tree.last_line >= 1)
        await pilot.press("slash", *"r777")
        await until(pilot, lambda: place(panel) == "1 of 1")
        await until(pilot, lambda: reader.line_of(tree, "layer777"))


async def test_a_click_into_the_tree_closes_the_line(
    session: Any, running: Any, until: Any, reader: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        panel = pilot.app.screen.query_one(LayersPanel)
        tree = panel.query_one(LayerTree)
        await until(pilot, lambda: tree.last_line > 3)
        await pilot.press("slash", *"zz")
        await until(pilot, lambda: "no layer" in reader.text(panel, "detail"))
        await pilot.click(tree, offset=(8, 1))
        await until(pilot, lambda: not panel.query_one(FindLine).display)
        assert reader.text(panel, "detail").startswith(found(tree))
