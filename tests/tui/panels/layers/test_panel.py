"""The layer panel on the training screen: states, what stays when events come."""

from __future__ import annotations

from typing import Any

import pytest
from textual.content import Content
from textual.pilot import Pilot

from engine.protocol.events import CommandRejected, EpochStarted
from engine.protocol.facts import LayerNode

SIZES = [(120, 40), (80, 24)]


def plain(markup: object) -> str:
    return Content.from_markup(str(markup or "")).plain


def notices(pilot: Pilot[Any]) -> list[str]:
    return [notice.message for notice in pilot.app._notifications]


async def test_states_and_parameters(
    session: Any, running: Any, reader: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        tree, panel = await reader.begun(pilot, session, layers)
        assert reader.line_of(tree, "predictions").endswith("1.28 K ■ trains")
        assert reader.line_of(tree, "backbone").endswith("300 □ frozen")
        assert reader.line_of(tree, "pool").endswith("pool")
        assert "1.28 K of 6.28 K train" in plain(panel.border_title)


async def test_marks_stand_in_one_column(
    session: Any, running: Any, reader: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        tree, _ = await reader.begun(pilot, session, layers)
        shown = reader.lines(tree)
        found = {line.index(mark) for line in shown for mark in "■□◪" if mark in line}
        assert len(found) == 1


async def test_a_wide_panel_has_kind_and_shape_as_columns(
    session: Any, running: Any, until: Any, reader: Any, layers: LayerNode
) -> None:
    async with running(session, (80, 24)) as pilot:
        tree, _ = await reader.begun(pilot, session, layers)
        line = reader.line_of(tree, "predictions")
        assert line.split()[-6:] == ["Dense", "4×4×8", "1.28", "K", "■", "trains"]
        await pilot.press("1")
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: "Dense" not in reader.line_of(tree, "predictions"))
        await pilot.resize_terminal(200, 60)
        await until(pilot, lambda: "Dense" in reader.line_of(tree, "predictions"))


async def test_a_rejected_change_is_told_and_waits_no_more(
    session: Any, running: Any, until: Any, reader: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        tree, _ = await reader.begun(pilot, session, layers)
        reader.go_to(tree, "head")
        await pilot.press("space")
        await until(pilot, lambda: session.sent)
        session.play(CommandRejected(command=session.sent[0], reason="nothing would train"))
        await until(pilot, lambda: "■ trains" in reader.line_of(tree, "▾ head"))
        assert notices(pilot) == ["Not done: nothing would train"]


async def test_the_detail_follows_the_cursor(
    session: Any, running: Any, until: Any, reader: Any, layers: LayerNode
) -> None:
    async with running(session, (80, 24)) as pilot:
        tree, panel = await reader.begun(pilot, session, layers)
        for name, words in (
            ("predictions", "predictions · Dense · 4×4×8 · 1,280 parameters"),
            ("pool", "pool · Pool · 4×4×8 · no weights"),
            ("head", "head · 2 layers, 1 of 1 with weights train · 4×4×8 · 1,280 parameters"),
        ):
            reader.go_to(tree, name)
            await until(pilot, lambda words=words: reader.text(panel, "detail") == words)


async def test_cursor_and_open_groups_stay_when_events_come(
    session: Any, running: Any, until: Any, reader: Any, layers: LayerNode, events: Any
) -> None:
    async with running(session) as pilot:
        tree, _ = await reader.begun(pilot, session, layers)
        reader.go_to(tree, "stage1")
        await pilot.press("left")
        shut = tree.last_line
        session.play(events["batch"](1, 6), events["frozen_but"]("predictions", "block1_conv"))
        await until(pilot, lambda: "◪ some" in reader.line_of(tree, "stage1"))
        assert tree.last_line == shut
        assert tree.row is not None
        assert tree.row.title == "stage1"
        await pilot.press("enter")
        assert tree.last_line > shut
        await pilot.press("right", "down", "left", "left")
        assert tree.row.title == "stage1"


@pytest.mark.parametrize("size", SIZES)
async def test_the_panel_tells_what_a_change_costs_and_when_it_applies(
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
        session.play(EpochStarted(epoch=1, stage=1, steps=10), *[events["batch"](1, 10)] * 4)
        session.play(events["epoch_end"](1, 0.7))
        reader.go_to(tree, "stage1")
        await pilot.press("u")
        await until(pilot, lambda: "epoch 4 s →" in reader.text(panel, "waiting"))
        told = reader.text(panel, "waiting")
        assert told.startswith("2 layers wait · Adam")
        assert "frontier" in told
        assert "→ block1" in told
        assert "→ 1.48 K of 6.28 K train" in plain(panel.border_title)
        await reader.show(pilot, panel, pending_now=True)
        assert plain(panel.border_subtitle) == "after this batch  [⌫] undo"
        assert all(len(line) <= panel.content_size.width for line in told.splitlines())
