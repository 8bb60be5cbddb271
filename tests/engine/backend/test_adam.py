"""Adam across a change of what trains."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from engine.backend.adam import ContinuedAdam, continue_adam


def variable(name: str, value: float = 1.0) -> Any:
    with keras.name_scope("net"):
        return keras.Variable(np.full(3, value, "float32"), name=name)


def gradient(step: int) -> Any:
    return keras.ops.convert_to_tensor(np.array([0.1, -2.0, 3.0], "float32") * (1 + step % 3))


def test_it_takes_the_steps_of_kerasadam() -> None:
    ours, theirs = variable("a"), variable("a")
    adam = continue_adam(None, [ours], 0.01)
    reference = keras.optimizers.Adam(0.01)
    reference.build([theirs])
    for step in range(20):
        adam.apply([gradient(step)], [ours])
        reference.apply([gradient(step)], [theirs])
    # 1 - 0.999 in float32 is known to four digits, and the fused kernel rounds it on its own.
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5)


def test_what_stays_goes_on_as_if_nothing_had_happened() -> None:
    kept, straight, other = variable("kept"), variable("kept"), variable("other")
    adam = continue_adam(None, [kept], 0.01)
    reference = continue_adam(None, [straight], 0.01)
    for step in range(10):
        adam.apply([gradient(step)], [kept])
        reference.apply([gradient(step)], [straight])
    adam = continue_adam(adam, [other, kept], 0.01)
    for step in range(10, 20):
        adam.apply([gradient(0), gradient(step)], [other, kept])
        reference.apply([gradient(step)], [straight])
    assert kept.numpy().tobytes() == straight.numpy().tobytes()


def test_a_newcomer_begins_with_a_step_of_the_rate() -> None:
    kept, newcomer = variable("kept"), variable("newcomer")
    adam = continue_adam(None, [kept], 0.01)
    for step in range(200):
        adam.apply([gradient(step)], [kept])
    adam = continue_adam(adam, [kept, newcomer], 0.01)
    adam.apply([gradient(0), gradient(0)], [kept, newcomer])
    assert np.abs(newcomer.numpy() - 1.0) == pytest.approx(0.01, rel=1e-3)
    assert int(adam.iterations) == 201


def test_one_that_left_and_came_back_begins_again() -> None:
    stays, leaves = variable("stays"), variable("leaves")
    both = continue_adam(None, [stays, leaves], 0.01)
    for step in range(50):
        both.apply([gradient(step), gradient(step)], [stays, leaves])
    one = continue_adam(both, [stays], 0.01)
    back: ContinuedAdam = continue_adam(one, [stays, leaves], 0.01)
    before = leaves.numpy().copy()
    back.apply([gradient(0), gradient(0)], [stays, leaves])
    assert np.abs(leaves.numpy() - before) == pytest.approx(0.01, rel=1e-3)
