"""The rows of the layer tree on the screen: moved, broken, the frontier; what is drawn again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.protocol.events import FeaturesReady, FreezeApplied
from engine.protocol.facts import LayerNode
from tui.panels.layers.drawing import ColumnHeads
from tui.panels.layers.keys import LayerTree

SIZES = [(120, 40), (80, 24)]


async def test_a_change_of_the_lock_keeps_cursor_and_open_groups(
    session: Any, running: Any, reader: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        tree, panel = await reader.begun(pilot, session, layers)
        reader.open_all(tree)
        reader.go_to(tree, "block1_bn")
        node, rows = tree.cursor_node, tree.last_line
        chosen = {"selected": frozenset({"block1_bn", "predictions"})}
        for changes, mark in (
            ({"batchnorm_locked": True, **chosen}, "▫ locked"),
            ({"pending_lock": False}, "▫ → trains"),
            ({"batchnorm_locked": False, "pending_lock": None}, "□ frozen"),
            ({"pending_lock": True}, "□ → locked"),
        ):
            await reader.show(pilot, panel, **changes)
            assert reader.line_of(tree, "└ bn").endswith(mark)
            assert tree.cursor_node is node
            assert tree.last_line == rows
        assert reader.text(panel, "waiting").startswith("BatchNormalization will be locked")


@pytest.mark.parametrize("size", SIZES)
async def test_bars_stand_beside_what_moved_and_nowhere_else(
    session: Any, running: Any, until: Any, reader: Any, layers: LayerNode, size: Any
) -> None:
    async with running(session, size) as pilot:
        tree, panel = await reader.begun(pilot, session, layers)
        assert not any("█" in line for line in reader.lines(tree))
        await reader.show(pilot, panel, moved={"predictions": 1.0})
        assert "■ trains   ███" in reader.line_of(tree, "predictions")
        assert "■ trains   ███" in reader.line_of(tree, "▾ head")
        assert reader.line_of(tree, "backbone").endswith("□ frozen")
        assert sum("█" in line for line in reader.lines(tree)) == 2
        reader.go_to(tree, "predictions")
        await until(pilot, lambda: "1.0e+00" in reader.text(panel, "detail"))


@pytest.mark.parametrize("size", [*SIZES, (80, 16), (200, 60)])
async def test_the_heads_stay_over_their_columns_whether_the_tree_scrolls_or_not(
    session: Any, running: Any, reader: Any, layers: LayerNode, size: Any
) -> None:
    async with running(session, size) as pilot:
        tree, panel = await reader.begun(pilot, session, layers)
        heads = str(panel.query_one(ColumnHeads).render())
        for is_open in (False, True):
            if is_open:
                reader.open_all(tree)
                await pilot.pause()
            assert panel.query_one(ColumnHeads).region.x == tree.region.x
            assert heads.index("state") == reader.line_of(tree, "▾ backbone").index("□")
            assert str(panel.query_one(ColumnHeads).render()) == heads


async def test_what_moved_while_frozen_is_red_with_the_groups_around_it(
    session: Any, running: Any, until: Any, reader: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        tree, panel = await reader.begun(pilot, session, layers)
        await reader.show(
            pilot, panel, moved={"block1_conv": 1e-3}, broken=frozenset({"block1_conv"})
        )
        red = tree.get_component_rich_style("layers--broken", partial=True).color
        assert red is not None
        for number, line in enumerate(reader.lines(tree)):
            label = [
                segment
                for segment in tree.render_line(number)
                if segment.text.strip(" ├└│─") and segment.style is not None
            ]
            is_red = [segment.style.color == red for segment in label if segment.style]
            is_broken = any(name in line for name in ("backbone", "stage1", "block1"))
            assert is_red == [is_broken] * len(is_red), line
        reader.go_to(tree, "stage1")
        await until(pilot, lambda: "1 layer moved while frozen" in reader.text(panel, "detail"))


def thousand() -> LayerNode:
    leaves = [LayerNode(f"layer{i}", "Conv2D", (1,), 10, False) for i in range(1_000)]
    group = LayerNode("backbone", "backbone", (1,), 10_000, False, tuple(leaves))
    return LayerNode("model", "model", (1,), 10_000, False, (group,))


def counted(tree: LayerTree) -> list[object]:
    """The rows drawn from now on."""
    drawn: list[object] = []
    draw = tree.render_label

    def counting(*args: Any) -> Any:
        drawn.append(args[0])
        return draw(*args)

    tree.render_label = counting  # type: ignore[assignment, method-assign]
    return drawn


async def test_a_thousand_rows_are_drawn_only_where_in_sight(
    session: Any, running: Any, reader: Any
) -> None:
    async with running(session) as pilot:
        tree, _ = await reader.begun(pilot, session, thousand())
        assert tree.last_line == 1_000
        drawn = counted(tree)
        await pilot.press("end", "pagedown", "down")
        assert "layer999" in "".join(reader.lines(tree))
        assert len(drawn) < 300


async def test_a_move_of_the_cursor_draws_two_rows(session: Any, running: Any, reader: Any) -> None:
    async with running(session) as pilot:
        tree, _ = await reader.begun(pilot, session, thousand())
        reader.go_to(tree, "layer500")
        await pilot.pause()
        drawn = counted(tree)
        moves = 40
        await pilot.press(*["down"] * moves)
        assert "layer540" in "".join(reader.lines(tree))
        # The row left, the row reached, and one that scrolling brings into sight.
        assert len(drawn) <= 3 * moves


async def test_snapshots_that_change_no_row_draw_none(
    session: Any, running: Any, reader: Any
) -> None:
    async with running(session) as pilot:
        tree, panel = await reader.begun(pilot, session, thousand())
        reader.lines(tree)
        drawn = counted(tree)
        for step in range(5, 10):
            await reader.show(
                pilot, panel, step=step, trainable=frozenset(panel.snapshot.trainable)
            )
        assert reader.lines(tree)
        assert drawn == []
        await reader.show(pilot, panel, moved={"layer3": 1e-3})
        assert reader.lines(tree)
        assert 0 < len(drawn) <= 2 * tree.size.height


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
