"""What the layer panel says around its tree, and of the row under the cursor."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.protocol.events import FeaturesReady
from engine.protocol.facts import LayerNode, ModelFacts
from engine.state.snapshot import RunSnapshot
from tui.panels.layers.row_state import RowState
from tui.panels.layers.rows import LayerRow
from tui.panels.layers.texts import (
    LOCK_REASON,
    frontier_words,
    panel_subtitle,
    panel_title,
    row_detail,
    waiting_lines,
)

CONV = LayerNode("block6d_expand_conv", "Conv2D", (4, 4, 1152), 221_184, True)
BN = LayerNode("block6d_expand_bn", "BatchNormalization", (4, 4, 1152), 4_608, False)
RELU = LayerNode("block6d_relu", "ReLU", (4, 4, 1152), 0, False)
BLOCK = LayerNode("block 6d", "block", (4, 4, 192), 481_152, True, (CONV, BN, RELU))
LAYER = LayerRow(CONV, "expand_conv", (CONV.name,))
GROUP = LayerRow(BLOCK, "block 6d", (CONV.name, BN.name), (LAYER,), 3)


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


@pytest.fixture
def waits(run: RunSnapshot, layers: LayerNode) -> RunSnapshot:
    """A run whose head trains, and which is to train block 1 as well."""
    return replace(
        run,
        stage=1,
        layers=layers,
        trainable=frozenset({"predictions"}),
        trainable_parameters=1_980_000,
        frozen_parameters=1_420_000,
        pending={"block1_conv": True, "block1_bn": True},
        trainable_parameters_after_pending=2_010_000,
        frontier_after_pending="block1_conv",
        epoch_seconds_now=4.2,
        epoch_seconds_after_pending=38.4,
        extraction_seconds_after_pending=65.0,
    )


def test_the_title_tells_what_trains_now_and_after(waits: RunSnapshot) -> None:
    assert panel_title(waits).plain == "Layers  1.98 → 2.01 M of 3.40 M train"
    after = waits.trainable_parameters
    same = replace(waits, trainable_parameters_after_pending=after)
    assert panel_title(same).plain == "Layers  1.98 M of 3.40 M train"
    done = replace(waits, trainable_parameters_after_pending=None)
    assert panel_title(done).plain == "Layers  1.98 M of 3.40 M train"
    assert panel_title(replace(waits, stage=0)).plain == "Layers"


def test_before_a_step_is_compiled_the_title_tells_what_trains_next(waits: RunSnapshot) -> None:
    extracting = replace(
        waits,
        stage_trains="head",
        trainable_parameters=0,
        frozen_parameters=0,
        trainable=frozenset(),
    )
    assert panel_title(extracting).plain == "Layers  trains next: head"
    assert not any("Adam" in line for line in waiting_lines(extracting, 90))
    told = words(GROUP, RowState("open", "open", 0))
    assert told == "block 6d · 3 layers · 4×4×192 · 481,152 parameters"


@pytest.mark.parametrize(
    ("width", "is_now", "words"),
    [
        (40, False, "at the epoch's end  [a] now  [⌫] undo"),
        (30, False, "[a] now  [⌫] undo"),
        (40, True, "after this batch  [⌫] undo"),
        (20, True, "after this batch"),
    ],
)
def test_the_subtitle_tells_when_it_applies(
    waits: RunSnapshot, width: int, is_now: bool, words: str
) -> None:
    assert panel_subtitle(replace(waits, pending_now=is_now), width).plain == words


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (
            90,
            [
                "2 layers wait · Adam's memory 15.1 → 15.3 MB · frontier head → block1",
                "an epoch 4 s → 38 s, after extracting 1:05",
            ],
        ),
        (
            43,
            [
                "2 layers wait · Adam 15.1 → 15.3 MB",
                "frontier → block1",
                "an epoch 4 s → 38 s, after extracting 1:05",
            ],
        ),
        (
            41,
            [
                "2 layers wait · Adam 15.1 → 15.3 MB",
                "frontier → block1",
                "epoch 4 s → 38 s, extracting 1:05",
            ],
        ),
    ],
)
def test_what_waits_and_what_it_brings(waits: RunSnapshot, width: int, lines: list[str]) -> None:
    assert waiting_lines(waits, width) == lines


def test_while_nothing_waits_nothing_is_said(run: RunSnapshot) -> None:
    assert waiting_lines(run, 80) == []


@pytest.mark.parametrize(
    ("pending", "lock", "words"),
    [
        ({"a": True}, None, "1 layer waits"),
        ({}, True, "BatchNormalization will be locked"),
        ({"a": True}, False, "1 layer waits, BatchNormalization will be released"),
    ],
)
def test_before_anything_is_measured_only_what_waits_is_told(
    run: RunSnapshot, pending: dict[str, bool], lock: bool | None, words: str
) -> None:
    assert waiting_lines(replace(run, pending=pending, pending_lock=lock), 80) == [words]
    narrow = waiting_lines(replace(run, pending=pending, pending_lock=lock), 40)
    assert all(len(line) <= 40 for line in narrow)


def test_a_frontier_that_stays_in_its_group_is_not_told(waits: RunSnapshot) -> None:
    stays = replace(waits, frontier_after_pending="predictions")
    assert not any("frontier" in line for line in waiting_lines(stays, 90))
    plain = replace(waits, spec=replace(waits.spec, feature_cache=False))
    assert not any("frontier" in line for line in waiting_lines(plain, 90))


@pytest.mark.parametrize("seconds", [0.0, 0.2, None])
def test_where_nothing_is_extracted_nothing_is_said_of_it(
    waits: RunSnapshot, seconds: float | None
) -> None:
    run = replace(waits, extraction_seconds_after_pending=seconds, epoch_seconds_now=0.3)
    assert waiting_lines(run, 90)[-1].endswith("an epoch 0.3 s → 38 s")


@pytest.mark.parametrize(
    ("width", "words"),
    [
        (18, ""),
        (20, "? explains the signs"),
        (40, "bar: moved in the last epoch · ? signs"),
        (74, "bar: moved in the last epoch · kept: computed once · locked: BatchNorm"),
        (140, "bar: change of the weights in the last epoch, log scale · kept: frozen above, "),
    ],
)
def test_the_subtitle_explains_the_marks_in_the_room_there_is(
    waits: RunSnapshot, width: int, words: str
) -> None:
    calm = replace(waits, pending={})
    assert panel_subtitle(replace(calm, layers=None), width).plain == ""
    told = panel_subtitle(calm, width).plain
    assert len(told) <= width
    assert told.startswith(words) if width > 100 else told == words


def test_where_there_is_room_the_subtitle_tells_of_the_model_too(waits: RunSnapshot) -> None:
    facts = ModelFacts(
        parameters=3_400_000, depth=50, flops=62_700_000, image_size=64, backbone_layers=153
    )
    calm = replace(waits, pending={}, model=facts)
    assert panel_subtitle(calm, 100).plain.endswith("BatchNorm · depth 50 · 62.7 M FLOPs")
    assert panel_subtitle(calm, 74).plain.endswith("BatchNorm")


def test_the_frontier_tells_what_is_kept(run: RunSnapshot) -> None:
    assert frontier_words(run) == ()
    kept = replace(run, frontier="predictions")
    assert frontier_words(kept) == ("kept: being computed", "kept")
    ready = replace(kept, features=features("disk"))
    assert frontier_words(ready) == (
        "above: computed once, 415 MB kept on disk",
        "kept: 415 MB on disk",
        "kept: 415 MB",
        "kept",
    )


def words(row: LayerRow, state: RowState, width: int = 200) -> str:
    return row_detail(row, state, width).plain


@pytest.mark.parametrize(
    ("width", "told"),
    [
        (200, "block6d_expand_conv · Conv2D · 4×4×1152 · 221,184 parameters · moved 2.1e-03"),
        (70, "expand_conv · Conv2D · 4×4×1152 · 221,184 parameters · moved 2.1e-03"),
        (60, "expand_conv · Conv2D · 4×4×1152 · moved 2.1e-03"),
        (43, "expand_conv · Conv2D · moved 2.1e-03"),
        (30, "expand_conv · moved 2.1e-03"),
        (20, "expand_conv"),
    ],
)
def test_a_layer_in_the_room_there_is(width: int, told: str) -> None:
    assert words(LAYER, RowState("trains", "trains", 0, train=1, moved=2.14e-3), width) == told


def test_of_a_layer_that_did_not_move_no_number_is_told() -> None:
    state = RowState("frozen", "frozen", 0)
    assert words(LAYER, state) == "block6d_expand_conv · Conv2D · 4×4×1152 · 221,184 parameters"
    assert words(LAYER, state, 43) == "expand_conv · Conv2D · 221,184 parameters"
    relu = LayerRow(RELU, "relu", ())
    assert words(relu, RowState("none", "none", 0)) == "block6d_relu · ReLU · 4×4×1152 · no weights"


@pytest.mark.parametrize(
    ("width", "told"),
    [
        (
            200,
            "block 6d · 3 layers, 1 of 2 with weights train, 1 locked · 4×4×192"
            " · 481,152 parameters · moved up to 1.0e-02",
        ),
        (72, "block 6d · 1 of 2 train, 1 locked · 481,152 parameters · moved 1.0e-02"),
        (66, "block 6d · 1 of 2 train · 481,152 parameters · moved 1.0e-02"),
        (43, "block 6d · 1 of 2 train · moved 1.0e-02"),
        (30, "block 6d · 1 of 2 train"),
    ],
)
def test_a_group_tells_how_many_of_its_layers_train(width: int, told: str) -> None:
    state = RowState("trains", "trains", 0, train=1, locked=1, moved=1e-2)
    assert words(GROUP, state, width) == told


def test_a_group_without_weights_says_so() -> None:
    row = LayerRow(LayerNode("input", "input", (8,), 0, False, (RELU,)), "input", (), (LAYER,))
    assert words(row, RowState("none", "none", 0)) == "input · 1 layer · 8 · no weights"


def test_a_locked_layer_tells_why() -> None:
    row = LayerRow(BN, "expand_bn", (BN.name,))
    state = RowState("locked", "locked", 0, locked=1)
    kind = "block6d_expand_bn · BatchNormalization · 4×4×1152 · 4,608 parameters"
    assert words(row, state) == f"{kind} · locked: {LOCK_REASON}"
    assert words(row, state, 90) == f"block6d_expand_bn · locked: {LOCK_REASON}"
    assert len(words(row, state, 43)) <= 43
    assert words(row, state, 43).startswith("locked")


def test_a_lock_that_waits_is_told() -> None:
    row = LayerRow(BN, "expand_bn", (BN.name,))
    kind = "block6d_expand_bn · BatchNormalization · 4×4×1152 · 4,608 parameters"
    assert words(row, RowState("locked", "trains", 1, locked=1)) == f"{kind} · will be released"
    assert words(row, RowState("locked", "frozen", 0, locked=1), 43).endswith("will be released")
    assert words(row, RowState("trains", "locked", 1)).startswith(
        "block6d_expand_bn · will be locked:"
    )


def test_what_moved_while_frozen_is_told_in_red() -> None:
    state = RowState("frozen", "frozen", 0, broken=1, moved=1e-3)
    told = row_detail(LAYER, state, 60)
    assert told.plain == "block6d_expand_conv · moved while frozen · 1.0e-03"
    assert [span.style for span in told.spans] == ["$error"]
    assert words(GROUP, state, 60) == "block 6d · 1 layer moved while frozen"
    assert words(LAYER, state, 10) == "moved while frozen"
