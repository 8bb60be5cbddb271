"""What the rows of the layer tree show, told from a snapshot."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.protocol.facts import LayerNode
from engine.state.layer_choice import lockable
from engine.state.snapshot import RunSnapshot
from tui.panels.layers.row_state import LayerStates, layer_states, row_state, toggled_value
from tui.panels.layers.rows import LayerRow, layer_rows

EVERY = frozenset({"stem_conv", "block1_conv", "block1_bn"})
BN = frozenset({"block1_bn"})


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
    state = row_state(backbone, LayerStates(frozenset(trainable), pending=pending))
    assert (state.mark, state.short_mark) == (mark, short)


def test_a_layer_without_weights_has_no_mark(layers: LayerNode) -> None:
    pool = named(layer_rows(layers), "pool")
    assert row_state(pool, LayerStates()).mark == ""


def test_a_locked_layer_counts_for_no_group(backbone: LayerRow, batchnorm: LayerRow) -> None:
    states = LayerStates(EVERY - BN, selected=EVERY, locked=BN, locked_after=BN)
    assert row_state(batchnorm, states).mark == "▫ locked"
    state = row_state(backbone, states)
    assert (state.mark, state.train, state.locked) == ("■ trains", 2, 1)
    assert toggled_value(state) is False
    nothing = row_state(backbone, LayerStates(locked=BN, locked_after=BN))
    assert nothing.mark == "□ frozen"


def test_a_choice_for_a_locked_layer_shows_as_locked(batchnorm: LayerRow) -> None:
    states = LayerStates(pending={"block1_bn": True}, locked=BN, locked_after=BN)
    assert row_state(batchnorm, states).mark == "▫ locked"


@pytest.mark.parametrize(
    ("states", "mark"),
    [
        (LayerStates(selected=BN, locked=BN), "▫ → trains"),
        (LayerStates(locked=BN), "▫ → frozen"),
        (LayerStates(pending={"block1_bn": True}, locked=BN), "▫ → trains"),
        (LayerStates(BN, selected=BN, locked_after=BN), "■ → locked"),
        (LayerStates(locked_after=BN), "□ → locked"),
    ],
)
def test_a_lock_that_waits_shows_on_the_layers_it_holds(
    batchnorm: LayerRow, states: LayerStates, mark: str
) -> None:
    assert row_state(batchnorm, states).mark == mark


def test_a_released_layer_counts_for_its_groups_again(backbone: LayerRow) -> None:
    state = row_state(backbone, LayerStates(EVERY - BN, selected=EVERY - BN, locked=BN))
    assert (state.mark, state.waiting) == ("■ → some", 0)


def test_a_group_that_does_not_train_before_or_after_a_release_does_not_wait(
    backbone: LayerRow,
) -> None:
    assert row_state(backbone, LayerStates(locked=BN)).mark == "□ frozen"


def test_a_toggle_freezes_only_what_trains_as_a_whole(backbone: LayerRow) -> None:
    def value(trainable: frozenset[str], pending: dict[str, bool]) -> bool:
        return toggled_value(row_state(backbone, LayerStates(trainable, pending=pending)))

    assert value(EVERY, {}) is False
    assert value(frozenset({"stem_conv"}), {}) is True
    assert value(frozenset(), dict.fromkeys(EVERY, True)) is False


def test_a_group_moved_as_far_as_its_farthest_layer(backbone: LayerRow) -> None:
    moved = {"stem_conv": 1e-4, "block1_conv": 2e-3, "predictions": 0.5}
    assert row_state(backbone, LayerStates(moved=moved)).moved == 2e-3
    assert row_state(backbone, LayerStates(moved={"predictions": 0.5})).moved == 0
    lost = row_state(backbone, LayerStates(moved={"stem_conv": math.nan, "block1_conv": 0.1}))
    assert lost.moved == math.inf


def test_a_group_counts_the_layers_that_moved_while_frozen(backbone: LayerRow) -> None:
    assert row_state(backbone, LayerStates(broken=frozenset({"stem_conv"}))).broken == 1
    assert row_state(backbone, LayerStates(broken=frozenset({"predictions"}))).broken == 0


def test_the_lock_is_the_runs_once_a_stage_began(run: RunSnapshot, layers: LayerNode) -> None:
    held = lockable(layers)
    assert held == BN
    assert run.spec.batchnorm == "locked"
    assert layer_states(run, held).locked == BN
    assert layer_states(replace(run, stage=1), held).locked == frozenset()
    locked = replace(run, stage=1, batchnorm_locked=True)
    assert layer_states(locked, held).locked_after == BN
    assert layer_states(replace(locked, pending_lock=False), held).locked_after == frozenset()
