"""How long training steps wait for their batches, measured inside the compiled function.

A call of that function runs many steps, so that a clock around the call sees no gap between them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class StepClock:
    """Adds up the gaps between the end of a step and the moment at which the next has its batch.

    Only on TensorFlow without XLA, which has no clock. It costs some microseconds per step.
    """

    def __init__(self) -> None:
        """Begin at zero."""
        import tensorflow

        self._tensorflow = tensorflow
        with tensorflow.device("CPU:0"):
            self._ended_at = tensorflow.Variable(0.0, dtype="float64", trainable=False)
            self._waited = tensorflow.Variable(0.0, dtype="float64", trainable=False)

    def restart(self) -> None:
        """Start again at zero: an epoch's end, a checkpoint or a pause is no wait for a batch."""
        self._waited.assign(0.0)
        self._ended_at.assign(self._tensorflow.timestamp())

    def time(self, batch: Any, step: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], Any]:
        """Run a step while it is traced.

        Args:
            batch: the tensors that the step takes.
            step: computes and updates the weights.

        Returns:
            What the step returns, and the seconds waited since `restart`.
        """
        tensorflow = self._tensorflow
        with tensorflow.control_dependencies(tensorflow.nest.flatten(batch)):
            began = tensorflow.timestamp()
        # If the batch was there before the step ended, the difference is negative.
        gap = tensorflow.maximum(began - self._ended_at, 0.0)
        waited = tensorflow.identity(self._waited.assign_add(gap))
        graph = tensorflow.compat.v1.get_default_graph()
        before = len(graph.get_operations())
        logs = step()
        updates = [op for op in graph.get_operations()[before:] if op.op_def.is_stateful]
        with tensorflow.control_dependencies(updates):
            self._ended_at.assign(tensorflow.timestamp())
        return logs, waited
