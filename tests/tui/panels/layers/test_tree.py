"""The rows of the layer tree on the screen: locked, moved, broken; what is drawn anew."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from engine.protocol.facts import LayerNode
from tui.panels.layers.detail import LOCK_REASON
from tui.panels.layers.tree import LayerTree

SIZES = [(120, 40), (80, 24)]
BLOCK = ("block1_conv", "block1_bn")


def notices(pilot: Pilot[Any]) -> list[str]:
    return [notice.message for notice in pilot.app._notifications]


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
        assert reader.text(panel, "waiting").startswith("BatchNormalization is to be locked")


@pytest.mark.parametrize("size", SIZES)
async def test_bars_stand_beside_what_moved_and_nowhere_else(
    session: Any, running: Any, until: Any, reader: Any, layers: LayerNode, size: Any
) -> None:
    async with running(session, size) as pilot:
        tree, panel = await reader.begun(pilot, session, layers)
        assert not any("█" in line for line in reader.lines(tree))
        await reader.show(pilot, panel, moved={"predictions": 1e-2})
        assert "■ trains   ██▍" in reader.line_of(tree, "predictions")
        assert "■ trains   ██▍" in reader.line_of(tree, "▾ head")
        assert reader.line_of(tree, "backbone").endswith("□ frozen")
        assert sum("█" in line for line in reader.lines(tree)) == 2
        reader.go_to(tree, "predictions")
        await until(pilot, lambda: "1.0e-02" in reader.text(panel, "detail"))


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
