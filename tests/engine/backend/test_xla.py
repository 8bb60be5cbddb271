"""A training step timed for real, with XLA and without, and what is left of it: nothing."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow

from engine.backend.adam import continue_adam, scheduled_rate
from engine.backend.batches import Rows
from engine.backend.step_model import StepModel, step_model
from engine.backend.xla import TIMED_STEPS, WARM_UP_STEPS, steps_needed, time_step
from engine.model.subgraph import Forward

BATCH = 4


class OnTheHost(keras.layers.Layer):  # type: ignore[misc]
    """A layer that XLA cannot compile."""

    def call(self, x: Any) -> Any:
        """Return x."""
        same = tensorflow.numpy_function(lambda values: values, [x], "float32")
        same.set_shape(x.shape)
        return x + tensorflow.stop_gradient(same - x)


def small_step(*, precision: str = "float32", on_host: bool = False) -> tuple[StepModel, Any, Rows]:
    """A network with a depthwise convolution, moving statistics and a seed, its Adam and rows."""
    keras.utils.set_random_seed(1)
    policy = keras.dtype_policies.DTypePolicy(precision)
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.DepthwiseConv2D(3, dtype=policy)(inputs)
    x = keras.layers.BatchNormalization(dtype=policy)(x)
    x = keras.layers.Dropout(0.5, dtype=policy)(keras.layers.Flatten(dtype=policy)(x))
    if on_host:
        x = OnTheHost()(x)
    outputs = keras.layers.Dense(10, activation="softmax", dtype="float32")(x)
    network = keras.Model(inputs, outputs)
    suffix = Forward(network, network.inputs, network.outputs)
    model = step_model(network, None, suffix, 0.1)
    rate = scheduled_rate("cosine", 1e-2, 100)
    optimizer = continue_adam(None, model.trainable_variables, rate)
    random = np.random.default_rng(2)
    images = random.normal(size=(10, 8, 8, 3)).astype("float32")
    return model, optimizer, Rows([images], random.integers(0, 10, 10))


def state(model: StepModel, optimizer: Any) -> list[bytes]:
    """The bytes of all that a step changes."""
    variables = [*model.network.variables, *optimizer.variables]
    return [np.asarray(variable.value).tobytes() for variable in variables]


def batches_for(rows: Rows, steps_per_execution: int) -> Any:
    """As many batches as a timing takes."""
    return rows.batches(np.arange(BATCH * steps_needed(steps_per_execution)) % 10, BATCH)


@pytest.mark.parametrize("xla", [False, True])
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_timing_leaves_no_bit_changed(precision: str, xla: bool) -> None:
    model, optimizer, rows = small_step(precision=precision)
    before = state(model, optimizer)
    timed = time_step(model, optimizer, batches_for(rows, 1), 1, "cpu:0", xla=xla)
    assert 0 < timed.milliseconds < 10_000
    assert state(model, optimizer) == before
    assert model.jit_compile is xla
    # The same function trains, and changes what the timing did not.
    model.fit(batches_for(rows, 1), verbose=0)
    assert all(a != b for a, b in zip(state(model, optimizer)[:4], before[:4], strict=True))


@pytest.mark.parametrize("xla", [False, True])
def test_a_training_after_it_is_the_one_without_it(xla: bool) -> None:
    ends = []
    for is_timed in (False, True):
        model, optimizer, rows = small_step()
        if is_timed:
            time_step(model, optimizer, batches_for(rows, 2), 2, "cpu:0", xla=xla)
        model.compile(optimizer=optimizer, jit_compile=False, steps_per_execution=2)
        history = model.fit(batches_for(rows, 2), verbose=0)
        ends.append((history.history["loss"], state(model, optimizer)))
    assert ends[0] == ends[1]


def test_what_xla_cannot_compile_raises_and_leaves_no_bit_changed() -> None:
    model, optimizer, rows = small_step(on_host=True)
    before = state(model, optimizer)
    assert time_step(model, optimizer, batches_for(rows, 1), 1, "cpu:0", xla=False).milliseconds > 0
    with pytest.raises(tensorflow.errors.OpError):
        time_step(model, optimizer, batches_for(rows, 1), 1, "cpu:0", xla=True)
    assert state(model, optimizer) == before


def test_a_timing_takes_whole_executions() -> None:
    assert steps_needed(1) == WARM_UP_STEPS + TIMED_STEPS
    assert steps_needed(3) == 3 + 21
    assert steps_needed(64) == 2 * 64
