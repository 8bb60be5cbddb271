"""What the rows of the layer tree show, told from a snapshot."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.protocol.facts import LayerNode
from engine.state.layer_choice import lockable
from engine.state.snapshot import RunSnapshot
from tui.panels.layers.row_state import RowState, drawn_from, row_state, toggled_value
from tui.panels.layers.rows import LayerRow, layer_rows

SPEC = RunSpec("M", "digits", (Stage("head", 1, 1e-3, 0),), image_size=32)
EVERY = frozenset({"stem_conv", "block1_conv", "block1_bn"})
BN = frozenset({"block1_bn"})


def training(
    trainable: frozenset[str] = frozenset(), *, locked: bool = False, **state: Any
) -> RunSnapshot:
    """A run in its first stage, a step compiled."""
    state = {"frozen_parameters": 100, **state}
    return RunSnapshot("run", SPEC, stage=1, trainable=trainable, batchnorm_locked=locked, **state)


def state_of(row: LayerRow, run: RunSnapshot) -> RowState:
    return row_state(row, run, BN)


def rows_below(rows: tuple[LayerRow, ...]) -> Iterator[LayerRow]:
    for row in rows:
        yield row
        yield from rows_below(row.children)


def named(rows: tuple[LayerRow, ...], name: str) -> LayerRow:
    return next(row for row in rows_below(rows) if row.node.name == name)


@pytest.fixture
def backbone(layers: LayerNode) -> LayerRow:
    return layer_rows(layers)[0]


@pytest.fixture
def batchnorm(layers: LayerNode) -> LayerRow:
    return named(layer_rows(layers), "block1_bn")


@pytest.mark.parametrize(
    ("trainable", "pending", "mark", "short"),
    [
        ((), {}, "□ frozen", "□"),
        (("stem_conv",), {}, "◪ some", "◪"),
        (EVERY, {}, "■ trains", "■"),
        ((), {"stem_conv": True}, "□ → some", "□→◪"),
        (EVERY, dict.fromkeys(EVERY, False), "■ → frozen", "■→□"),
    ],
)
def test_marks_of_a_group(
    backbone: LayerRow, trainable: frozenset[str], pending: dict[str, bool], mark: str, short: str
) -> None:
    state = state_of(backbone, training(frozenset(trainable), pending=pending))
    assert (state.mark, state.short_mark) == (mark, short)


def test_before_a_step_is_compiled_no_layer_is_called_frozen(
    backbone: LayerRow, batchnorm: LayerRow
) -> None:
    extracting = training(frozen_parameters=0)
    assert (state_of(backbone, extracting).mark, state_of(backbone, extracting).waits) == (
        "",
        False,
    )
    asked = replace(extracting, pending=dict.fromkeys(EVERY, True))
    assert state_of(backbone, asked).mark == "  → trains"
    assert state_of(batchnorm, extracting).mark == "▫ locked"


def test_what_moved_before_it_was_frozen_is_not_told(backbone: LayerRow) -> None:
    run = training(EVERY, moved={"stem_conv": 0.5, "block1_conv": 0.1})
    assert state_of(backbone, run).moved == 0.5
    assert state_of(backbone, replace(run, trainable=EVERY - {"stem_conv"})).moved == 0.1
    broken = replace(run, trainable=frozenset(), broken=frozenset({"stem_conv"}))
    assert state_of(backbone, broken).moved == 0.5


def test_a_layer_without_weights_has_no_mark(layers: LayerNode) -> None:
    pool = named(layer_rows(layers), "pool")
    assert state_of(pool, training()).mark == ""


def test_a_locked_layer_counts_for_no_group(backbone: LayerRow, batchnorm: LayerRow) -> None:
    states = training(EVERY - BN, selected=EVERY, locked=True)
    assert state_of(batchnorm, states).mark == "▫ locked"
    state = state_of(backbone, states)
    assert (state.mark, state.train, state.locked) == ("■ trains", 2, 1)
    assert toggled_value(state) is False
    nothing = state_of(backbone, training(locked=True))
    assert nothing.mark == "□ frozen"


def test_a_choice_for_a_locked_layer_shows_as_locked(batchnorm: LayerRow) -> None:
    states = training(pending={"block1_bn": True}, locked=True)
    assert state_of(batchnorm, states).mark == "▫ locked"


@pytest.mark.parametrize(
    ("states", "mark"),
    [
        (training(selected=BN, locked=True, pending_lock=False), "▫ → trains"),
        (training(locked=True, pending_lock=False), "▫ → frozen"),
        (training(pending={"block1_bn": True}, locked=True, pending_lock=False), "▫ → trains"),
        (training(BN, selected=BN, pending_lock=True), "■ → locked"),
        (training(pending_lock=True), "□ → locked"),
    ],
)
def test_a_lock_that_waits_shows_on_the_layers_it_holds(
    batchnorm: LayerRow, states: RunSnapshot, mark: str
) -> None:
    assert state_of(batchnorm, states).mark == mark


def test_a_released_layer_counts_for_its_groups_again(backbone: LayerRow) -> None:
    state = state_of(
        backbone, training(EVERY - BN, selected=EVERY - BN, locked=True, pending_lock=False)
    )
    assert (state.mark, state.waiting) == ("■ → some", 0)


def test_a_group_that_does_not_train_before_or_after_a_release_does_not_wait(
    backbone: LayerRow,
) -> None:
    assert state_of(backbone, training(locked=True, pending_lock=False)).mark == "□ frozen"


def test_a_toggle_freezes_only_what_trains_as_a_whole(backbone: LayerRow) -> None:
    def value(trainable: frozenset[str], pending: dict[str, bool]) -> bool:
        return toggled_value(state_of(backbone, training(trainable, pending=pending)))

    assert value(EVERY, {}) is False
    assert value(frozenset({"stem_conv"}), {}) is True
    assert value(frozenset(), dict.fromkeys(EVERY, True)) is False


def test_a_group_moved_as_far_as_its_farthest_layer(backbone: LayerRow) -> None:
    moved = {"stem_conv": 1e-4, "block1_conv": 2e-3, "predictions": 0.5}
    assert state_of(backbone, training(EVERY, moved=moved)).moved == 2e-3
    assert state_of(backbone, training(moved={"predictions": 0.5})).moved == 0
    lost = state_of(backbone, training(EVERY, moved={"stem_conv": math.nan, "block1_conv": 0.1}))
    assert lost.moved == math.inf


def test_a_group_counts_the_layers_that_moved_while_frozen(backbone: LayerRow) -> None:
    assert state_of(backbone, training(broken=frozenset({"stem_conv"}))).broken == 1
    assert state_of(backbone, training(broken=frozenset({"predictions"}))).broken == 0


def test_the_lock_is_the_runs_once_a_step_is_compiled(run: RunSnapshot, layers: LayerNode) -> None:
    batchnorm = named(layer_rows(layers), "block1_bn")

    def mark(**changes: Any) -> str:
        return row_state(batchnorm, replace(run, **changes), lockable(layers)).mark

    assert lockable(layers) == BN
    assert run.spec.batchnorm == "locked"
    assert mark() == "▫ locked"
    assert mark(stage=1, frozen_parameters=1) == "□ frozen"
    assert mark(frozen_parameters=1, batchnorm_locked=True) == "▫ locked"
    assert mark(frozen_parameters=1, batchnorm_locked=True, pending_lock=False) == "▫ → frozen"


def test_rows_are_drawn_again_for_what_they_show(run: RunSnapshot) -> None:
    same = replace(run, step=5, trainable=frozenset(run.trainable))
    assert drawn_from(run) == drawn_from(same)
    for changes in (
        {"trainable": BN},
        {"selected": BN},
        {"pending": {"block1_bn": True}},
        {"moved": {"block1_bn": 1.0}},
        {"broken": BN},
        {"frozen_parameters": 1},
        {"batchnorm_locked": True},
        {"pending_lock": True},
    ):
        assert drawn_from(replace(run, **changes)) != drawn_from(run)
