"""Which weights are kept, and what is said of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

from engine.config.spec import RunSpec
from engine.protocol.commands import CommandQueue
from engine.protocol.events import Event, LogLine
from engine.runs.checkpoint import Best, Position
from engine.runs.directory import RunDirectory
from engine.training.checkpointing import Checkpointing
from engine.training.control import Control
from tests.support.run_events import epoch_ended


@pytest.fixture
def network() -> Any:
    """One weight and one bias."""
    return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])


def test_what_is_said_of_the_best_weights_is_of_those_on_the_disk(
    spec: RunSpec, directory: RunDirectory, network: Any
) -> None:
    events: list[Event] = []
    spec = replace(spec, keep="best")
    optimizer = keras.optimizers.SGD()

    def checkpoints() -> Checkpointing:
        control = Control(CommandQueue(), events.append)
        return Checkpointing(spec, directory, network, events.append, control)

    first = Position(1, 1, 0, 1e-3, (), True, ended_epochs=1)
    writing = checkpoints()
    writing.save_if_best(epoch_ended(1, 1, 0.5, 0), optimizer, first)
    network.set_weights([np.full((1, 1), 2.0), np.zeros(1)])
    second = replace(first, epoch=2, ended_epochs=2, best=writing.best)
    writing.save_if_best(epoch_ended(2, 1, 0.75, 0), optimizer, second)
    # Killed before the second epoch's own checkpoint: it is trained again from the first.
    resumed = checkpoints()
    resumed.restore(replace(first, best=Best(1, 0.5, 0.6)))
    assert resumed.best == Best(2, 0.75, 0.6)
    resumed.save_if_best(epoch_ended(2, 1, 0.7, 0), optimizer, second)
    network.set_weights([np.zeros((1, 1)), np.zeros(1)])
    assert resumed.restore_kept(3) == 2
    assert network.get_weights()[0] == 2.0
    (said,) = (e.text for e in events if isinstance(e, LogLine))
    assert said == "tests the weights of epoch 2, the best of 3 on validation"
