"""The layer tree on the training screen: states, toggles, what stays when events come."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.content import Content
from textual.geometry import Region

from engine.commands import SetTrainable
from engine.events import (
    CommandAccepted,
    CommandRejected,
    EpochStarted,
    FeaturesReady,
    FreezeApplied,
    LayerNode,
)
from engine.snapshot import RunSnapshot
from tui.panels.layers import LayersPanel, LayerTree, panel_subtitle


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
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        tree = pilot.app.screen.query_one(LayerTree)
        await until(pilot, lambda: line_of(tree, "predictions"))
        assert not line_of(tree, "kept")
        rows = tree.last_line
        session.play(frontier_at("predictions", "predictions"))
        await until(pilot, lambda: line_of(tree, "── kept: being computed ──"))
        session.play(features())
        await until(pilot, lambda: line_of(tree, "── kept: 415 MB in memory ──"))
        assert "── kept" in lines(tree)[tree.last_line - 1]
        assert "predictions" in lines(tree)[tree.last_line]
        assert tree.last_line == rows + 1
        session.play(frontier_at("", "predictions", "stem_conv"))
        await until(pilot, lambda: not line_of(tree, "kept"))
        assert tree.last_line == rows


async def test_the_line_stands_above_the_group_that_begins_with_the_frontier(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        session.play(frontier_at("block1_conv", "block1_conv", "predictions"), features("disk"))
        tree = pilot.app.screen.query_one(LayerTree)
        await until(pilot, lambda: line_of(tree, "── kept: 415 MB on disk ──"))
        shown = lines(tree)
        rule = next(i for i, line in enumerate(shown) if "kept" in line)
        assert "stage1" in shown[rule + 1]


async def test_a_closed_group_says_that_the_line_is_inside(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        session.play(frontier_at("block1_conv", "block1_conv", "predictions"), features())
        tree = pilot.app.screen.query_one(LayerTree)
        await until(pilot, lambda: line_of(tree, "kept"))
        open_lines = tree.last_line
        go_to(tree, "backbone")
        await pilot.press("left")
        assert "backbone ── kept" in line_of(tree, "backbone")
        assert line_of(tree, "backbone").endswith("◪ some")
        assert tree.last_line < open_lines - 1
        await pilot.press("right")
        assert "kept" not in line_of(tree, "backbone")
        assert tree.last_line == open_lines


async def test_the_cursor_steps_over_the_line(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        session.play(frontier_at("predictions", "predictions"), features())
        tree = pilot.app.screen.query_one(LayerTree)
        await until(pilot, lambda: line_of(tree, "kept"))
        go_to(tree, "pool")
        await pilot.press("down")
        assert cursor_title(tree) == "predictions"
        await pilot.press("up")
        assert cursor_title(tree) == "pool"
        rule = next(i for i, line in enumerate(lines(tree)) if "kept" in line)
        await pilot.click(tree, offset=(8, rule))
        assert cursor_title(tree) == "predictions"
        await pilot.press("space")
        await until(pilot, lambda: session.sent)
        assert session.sent[0].layers == ("predictions",)


async def test_the_cursor_steps_over_a_line_at_the_very_top(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        session.play(frontier_at("stem_conv", "stem_conv", "predictions"))
        tree = pilot.app.screen.query_one(LayerTree)
        await until(pilot, lambda: line_of(tree, "kept"))
        assert "kept" in lines(tree)[0]
        await pilot.press("end", "home")
        assert cursor_title(tree) == "backbone"
        await pilot.press("up")
        assert cursor_title(tree) == "backbone"


async def test_the_cursor_stays_on_its_layer_when_the_line_moves(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        session.play(frontier_at("predictions", "predictions"), features())
        tree = pilot.app.screen.query_one(LayerTree)
        await until(pilot, lambda: line_of(tree, "kept"))
        go_to(tree, "head")
        for frontier in ("block1_conv", "pool", "", "predictions", "unknown"):
            session.play(frontier_at(frontier, "predictions"))
            await until(pilot, lambda f=frontier: tree._frontier == f)
            await pilot.pause()
            assert cursor_title(tree) == "head"
            assert len([line for line in lines(tree) if "── kept" in line]) == (
                frontier not in ("", "unknown")
            )


async def test_another_model_begins_without_a_line(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        session.play(frontier_at("predictions", "predictions"), features())
        tree = pilot.app.screen.query_one(LayerTree)
        await until(pilot, lambda: line_of(tree, "kept"))
        session.begin(replace(layers, name="other"), index=1)
        await until(pilot, lambda: not line_of(tree, "kept"))
        session.play(frontier_at("predictions", "predictions"), index=1)
        await until(pilot, lambda: line_of(tree, "kept"))


async def test_the_panel_tells_features_and_what_a_change_costs(
    session: Any, running: Any, until: Any, layers: LayerNode, events: Any
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        session.play(frontier_at("predictions", "predictions"), features())
        tree = pilot.app.screen.query_one(LayerTree)
        panel = pilot.app.screen.query_one(LayersPanel)
        words = "features 415 MB in memory · 640 img/s"
        await until(pilot, lambda: plain(panel.border_subtitle) == words)
        session.play(EpochStarted(epoch=1, stage=1, steps=10), *[events["batch"](1, 10)] * 4)
        session.play(events["epoch_end"](1, 0.7))
        go_to(tree, "head")
        await pilot.press("space")
        await until(pilot, lambda: "an epoch 4 s →" in plain(panel.border_subtitle))


@pytest.mark.parametrize(
    ("width", "words"),
    [
        (70, "2 changes wait: an epoch 4 s → 38 s, after extracting 1:05"),
        (42, "an epoch 4 s → 38 s, after extracting 1:05"),
        (40, "epoch 4 s → 38 s, after extracting 1:05"),
        (10, "epoch 4 s → 38 s, extracting 1:05"),
    ],
)
def test_what_a_change_costs_is_said_in_the_room_there_is(
    run: RunSnapshot, width: int, words: str
) -> None:
    waits = replace(
        run,
        pending={"a": True, "b": True},
        epoch_seconds_now=4.2,
        epoch_seconds_after_pending=38.4,
        extraction_seconds_after_pending=65.0,
    )
    assert panel_subtitle(waits, width).plain == words


@pytest.mark.parametrize(("seconds", "words"), [(0.0, "0.3 s → 2:10"), (None, "0.3 s → 2:10")])
def test_where_nothing_is_extracted_nothing_is_said_of_it(
    run: RunSnapshot, seconds: float | None, words: str
) -> None:
    waits = replace(
        run,
        pending={"a": False},
        epoch_seconds_now=0.3,
        epoch_seconds_after_pending=130.0,
        extraction_seconds_after_pending=seconds,
    )
    assert panel_subtitle(waits, 60).plain == f"1 change waits: an epoch {words}"


def test_before_anything_is_measured_a_change_only_waits(run: RunSnapshot) -> None:
    waits = replace(run, pending={"a": True}, features=features())
    assert panel_subtitle(waits, 60).plain == "1 change waits for the epoch's end"


def test_features_are_told_in_the_room_there_is(run: RunSnapshot) -> None:
    kept = replace(run, features=features("disk"), images_per_second=24_113.0)
    assert panel_subtitle(kept, 60).plain == "features 415 MB on disk · 24,113 img/s"
    assert panel_subtitle(kept, 30).plain == "features 415 MB · 24,113 img/s"
    assert panel_subtitle(kept, 20).plain == "415 MB · 24,113 img/s"
    silent = replace(kept, images_per_second=None)
    assert panel_subtitle(silent, 60).plain == "features 415 MB on disk"
