"""The model that `fit` trains: the suffix on kept features, or prefix and suffix on images.

It computes over the network's own layers and is never exported.
"""

from __future__ import annotations

import math
from typing import Any

from engine.backend import has_memory_limit, jit_compile
from engine.forward import Forward
from engine.loaded_keras import keras, ops
from engine.trainer.step_clock import StepClock

INPUT_WAIT = "input_wait"
"""Among a step's logs: seconds waited for batches since the clock was restarted."""


class StepModel(keras.Model):  # type: ignore[misc]  # Keras has no types
    """One training step over what is not frozen, with as little as possible around it."""

    def __init__(
        self,
        network: keras.Model,
        prefix: Forward | None,
        suffix: Forward,
        label_smoothing: float = 0.0,
    ) -> None:
        """Join the two parts of a network.

        Args:
            network: whose variables train, by their layers' state.
            prefix: from images to the cut tensors, frozen; None where features are given.
            suffix: from the cut tensors, or from images, to probabilities.
            label_smoothing: share of the label spread over all classes, in training only.
        """
        super().__init__()
        self.network = network
        self._prefix, self._suffix = prefix, suffix
        self._smoothing = label_smoothing
        self.parts = 1
        """Of a batch, one after the other through the network; their gradients are added up."""
        self.has_memory_limit = False
        """Whether a step may find no memory and is to leave all weights as they were then."""
        self.clock: StepClock | None = None
        """Of the gaps between steps; None where they are not measured."""
        self.built = True

    @property
    def can_take_parts(self) -> bool:
        """Whether `parts` may be 2."""
        return False

    @property
    def can_be_clocked(self) -> bool:
        """Whether there may be a `clock`."""
        return False

    def mean_metrics(self) -> dict[str, float]:
        """Loss and accuracy since `fit` began, as a step gives them; NaN before the first."""
        raise NotImplementedError

    def call(self, x: Any, training: bool | None = None) -> Any:
        """Probabilities (batch, classes) of images, or of one tensor or a tuple of features."""
        given = list(x) if isinstance(x, (list, tuple)) else [x]
        if self._prefix is not None:
            given = [ops.stop_gradient(tensor) for tensor in self._prefix(given)]
        return self._suffix(given, training=bool(training))[0]

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Mean cross-entropy, with smoothed labels in training."""
        losses = keras.losses
        if training and self._smoothing:
            labels = ops.one_hot(y, y_pred.shape[-1])
            each = losses.categorical_crossentropy(labels, y_pred, label_smoothing=self._smoothing)
        else:
            each = losses.sparse_categorical_crossentropy(y, y_pred)
        return ops.mean(each)


def step_model(
    network: keras.Model,
    prefix: Forward | None,
    suffix: Forward,
    label_smoothing: float,
) -> StepModel:
    """A StepModel for the backend in use."""
    if keras.backend.backend() == "tensorflow":
        return _lean_class()(network, prefix, suffix, label_smoothing)
    return StepModel(network, prefix, suffix, label_smoothing)


def compile_step(model: StepModel, optimizer: Any, steps_per_execution: int, device: str) -> None:
    """Make a StepModel ready for `fit` and `evaluate`."""
    model.has_memory_limit = has_memory_limit(device)
    model.clock = StepClock() if model.can_be_clocked and device.startswith("cpu") else None
    model.compile(
        optimizer=optimizer,
        metrics=["accuracy"],
        # XLA would compute the parts of a batch side by side.
        jit_compile=jit_compile(device) if model.parts == 1 else False,
        steps_per_execution=steps_per_execution,
    )


def _lean_class() -> type[StepModel]:
    import tensorflow

    class LeanStepModel(StepModel):
        """Keeps sums of loss and hits of its own: Keras' metrics cost more than a small head."""

        def __init__(self, *parts: Any) -> None:
            super().__init__(*parts)
            self._sums = tensorflow.Variable(tensorflow.zeros(3), trainable=False)

        @property
        def metrics(self) -> list[Any]:
            """None: the sums stand in for them."""
            return []

        @property
        def can_take_parts(self) -> bool:
            """Yes."""
            return True

        @property
        def can_be_clocked(self) -> bool:
            """Yes."""
            return True

        def mean_metrics(self) -> dict[str, float]:
            """Loss and accuracy since `fit` began."""
            loss, hits, images = self._sums.numpy().tolist()
            return {"loss": loss / (images or math.nan), "accuracy": hits / (images or math.nan)}

        def reset_metrics(self) -> None:
            """Begin the means anew; Keras calls it at the start of an epoch and an evaluation."""
            self._sums.assign(tensorflow.zeros(3))

        def get_metrics_result(self) -> dict[str, Any]:
            """Nothing: the steps return their logs."""
            return {}

        def train_step(self, data: Any) -> dict[str, Any]:
            """One step; gives the means since `fit` began, and `INPUT_WAIT` where that is timed."""
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
            """The same for the batch in two parts, the second once the first is done with.

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
            """One batch of an evaluation; gives the means since it began."""
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

    return LeanStepModel


def _rows(x: Any, y: Any, rows: slice) -> tuple[Any, Any]:
    """A part of a batch: of one tensor of images, or of several of features."""
    several = isinstance(x, (list, tuple))
    return (tuple(tensor[rows] for tensor in x) if several else x[rows]), y[rows]
