"""The training step on TensorFlow: sums of its own, batches in parts, steps that can be timed."""

from __future__ import annotations

import math
from typing import Any

import tensorflow

from engine.backend.step_model import INPUT_WAIT, StepModel


class TensorFlowStepModel(StepModel):
    """Keeps its own sums of loss and hits: Keras' metrics cost more than a small head."""

    can_take_parts = True

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._sums = tensorflow.Variable(tensorflow.zeros(3), trainable=False)

    @property
    def metrics(self) -> list[Any]:
        """Keras' metrics: none, as the sums replace them."""
        return []

    def mean_metrics(self) -> dict[str, float]:
        """Return loss and accuracy since `fit` began, as a step does; NaN before the first."""
        loss, hits, images = self._sums.numpy().tolist()
        return {"loss": loss / (images or math.nan), "accuracy": hits / (images or math.nan)}

    def reset_metrics(self) -> None:
        """Start the means again; Keras calls it at the start of an epoch and an evaluation."""
        self._sums.assign(tensorflow.zeros(3))

    def get_metrics_result(self) -> dict[str, Any]:
        """Return nothing: the steps return their logs."""
        return {}

    def train_step(self, data: Any) -> dict[str, Any]:
        """Train a step; return the means since `fit` began, and `INPUT_WAIT` if that is timed."""
        if self.clock is None:
            return self._learn(*data)
        logs, waited = self.clock.time(data, lambda: self._learn(*data))
        return {**logs, INPUT_WAIT: waited}

    def _learn(self, x: Any, y: Any) -> dict[str, Any]:
        find = self._gradients if self.parts == 1 else self._gradients_in_parts
        gradients, loss, probabilities = find(x, y)
        # So that a step which runs out of memory has changed no weight.
        awaited = [g for g in gradients if g is not None] if self.has_memory_limit else []
        with tensorflow.control_dependencies(awaited):
            self.optimizer.apply(gradients, self.trainable_variables)
        return self._count(loss, probabilities, y)

    def _gradients(self, x: Any, y: Any) -> tuple[list[Any], Any, Any]:
        with tensorflow.GradientTape() as tape:
            probabilities = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=probabilities)
        values = [variable.value for variable in self.trainable_variables]
        return tape.gradient(loss, values), loss, probabilities

    def _gradients_in_parts(self, x: Any, y: Any) -> tuple[list[Any], Any, Any]:
        """Compute the same for the batch in two parts, the second once the first is done.

        A batch of one image goes through twice: an empty part would spoil the moving
        statistics of a BatchNormalization.
        """
        images = tensorflow.shape(y)[0]
        middle = (images + 1) // 2
        start = tensorflow.minimum(middle, images - 1)
        first = self._gradients(*_rows(x, y, slice(None, middle)))
        done = [gradient for gradient in first[0] if gradient is not None]
        with tensorflow.control_dependencies(done):
            second = self._gradients(*_rows(x, y, slice(start, None)))
        share = tensorflow.cast(middle / (middle + images - start), "float32")
        gradients = [
            None if a is None or b is None else share * a + (1 - share) * b
            for a, b in zip(first[0], second[0], strict=True)
        ]
        probabilities = tensorflow.concat([first[2], second[2]], axis=0)[:images]
        return gradients, share * first[1] + (1 - share) * second[1], probabilities

    def test_step(self, data: Any) -> dict[str, Any]:
        """Evaluate a batch; return the means since the evaluation began."""
        x, y = data
        probabilities = self(x, training=False)
        loss = self.compute_loss(y=y, y_pred=probabilities, training=False)
        return self._count(loss, probabilities, y)

    def _count(self, loss: Any, probabilities: Any, y: Any) -> dict[str, Any]:
        found = tensorflow.argmax(probabilities, axis=-1, output_type=y.dtype)
        hits = tensorflow.reduce_sum(tensorflow.cast(found == y, "float32"))
        images = tensorflow.cast(tensorflow.shape(y)[0], "float32")
        sums = self._sums.assign_add(tensorflow.stack([loss * images, hits, images]))
        return {"loss": sums[0] / sums[2], "accuracy": sums[1] / sums[2]}


def _rows(x: Any, y: Any, rows: slice) -> tuple[Any, Any]:
    """Return a part of a batch: of one tensor of images, or of several of features."""
    several = isinstance(x, (list, tuple))
    return (tuple(tensor[rows] for tensor in x) if several else x[rows]), y[rows]
