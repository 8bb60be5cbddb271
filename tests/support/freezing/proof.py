"""Train by a script of commands, and prove that what is reported as frozen is frozen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import pytest

import engine.features.extraction
import engine.training.execution
import engine.training.segment
from engine.config.spec import RunSpec
from engine.model.trainable import select_last
from engine.protocol.commands import Command, Stop
from engine.protocol.events import BatchEnded, EpochEnded, EpochStarted, Event, RunEnded, RunStarted
from engine.protocol.facts import LayerNode
from tests.support.freezing.asked import Asked, Script, landings
from tests.support.freezing.checks import check_everything
from tests.support.freezing.witness import Witness
from tests.support.training import Train, Trained

ScriptOf = Callable[[LayerNode], Script]
"""Makes the commands of a run from its layer tree."""


class ProveFreezing(Protocol):
    """`prove` with its trainer."""

    def __call__(
        self, spec: RunSpec, script_of: ScriptOf, *, every_variable: bool = False
    ) -> Trained: ...


class _Player:
    """A sender of a script's commands at their moments, which stops after the last epoch."""

    def __init__(self, spec: RunSpec, witness: Witness, script_of: ScriptOf) -> None:
        self._spec, self._witness, self._script_of = spec, witness, script_of
        self.script: Script = {}
        self.start = Asked(frozenset(), False)

    def on_event(self, event: Event) -> Sequence[Command]:
        self._witness.see(event)
        if isinstance(event, RunStarted):
            self.script = self._script_of(event.layers)
            chosen = select_last(self._witness.classifier, self._spec.stages[0].unfreeze_last)
            locked = self._spec.batchnorm == "locked"
            self.start = Asked(chosen & self._witness.layers.keys(), locked)
        elif isinstance(event, EpochStarted):
            return self.script.get((event.epoch, 0), ())
        elif isinstance(event, BatchEnded):
            return self.script.get((event.epoch, event.step), ())
        elif isinstance(event, EpochEnded) and event.epoch == self._spec.epochs:
            # Test and export change no weights, and take their time.
            return (Stop(when="now"),)
        return ()


def prove(
    train: Train, spec: RunSpec, script_of: ScriptOf, *, every_variable: bool = False
) -> Trained:
    """Train a spec of one stage by a script and compare the run with a plain model of it.

    Args:
        train: trains the spec.
        spec: what to train.
        script_of: returns the commands; each step is a separate moment.
        every_variable: whether each variable of a training layer must have moved, or just one.

    Returns:
        The run, fully checked.
    """
    with pytest.MonkeyPatch.context() as patch:
        # One step per execution, and each reported, so that commands land where the script says.
        patch.setattr(engine.training.execution, "EXECUTION_SECONDS", 0.0)
        patch.setattr(engine.training.segment, "BATCH_EVENT_SECONDS", 0.0)
        # The least images a pass, since the last of its batches is filled up.
        patch.setattr(engine.features.extraction, "PIXELS", 0)
        witness = Witness(patch)
        player = _Player(spec, witness, script_of)
        run = train(spec, player.on_event)
    (ended,) = run.all(RunEnded)
    assert (ended.status, ended.error) == ("stopped", "")
    (started,) = run.all(RunStarted)
    steps = started.steps_per_epoch
    expected = landings(player.script, player.start, spec.epochs, steps)
    check_everything(run, witness, expected, every_variable=every_variable)
    return run
