"""A record of every weight and the optimizer's state at the boundaries of a run; no checks."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest

import engine.training.preparation
from engine.backend.adam import ContinuedAdam
from engine.model.graph import leaf_layers, own_weights
from engine.protocol.events import BatchEnded, EpochEnded, EpochStarted, Event, FreezeApplied
from tests.support.freezing.asked import Asked, Moment

Digests = dict[str, bytes]


@dataclass(frozen=True)
class Sighting:
    """All weights at one event, as digests by layer and variable."""

    event: Event
    at: Moment
    steps: int
    """Number of training steps of the run so far."""
    weights: dict[str, Digests]
    """The variables that each leaf layer trains if it trains."""
    statistics: dict[str, Digests]
    """All other variables of each leaf layer."""
    iterations: int

    def moved(self, later: Sighting) -> frozenset[str]:
        """Return the leaf layers of which any byte differs later."""
        return frozenset(
            name
            for name in self.weights
            if self.weights[name] != later.weights[name]
            or self.statistics[name] != later.statistics[name]
        )


@dataclass(frozen=True)
class Slots:
    """The state of an optimizer, by the path of the variable it belongs to."""

    iterations: int
    state: dict[str, tuple[bytes, bytes, int]]
    """Momentum, velocity, and the iteration at which the variable joined."""
    empty: frozenset[str]
    """Variables whose momentum and velocity are zero."""


@dataclass(frozen=True)
class Handover:
    """The optimizer before a change of what trains, and after it."""

    before: Slots
    after: Slots
    trained: bool
    """Whether a step was taken since the previous handover."""


class Witness:
    """An observer of one run of the real trainer, through `see`."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.classifier: Any = None
        self.sightings: list[Sighting] = []
        self.handovers: list[Handover] = []
        self._optimizers: list[Any] = []
        self._at: Moment = (1, 0)
        self._steps = self._steps_at_handover = 0
        self._watch_model(patch)
        self._watch_optimizers(patch)

    def _watch_model(self, patch: pytest.MonkeyPatch) -> None:
        prepare = engine.training.preparation.prepare_model

        def watched(*given: Any) -> Any:
            self.classifier = prepare(*given)
            return self.classifier

        patch.setattr(engine.training.preparation, "prepare_model", watched)

    def _watch_optimizers(self, patch: pytest.MonkeyPatch) -> None:
        build = ContinuedAdam.build

        def watched(optimizer: Any, variables: list[Any]) -> None:
            if not optimizer.built:
                self._optimizers.append(optimizer)
            build(optimizer, variables)

        patch.setattr(ContinuedAdam, "build", watched)

    @property
    def layers(self) -> dict[str, Any]:
        """The leaf layers that hold weights."""
        every = leaf_layers(self.classifier.network)
        return {name: layer for name, layer in every.items() if layer.weights}

    def training(self, asked: Asked) -> frozenset[str]:
        """Return the layers that train under these commands."""
        return frozenset(
            name
            for name in asked.selected
            if own_weights(self.layers[name]) and not (asked.locked and self.is_batchnorm(name))
        )

    def is_batchnorm(self, name: str) -> bool:
        """Return whether a layer is a BatchNormalization; all of them are in the backbone."""
        return isinstance(self.layers[name], keras.layers.BatchNormalization)

    def count(self, names: Iterable[str]) -> int:
        """Return how many parameters train while these layers do."""
        owned = (weight for name in names for weight in own_weights(self.layers[name]))
        return sum(math.prod(weight.shape) for weight in owned)

    def paths(self, names: Iterable[str]) -> set[str]:
        """Return the paths of the variables that train while these layers do."""
        return {weight.path for name in names for weight in own_weights(self.layers[name])}

    def see(self, event: Event) -> None:
        """Record an event, on the trainer's thread."""
        if isinstance(event, EpochStarted):
            self._at = (event.epoch, 0)
        elif isinstance(event, BatchEnded):
            self._at = (event.epoch, event.step)
            self._steps += event.batches
        if isinstance(event, FreezeApplied):
            self._hand_over()
        if isinstance(event, (EpochStarted, EpochEnded, FreezeApplied)):
            self.sightings.append(self._look(event))
        if isinstance(event, EpochEnded):
            self._at = (event.epoch + 1, 0)

    def _look(self, event: Event) -> Sighting:
        weights, statistics = {}, {}
        for name, layer in self.layers.items():
            owned = {id(weight) for weight in own_weights(layer)}
            digests = {weight.path: _digest(weight) for weight in layer.weights}
            own = {weight.path for weight in layer.weights if id(weight) in owned}
            weights[name] = {path: digest for path, digest in digests.items() if path in own}
            statistics[name] = {path: d for path, d in digests.items() if path not in own}
        iterations = int(self._optimizers[-1].iterations)
        return Sighting(event, self._at, self._steps, weights, statistics, iterations)

    def _hand_over(self) -> None:
        """Compare the optimizer with the previous one, if there is a new one."""
        *_, before, after = (None, *self._optimizers)
        self._optimizers = [after]
        if before is not None:
            trained = self._steps > self._steps_at_handover
            self.handovers.append(Handover(_slots(before), _slots(after), trained))
            self._steps_at_handover = self._steps


def _digest(variable: Any) -> bytes:
    return hashlib.blake2b(np.asarray(variable).tobytes(), digest_size=16).digest()


def _slots(optimizer: Any) -> Slots:
    state, empty = {}, set[str]()
    slots = (optimizer._momentums, optimizer._velocities, optimizer._joined)
    for variable, momentum, velocity, joined in zip(
        optimizer._trainable_variables, *slots, strict=True
    ):
        state[variable.path] = (_digest(momentum), _digest(velocity), int(joined))
        if not np.any(np.asarray(momentum)) and not np.any(np.asarray(velocity)):
            empty.add(variable.path)
    assert len(state) == len(optimizer._trainable_variables)
    return Slots(int(optimizer.iterations), state, frozenset(empty))
