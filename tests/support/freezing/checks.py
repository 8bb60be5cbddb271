"""Compare what the trainer reported with what the weights did, and both with the commands."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from engine.protocol.commands import ApplyNow
from engine.protocol.events import (
    BatchEnded,
    CommandAccepted,
    EpochEnded,
    EpochStarted,
    FreezeApplied,
    LayersMoved,
    RunStarted,
    event_from_line,
)
from engine.state.layer_choice import leaf_nodes
from engine.state.store import RunStore
from tests.support.freezing.asked import Landing, asked_at
from tests.support.freezing.witness import Sighting, Witness
from tests.support.training import Trained


def check_everything(
    run: Trained, witness: Witness, expected: Sequence[Landing], *, every_variable: bool
) -> None:
    """Make all the checks below, on a run of one stage.

    Args:
        run: the trained run.
        witness: the witness of that run.
        expected: what should have trained, by the plain model.
        every_variable: whether each variable of a training layer must have moved, or just one.
    """
    check_history(run)
    check_weights(witness, expected, every_variable=every_variable)
    check_words(run, witness, expected)
    check_optimizer(run, witness, expected)
    check_movement(run, witness)
    check_record(run, witness, expected)


def check_weights(witness: Witness, expected: Sequence[Landing], *, every_variable: bool) -> None:
    """Check, byte for byte, that what should train moved between events, and nothing else."""
    for before, after in pairwise(witness.sightings):
        took_steps = after.steps > before.steps
        asked = asked_at(expected, before.at)
        trains = witness.training(asked) if took_steps else frozenset[str]()
        moved = before.moved(after)
        where = f"from {before.at} to {after.at}"
        assert moved - trains == set(), f"frozen and moved {where}"
        assert trains - moved == set(), f"trainable and did not move {where}"
        for name in trains:
            _check_layer(witness, name, before, after, every_variable=every_variable)


def _check_layer(
    witness: Witness, name: str, before: Sighting, after: Sighting, *, every_variable: bool
) -> None:
    then, now = before.weights[name], after.weights[name]
    still = {path for path in then if then[path] == now[path]}
    assert len(still) < (1 if every_variable else len(then)), f"{still} from {before.at}"
    then, now = before.statistics[name], after.statistics[name]
    follows = {path for path in then if then[path] != now[path]}
    assert follows == (set(then) if witness.is_batchnorm(name) else set())


def check_words(run: Trained, witness: Witness, expected: Sequence[Landing]) -> None:
    """Check that the tree and every FreezeApplied say what trains, and apply commands in time."""
    (started,) = run.all(RunStarted)
    order = [leaf.name for leaf in leaf_nodes(started.layers)]
    shown = {leaf.name for leaf in leaf_nodes(started.layers) if leaf.trainable}
    assert shown == witness.training(expected[0].asked)
    immediate = [e.command.id for e in run.all(CommandAccepted) if isinstance(e.command, ApplyNow)]
    carried = []
    for sighting in witness.sightings:
        event = sighting.event
        if not isinstance(event, FreezeApplied):
            continue
        _check_freeze(event, sighting, witness, expected)
        _check_frontier(event, order, kept=run.spec.feature_cache)
        ids = frozenset(event.command_ids).difference(immediate)
        if ids:
            carried.append((sighting.at, ids))
    assert carried == [(landing.at, landing.ids) for landing in expected[1:]]


def _check_freeze(
    event: FreezeApplied, sighting: Sighting, witness: Witness, expected: Sequence[Landing]
) -> None:
    asked = asked_at(expected, sighting.at)
    trains = witness.training(asked)
    assert (event.epoch, event.step) == sighting.at
    assert set(event.trainable) == trains
    assert asked.selected == witness.layers.keys() & set(event.selected)
    assert event.batchnorm_locked == asked.locked
    assert event.trainable_parameters == witness.count(trains)
    whole = witness.classifier.network.count_params()
    assert event.trainable_parameters + event.frozen_parameters == whole


def _check_frontier(event: FreezeApplied, order: list[str], *, kept: bool) -> None:
    assert kept or not event.frontier
    if event.frontier:
        before = order[: order.index(event.frontier)]
        assert not set(before) & set(event.trainable)


def check_optimizer(run: Trained, witness: Witness, expected: Sequence[Landing]) -> None:
    """Check that steps continue, kept layers keep momenta and step counts, new ones start empty."""
    (started,) = run.all(RunStarted)
    carried = False
    for handover in witness.handovers:
        before, after = handover.before, handover.after
        assert after.iterations == before.iterations
        stayed = before.state.keys() & after.state.keys()
        assert {path: after.state[path] for path in stayed} == {
            path: before.state[path] for path in stayed
        }
        if handover.trained:
            assert not before.empty
            carried = carried or bool(stayed)
        newcomers = after.state.keys() - stayed
        assert newcomers <= after.empty
        assert {after.state[path][2] for path in newcomers} <= {after.iterations}
    assert carried == any(handover.trained for handover in witness.handovers)
    final = asked_at(expected, (run.spec.epochs, started.steps_per_epoch))
    if witness.handovers:
        held = witness.handovers[-1].after.state.keys()
        assert held == witness.paths(witness.training(final))
    for sighting in witness.sightings:
        if isinstance(sighting.event, EpochEnded):
            assert sighting.iterations == sighting.event.epoch * started.steps_per_epoch


def check_history(run: Trained) -> None:
    """Check that no epoch is missing, each step is reported once, each loss is the mean of all."""
    (started,) = run.all(RunStarted)
    steps, size = started.steps_per_epoch, run.spec.batch_size
    every = list(range(1, run.spec.epochs + 1))
    assert [event.epoch for event in run.all(EpochStarted)] == every
    assert [event.epoch for event in run.all(EpochEnded)] == every
    images = [size] * (steps - 1) + [started.data.train_images - size * (steps - 1)]
    for ended in run.all(EpochEnded):
        told = [event for event in run.all(BatchEnded) if event.epoch == ended.epoch]
        covered = [range(event.step - event.batches, event.step) for event in told]
        assert [step for part in covered for step in part] == list(range(steps))
        losses = [e.loss * sum(images[i] for i in c) for e, c in zip(told, covered, strict=True)]
        assert sum(losses) / sum(images) == pytest.approx(ended.loss, rel=1e-4)


def check_movement(run: Trained, witness: Witness) -> None:
    """Check that each epoch is followed by a report of its moved layers, none of them broken."""
    kinds = (EpochStarted, EpochEnded, LayersMoved, FreezeApplied)
    told = [event for event in run.events if isinstance(event, kinds)]
    after = [then for event, then in pairwise(told) if isinstance(event, EpochEnded)]
    begins = [s for s in witness.sightings if isinstance(s.event, EpochStarted)]
    ends = [s for s in witness.sightings if isinstance(s.event, EpochEnded)]
    assert len(after) == len(begins) == len(ends)
    for event, begin, end in zip(after, begins, ends, strict=True):
        assert isinstance(event, LayersMoved)
        assert event.epoch == begin.at[0]
        assert event.moved.keys() == begin.moved(end)
        assert min(event.moved.values(), default=1) > 0
        assert event.broken == ()


def check_record(run: Trained, witness: Witness, expected: Sequence[Landing]) -> None:
    """Check that a RunStore reading the record shows what trains, no sooner and no later."""
    store = RunStore(run.directory.run_id, run.spec)
    freezes = [s for s in witness.sightings if isinstance(s.event, FreezeApplied)]
    landed = {landing.at: landing.ids for landing in expected}
    for line in run.directory.events.read_text().splitlines():
        event = event_from_line(line)
        assert event is not None
        waited = set(store.snapshot().pending_ids) if isinstance(event, FreezeApplied) else set()
        store.apply(event)
        if isinstance(event, FreezeApplied):
            sighting = freezes.pop(0)
            shown = store.snapshot()
            assert shown.trainable == witness.training(asked_at(expected, sighting.at))
            if event.command_ids:
                assert landed[sighting.at] <= waited
                assert not landed[sighting.at] & set(shown.pending_ids)
    assert not freezes
    assert not store.snapshot().pending
