"""The layer tree on the training screen: states, toggles, what stays when events come."""

from __future__ import annotations

from typing import Any

from textual.content import Content
from textual.geometry import Region

from engine.commands import SetTrainable
from engine.events import CommandAccepted, CommandRejected, LayerNode
from tui.panels.layers import LayersPanel, LayerTree


def lines(tree: LayerTree) -> list[str]:
    strips = tree.render_lines(Region(0, 0, tree.size.width, tree.size.height))
    return [strip.text.rstrip() for strip in strips]


def line_of(tree: LayerTree, title: str) -> str:
    return next((line for line in lines(tree) if title in line), "")


def go_to(tree: LayerTree, name: str) -> None:
    for number in range(tree.last_line + 1):
        node = tree.get_node_at_line(number)
        if node is not None and node.data is not None and node.data.node.name == name:
            tree.move_cursor(node)
            return
    raise AssertionError(f"{name} is not in sight")


def plain(markup: object) -> str:
    return Content.from_markup(str(markup or "")).plain


async def test_states_and_parameters(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        tree = pilot.app.screen.query_one(LayerTree)
        await until(pilot, lambda: "predictions" in "".join(lines(tree)))
        assert line_of(tree, "predictions").endswith("1.28 K  ■ trains")
        assert line_of(tree, "backbone").endswith("300  □ frozen")
        assert line_of(tree, "pool").endswith("pool")
        panel = pilot.app.screen.query_one(LayersPanel)
        assert "1.28 K of 6.28 K train" in plain(panel.border_title)


async def test_marks_stand_in_one_column(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        tree = pilot.app.screen.query_one(LayerTree)
        await until(pilot, lambda: line_of(tree, "predictions"))
        found = {line.index(mark) for line in lines(tree) for mark in "■□◪" if mark in line}
        assert len(found) == 1


async def test_space_on_a_layer_asks_and_shows_it_until_it_is_done(
    session: Any, running: Any, until: Any, layers: LayerNode, events: Any
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        tree = pilot.app.screen.query_one(LayerTree)
        panel = pilot.app.screen.query_one(LayersPanel)
        await until(pilot, lambda: tree.last_line > 3)
        go_to(tree, "block1")
        await pilot.press("right")
        go_to(tree, "block1_conv")
        await pilot.press("space")
        await until(pilot, lambda: "□ → trains" in line_of(tree, "  ├ conv"))
        (command,) = session.sent
        assert isinstance(command, SetTrainable)
        assert (command.layers, command.value, command.when) == (("block1_conv",), True, "epoch")
        assert plain(panel.border_subtitle) == "1 change waits for the epoch's end"

        session.play(CommandAccepted(command=command))
        session.play(events["frozen_but"]("predictions", "block1_conv", ids=(command.id,)))
        await until(pilot, lambda: "■ trains" in line_of(tree, "  ├ conv"))
        assert plain(panel.border_subtitle) == "depth 4 · 1.00 M FLOPs"


async def test_space_on_a_group_toggles_all_its_layers_with_weights(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        tree = pilot.app.screen.query_one(LayerTree)
        await until(pilot, lambda: tree.last_line > 3)
        go_to(tree, "backbone")
        await pilot.press("space")
        await until(pilot, lambda: "□ → trains" in line_of(tree, "backbone"))
        await pilot.press("space")
        await until(pilot, lambda: "□ frozen" in line_of(tree, "backbone"))
        go_to(tree, "head")
        await pilot.press("space")
        await until(pilot, lambda: "■ → frozen" in line_of(tree, "head"))
        backbone = ("stem_conv", "block1_conv")  # its BatchNormalization is locked
        asked = [(command.layers, command.value) for command in session.sent]
        assert asked == [(backbone, True), (backbone, False), (("predictions",), False)]


async def test_a_rejected_change_is_told_and_waits_no_more(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        tree = pilot.app.screen.query_one(LayerTree)
        await until(pilot, lambda: tree.last_line > 3)
        go_to(tree, "head")
        await pilot.press("space")
        await until(pilot, lambda: session.sent)
        session.play(CommandRejected(command=session.sent[0], reason="nothing would train"))
        await until(pilot, lambda: "■ trains" in line_of(tree, "▾ head"))
        notices = [notice.message for notice in pilot.app._notifications]
        assert notices == ["Not done: nothing would train"]


async def test_cursor_and_open_groups_stay_when_events_come(
    session: Any, running: Any, until: Any, layers: LayerNode, events: Any
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        tree = pilot.app.screen.query_one(LayerTree)
        await until(pilot, lambda: tree.last_line > 3)
        go_to(tree, "stage1")
        await pilot.press("left")
        shut = tree.last_line
        session.play(events["batch"](1, 6), events["frozen_but"]("predictions", "block1_conv"))
        await until(pilot, lambda: "■ trains" in line_of(tree, "stage1"))
        assert tree.last_line == shut
        assert tree.cursor_node is not None
        assert tree.cursor_node.data is not None
        assert tree.cursor_node.data.title == "stage1"
        await pilot.press("enter")
        assert tree.last_line > shut
        await pilot.press("right", "down", "left", "left")
        assert tree.cursor_node.data.title == "stage1"


async def test_a_thousand_rows_are_drawn_only_where_in_sight(
    session: Any, running: Any, until: Any
) -> None:
    leaf = [LayerNode(f"layer{i}", "Conv2D", (1,), 10, False) for i in range(1_000)]
    group = LayerNode("backbone", "backbone", (1,), 10_000, False, tuple(leaf))
    async with running(session) as pilot:
        session.begin(LayerNode("model", "model", (1,), 10_000, False, (group,)))
        tree = pilot.app.screen.query_one(LayerTree)
        await until(pilot, lambda: tree.last_line == 1_000)
        drawn: list[object] = []
        draw = tree.render_label
        tree.render_label = lambda *args: (drawn.append(args[0]), draw(*args))[1]  # type: ignore[func-returns-value]
        await pilot.press("end", "pagedown", "down")
        assert "layer999" in "".join(lines(tree))
        assert len(drawn) < 300
