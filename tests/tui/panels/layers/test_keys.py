"""What the keys of the layer tree ask for, and finding a layer by a part of its name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import Input, Static

from engine.protocol.commands import SetTrainable
from engine.protocol.events import CommandAccepted
from engine.protocol.facts import LayerNode
from tui.panels.layers.keys import LayerTree, next_place, places_of
from tui.panels.layers.panel import LayersPanel
from tui.panels.layers.texts import LOCK_REASON

SIZES = [(120, 40), (80, 24)]
EVERY = ("stem_conv", "block1_conv", "block1_bn", "predictions")
BLOCK = ("block1_conv", "block1_bn")
NAMES = ["backbone", "Stem", "stem_conv", "head"]


def plain(markup: object) -> str:
    return Content.from_markup(str(markup or "")).plain


def notices(pilot: Pilot[Any]) -> list[str]:
    return [notice.message for notice in pilot.app._notifications]


@pytest.mark.parametrize("size", SIZES)
async def test_space_on_a_layer_asks_and_shows_it_until_it_is_done(
    session: Any,
    running: Any,
    until: Any,
    reader: Any,
    layers: LayerNode,
    events: Any,
    size: Any,
) -> None:
    async with running(session, size) as pilot:
        tree, panel = await reader.begun(pilot, session, layers)
        reader.go_to(tree, "block1")
        await pilot.press("right")
        reader.go_to(tree, "block1_conv")
        await pilot.press("space")
        await until(pilot, lambda: "□ → trains" in reader.line_of(tree, "  ├ conv"))
        (command,) = session.sent
        assert isinstance(command, SetTrainable)
        assert (command.layers, command.value, command.when) == (("block1_conv",), True, "epoch")
        assert plain(panel.border_subtitle) == "at the epoch's end  [a] now  [⌫] undo"
        assert reader.text(panel, "waiting").startswith("1 layer waits")

        session.play(CommandAccepted(command=command))
        session.play(events["frozen_but"]("predictions", "block1_conv", ids=(command.id,)))
        await until(pilot, lambda: "■ trains" in reader.line_of(tree, "  ├ conv"))
        assert plain(panel.border_subtitle).startswith("bar: moved in the last epoch")
        assert reader.text(panel, "waiting") == ""


async def test_space_on_a_group_toggles_all_its_layers_with_weights(
    session: Any, running: Any, until: Any, reader: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        tree, _ = await reader.begun(pilot, session, layers)
        reader.go_to(tree, "backbone")
        await pilot.press("space")
        await until(pilot, lambda: "□ → trains" in reader.line_of(tree, "backbone"))
        await pilot.press("space")
        await until(pilot, lambda: "□ frozen" in reader.line_of(tree, "backbone"))
        reader.go_to(tree, "head")
        await pilot.press("space")
        await until(pilot, lambda: "■ → frozen" in reader.line_of(tree, "head"))
        asked = [(command.layers, command.value) for command in session.sent]
        backbone = EVERY[:3]
        assert asked == [(backbone, True), (backbone, False), (("predictions",), False)]


async def test_freeze_to_the_input_and_unfreeze_to_the_output(
    session: Any, running: Any, until: Any, reader: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        tree, _ = await reader.begun(pilot, session, layers)
        for number, (name, key, layers_asked, value) in enumerate(
            (
                ("stage1", "f", EVERY[:3], False),
                ("stem", "f", EVERY[:1], False),
                ("head", "f", EVERY, False),
                ("pool", "f", EVERY[:3], False),
                ("stage1", "u", EVERY[1:], True),
                ("backbone", "u", EVERY, True),
                ("predictions", "u", EVERY[3:], True),
            ),
            start=1,
        ):
            reader.go_to(tree, name)
            await pilot.press(key)
            await until(pilot, lambda number=number: len(session.sent) == number)
            command = session.sent[-1]
            assert (command.layers, command.value) == (layers_asked, value)


async def test_where_no_weights_lie_nothing_is_asked(
    session: Any, running: Any, until: Any, reader: Any, layers: LayerNode
) -> None:
    start = LayerNode(
        "input", "input", (8,), 0, False, (LayerNode("cast", "Cast", (8,), 0, False),)
    )
    async with running(session) as pilot:
        model = replace(layers, children=(start, *layers.children))
        tree, _ = await reader.begun(pilot, session, model)
        reader.go_to(tree, "input")
        await pilot.press("f", "space")
        await until(pilot, lambda: notices(pilot) == ["No layer there has weights."])
        assert session.sent == []


@pytest.mark.parametrize("size", SIZES)
async def test_locked_batchnorm_takes_no_toggle_and_tells_why(
    session: Any, running: Any, until: Any, reader: Any, layers: LayerNode, size: Any
) -> None:
    async with running(session, size) as pilot:
        tree, panel = await reader.begun(pilot, session, layers)
        reader.open_all(tree)
        await reader.show(
            pilot,
            panel,
            batchnorm_locked=True,
            trainable=frozenset({"block1_conv", "predictions"}),
            selected=frozenset({"block1_conv", "block1_bn", "predictions"}),
        )
        assert reader.line_of(tree, "└ bn").endswith("100 ▫ locked")
        assert reader.line_of(tree, "block1").endswith("200 ■ trains")
        reader.go_to(tree, "block1_bn")
        await pilot.press("space")
        reason = f"BatchNormalization is locked: {LOCK_REASON}"
        await until(pilot, lambda: notices(pilot) == [reason])
        assert session.sent == []
        assert "locked" in reader.text(panel, "detail")
        reader.go_to(tree, "block1")
        await pilot.press("space")
        await until(pilot, lambda: session.sent)
        assert (session.sent[0].layers, session.sent[0].value) == (BLOCK, False)


async def test_letters_move_as_arrows_do(
    session: Any, running: Any, reader: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        tree, _ = await reader.begun(pilot, session, layers)
        reader.open_all(tree)
        reader.go_to(tree, "block1")
        for key, row in (("j", "block1_conv"), ("j", "block1_bn"), ("k", "block1_conv")):
            await pilot.press(key)
            assert tree.row.node.name == row
        await pilot.press("h", "h")
        assert (tree.row.node.name, tree.cursor_node.is_expanded) == ("block1", False)
        await pilot.press("l", "j")
        assert tree.row.node.name == "block1_conv"


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
        if not panel.display:
            await pilot.press("1")
        reader.go_to(tree, "backbone")
        await pilot.press("left")
        assert not reader.line_of(tree, "block1")
        await pilot.press("slash")
        await until(pilot, lambda: pilot.app.focused is panel.query_one(Input))
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
        assert not panel.query_one("#layer-find").display
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
        await until(pilot, lambda: panel.query_one(Input).has_focus)
        assert panel.query_one(Input).value == ""


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
        await pilot.press("1", "slash", *"r777")
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
        await until(pilot, lambda: not panel.query_one("#layer-find").display)
        assert reader.text(panel, "detail").startswith(found(tree))
