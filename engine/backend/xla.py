"""The time of a training step with XLA or without, on TensorFlow, measured without changing it.

Depthwise convolutions have been many times slower under XLA, other networks are faster: only a
measurement tells. Any precision can be timed: it is that of the network.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.backend.devices import on_device, peek
from engine.backend.step_model import StepModel, compile_step

WARM_UP_STEPS = 2
"""The first compiles; a library may choose among its kernels in the first two."""
TIMED_STEPS = 20


@dataclass(frozen=True, slots=True)
class TimedStep:
    """A compiled training step and its time."""

    milliseconds: float
    function: Any
    """What `fit` calls: it may go on with it, and then need not compile again."""


def steps_needed(steps_per_execution: int) -> int:
    """Return how many batches `time_step` takes."""
    return steps_per_execution * sum(_executions(steps_per_execution))


def _executions(steps_per_execution: int) -> tuple[int, int]:
    return -(-WARM_UP_STEPS // steps_per_execution), -(-TIMED_STEPS // steps_per_execution)


def time_step(
    model: StepModel,
    optimizer: Any,
    batches: Any,
    steps_per_execution: int,
    device: str,
    *,
    xla: bool,
) -> TimedStep:
    """Compile a training step and time it; weights, optimizer and seeds are as before afterwards.

    The model is compiled for what was timed.

    Args:
        model: not being fitted.
        optimizer: built for its trainable variables.
        batches: `steps_needed` whole ones, as `fit` takes them.
        steps_per_execution: as for `fit`.
        device: as `choose_device` returns it.
        xla: whether XLA compiles the step.

    Raises:
        Exception: whatever the compiler or the device raises; nothing is changed then, either.
    """
    # Seeds of dropout and moving statistics are among the network's, the step's number and its
    # rate among the optimizer's.
    variables = [*model.network.variables, *optimizer.variables]
    before = [np.array(peek(variable)) for variable in variables]
    try:
        with on_device(device):
            compile_step(model, optimizer, steps_per_execution, device, xla)
            model.make_train_function()
            iterator = iter(batches)
            warm_up, timed = _executions(steps_per_execution)
            _run(model.train_function, iterator, warm_up)
            began = time.perf_counter()
            _run(model.train_function, iterator, timed)
            seconds = time.perf_counter() - began
    finally:
        for variable, values in zip(variables, before, strict=True):
            variable.assign(values)
        model.reset_metrics()
    return TimedStep(1e3 * seconds / (timed * steps_per_execution), model.train_function)


def _run(function: Callable[[Any], Any], iterator: Any, executions: int) -> None:
    logs: dict[str, Any] = {}
    for _ in range(executions):
        logs = function(iterator)
    # A device computes behind the call: its value is there once all before it is done.
    np.asarray(logs["loss"])
