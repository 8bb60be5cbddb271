"""The model that `fit` trains: the suffix on kept features, or prefix and suffix on images.

It computes over the network's own layers and is never exported.
"""

from __future__ import annotations

from typing import Any

from engine.backend.devices import fuses, has_memory_limit, is_tensorflow
from engine.backend.step_clock import StepClock
from engine.keras_setup.loaded import keras, ops
from engine.model.subgraph import Forward

INPUT_WAIT = "input_wait"
"""Key in a step's logs of the seconds waited for batches since the clock was restarted."""


class StepModel(keras.Model):  # type: ignore[misc]  # Keras has no types
    """One training step over what is not frozen, as Keras takes it on any backend."""

    can_take_parts = False
    """Whether `parts` may be 2."""

    def __init__(
        self,
        network: keras.Model,
        prefix: Forward | None,
        suffix: Forward,
        label_smoothing: float = 0.0,
        evaluated: Forward | None = None,
    ) -> None:
        """Join the two parts of a network.

        Args:
            network: whose variables train, by their layers' state.
            prefix: from images to the cut tensors, frozen; None where features are the input.
            suffix: from the cut tensors, or from images, to probabilities.
            label_smoothing: share of the label spread over all classes, in training only.
            evaluated: the suffix in a form that is faster without gradients; None for the same.
        """
        super().__init__()
        self.network = network
        self._prefix, self._suffix, self._evaluated = prefix, suffix, evaluated or suffix
        self._smoothing = label_smoothing
        self.parts = 1
        """Parts of a batch, run one after the other; their gradients are added up."""
        self.has_memory_limit = False
        """Whether a step may run out of memory and must then leave all weights unchanged."""
        self.clock: StepClock | None = None
        """The clock of the gaps between steps; None where they are not measured."""
        self.built = True

    def call(self, x: Any, training: bool | None = None) -> Any:
        """Return probabilities (batch, classes) of images, or of a tensor or tuple of features."""
        given = list(x) if isinstance(x, (list, tuple)) else [x]
        if self._prefix is not None:
            given = [ops.stop_gradient(tensor) for tensor in self._prefix(given)]
        return self._suffix(given, training=True)[0] if training else self._evaluated(given)[0]

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the mean cross-entropy, with smoothed labels in training."""
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
    evaluated: Forward | None = None,
) -> StepModel:
    """Return a StepModel for the backend in use; the arguments are its own."""
    if is_tensorflow():
        # TensorFlow imports Keras, which is loaded with our settings by now.
        from engine.backend.tensorflow_step import TensorFlowStepModel

        return TensorFlowStepModel(network, prefix, suffix, label_smoothing, evaluated)
    return StepModel(network, prefix, suffix, label_smoothing, evaluated)


def compile_step(
    model: StepModel, optimizer: Any, steps_per_execution: int, device: str, xla: bool | str
) -> None:
    """Make a StepModel ready for `fit` and `evaluate`.

    Args:
        model: changed in place.
        optimizer: of its trainable variables.
        steps_per_execution: steps without a look at the commands between them.
        device: as `choose_device` returns it.
        xla: Keras' `jit_compile`.
    """
    model.has_memory_limit = has_memory_limit(device)
    # XLA has no clock.
    model.clock = StepClock() if fuses(device) and xla is not True else None
    model.compile(
        optimizer=optimizer,
        metrics=["accuracy"],
        # XLA would compute the parts of a batch at the same time.
        jit_compile=xla if model.parts == 1 else False,
        steps_per_execution=steps_per_execution,
    )
