"""The line at the frontier in the layer tree."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.protocol.events import FeaturesReady, FreezeApplied
from engine.protocol.facts import LayerNode
from tui.panels.layers import LayerTree


def frontier_at(name: str, *trains: str) -> FreezeApplied:
    return FreezeApplied(
        epoch=1,
        trainable=trains,
        trainable_parameters=1_280,
        frozen_parameters=5_000,
        frontier=name,
    )


def features(held: Any = "memory") -> FeaturesReady:
    return FeaturesReady(
        epoch=1,
        source="extracted",
        images=60_000,
        views=1,
        bytes=415 * 2**20,
        held=held,
        seconds=60.0,
    )


def cursor_title(tree: LayerTree) -> str:
    assert tree.cursor_node is not None
    assert tree.cursor_node.data is not None
    return tree.cursor_node.data.title


async def test_a_line_stands_above_what_every_step_computes(
    session: Any, running: Any, until: Any, layers: LayerNode, reader: Any
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        tree = pilot.app.screen.query_one(LayerTree)
        await until(pilot, lambda: reader.line_of(tree, "predictions"))
        assert not reader.line_of(tree, "kept")
        rows = tree.last_line
        session.play(frontier_at("predictions", "predictions"))
        await until(pilot, lambda: reader.line_of(tree, "── kept: being computed ──"))
        session.play(features())
        await until(pilot, lambda: reader.line_of(tree, "── kept: 415 MB in memory ──"))
        assert "── kept" in reader.lines(tree)[tree.last_line - 1]
        assert "predictions" in reader.lines(tree)[tree.last_line]
        assert tree.last_line == rows + 1
        session.play(frontier_at("", "predictions", "stem_conv"))
        await until(pilot, lambda: not reader.line_of(tree, "kept"))
        assert tree.last_line == rows


async def test_the_line_stands_above_the_group_that_begins_with_the_frontier(
    session: Any, running: Any, until: Any, layers: LayerNode, reader: Any
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        session.play(frontier_at("block1_conv", "block1_conv", "predictions"), features("disk"))
        tree = pilot.app.screen.query_one(LayerTree)
        await until(pilot, lambda: reader.line_of(tree, "── kept: 415 MB on disk ──"))
        shown = reader.lines(tree)
        rule = next(i for i, line in enumerate(shown) if "kept" in line)
        assert "stage1" in shown[rule + 1]


async def test_a_closed_group_says_that_the_line_is_inside(
    session: Any, running: Any, until: Any, layers: LayerNode, reader: Any
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        session.play(frontier_at("block1_conv", "block1_conv", "predictions"), features())
        tree = pilot.app.screen.query_one(LayerTree)
        await until(pilot, lambda: reader.line_of(tree, "kept"))
        open_lines = tree.last_line
        reader.go_to(tree, "backbone")
        await pilot.press("left")
        assert "backbone ── kept" in reader.line_of(tree, "backbone")
        assert reader.line_of(tree, "backbone").endswith("◪ some")
        assert tree.last_line < open_lines - 1
        await pilot.press("right")
        assert "kept" not in reader.line_of(tree, "backbone")
        assert tree.last_line == open_lines


async def test_the_cursor_steps_over_the_line(
    session: Any, running: Any, until: Any, layers: LayerNode, reader: Any
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        session.play(frontier_at("predictions", "predictions"), features())
        tree = pilot.app.screen.query_one(LayerTree)
        await until(pilot, lambda: reader.line_of(tree, "kept"))
        reader.go_to(tree, "pool")
        await pilot.press("down")
        assert cursor_title(tree) == "predictions"
        await pilot.press("up")
        assert cursor_title(tree) == "pool"
        rule = next(i for i, line in enumerate(reader.lines(tree)) if "kept" in line)
        await pilot.click(tree, offset=(8, rule))
        assert cursor_title(tree) == "predictions"
        await pilot.press("space")
        await until(pilot, lambda: session.sent)
        assert session.sent[0].layers == ("predictions",)


async def test_the_cursor_steps_over_a_line_at_the_very_top(
    session: Any, running: Any, until: Any, layers: LayerNode, reader: Any
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        session.play(frontier_at("stem_conv", "stem_conv", "predictions"))
        tree = pilot.app.screen.query_one(LayerTree)
        await until(pilot, lambda: reader.line_of(tree, "kept"))
        assert "kept" in reader.lines(tree)[0]
        await pilot.press("end", "home")
        assert cursor_title(tree) == "backbone"
        await pilot.press("up")
        assert cursor_title(tree) == "backbone"


async def test_the_cursor_stays_on_its_layer_when_the_line_moves(
    session: Any, running: Any, until: Any, layers: LayerNode, reader: Any
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        session.play(frontier_at("predictions", "predictions"), features())
        tree = pilot.app.screen.query_one(LayerTree)
        await until(pilot, lambda: reader.line_of(tree, "kept"))
        reader.go_to(tree, "head")
        for frontier in ("block1_conv", "pool", "", "predictions", "unknown"):
            session.play(frontier_at(frontier, "predictions"))
            await until(pilot, lambda f=frontier: tree._frontier == f)
            await pilot.pause()
            assert cursor_title(tree) == "head"
            assert len([line for line in reader.lines(tree) if "── kept" in line]) == (
                frontier not in ("", "unknown")
            )


async def test_another_model_begins_without_a_line(
    session: Any, running: Any, until: Any, layers: LayerNode, reader: Any
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        session.play(frontier_at("predictions", "predictions"), features())
        tree = pilot.app.screen.query_one(LayerTree)
        await until(pilot, lambda: reader.line_of(tree, "kept"))
        session.begin(replace(layers, name="other"), index=1)
        await until(pilot, lambda: not reader.line_of(tree, "kept"))
        session.play(frontier_at("predictions", "predictions"), index=1)
        await until(pilot, lambda: reader.line_of(tree, "kept"))
