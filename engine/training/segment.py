"""One `fit` over the batches between two boundaries, and the meter that reads it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.backend.step_model import INPUT_WAIT
from engine.keras_setup.loaded import keras
from engine.protocol.events import BatchEnded, Event

BATCH_EVENT_SECONDS = 0.25


@dataclass
class EpochMeter:
    """Sums over the batches of one epoch, which may run in several segments, or of a part of it.

    A checkpoint holds them as its `Sums`, which has the same fields in the same order.
    """

    loss_sum: float = 0.0
    accuracy_sum: float = 0.0
    images: int = 0
    seconds: float = 0.0
    """Of all batches, without tracing."""
    timed_images: int = 0
    input_wait_seconds: float = 0.0
    """Of `seconds`, those in which the step waited for its batch; NaN where not measured."""

    def add(self, images: int, loss: float, accuracy: float) -> None:
        """Count images, with the sums of their losses and hits."""
        self.images += images
        self.loss_sum += loss
        self.accuracy_sum += accuracy

    def time(self, images: int, seconds: float, waited: float) -> None:
        """Add the time of some images, and how much of it was a wait for them."""
        self.timed_images += images
        self.seconds += seconds
        self.input_wait_seconds += waited

    @property
    def loss(self) -> float:
        """Mean over the images so far."""
        return self.loss_sum / self.images if self.images else math.nan

    @property
    def accuracy(self) -> float:
        """Mean over the images so far, 0 to 1."""
        return self.accuracy_sum / self.images if self.images else math.nan

    @property
    def images_per_second(self) -> float:
        """Over the batches without tracing."""
        return self.timed_images / self.seconds if self.seconds else math.nan


def measured(seconds: float) -> float | None:
    """None for NaN."""
    return None if math.isnan(seconds) else seconds


class SegmentCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Turns Keras' running means into events and leaves `fit` when a boundary is asked for."""

    def __init__(
        self,
        *,
        epoch: int,
        first_step: int,
        steps: int,
        batch_size: int,
        images: int,
        meter: EpochMeter,
        traces: bool,
        emit: Callable[[Event], None],
        on_traced: Callable[[], None],
        needs_boundary: Callable[[], bool],
    ) -> None:
        super().__init__()
        self._epoch, self._step, self._steps = epoch, first_step, steps
        self._batch_size, self._images = batch_size, images
        self._meter = meter
        self._tracing = traces
        self._emit, self._on_traced, self._needs_boundary = emit, on_traced, needs_boundary
        self._first_of_fit = first_step
        self._seen = 0
        self._means = (0.0, 0.0)
        self._told = EpochMeter()
        """Of the batches since the last BatchEnded."""
        self._told_step = first_step
        self._told_at = self._ended_at = time.perf_counter()

    @property
    def step(self) -> int:
        """Steps of the epoch that are done."""
        return self._step

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Count an execution, report at most four times a second, look for commands."""
        assert logs is not None
        at = time.perf_counter()
        seconds, self._ended_at = at - self._ended_at, at
        previous, self._step = self._step, min(self._first_of_fit + batch + 1, self._steps)
        images = min(self._batch_size * (self._step - previous), self._images - self._seen)
        loss, accuracy = self._un_mean(images, float(logs["loss"]), float(logs["accuracy"]))
        waited = float(logs.get(INPUT_WAIT, math.nan))
        for meter in (self._meter, self._told):
            meter.add(images, loss, accuracy)
            if not self._tracing:
                meter.time(images, seconds, waited)
        if self._tracing:
            self._tracing = False
            self._on_traced()
        is_last = self._step >= self._steps
        if is_last or at - self._told_at >= BATCH_EVENT_SECONDS:
            self._tell()
        if self._needs_boundary() or not math.isfinite(loss):
            if not is_last:
                self._tell()
            self.model.stop_training = True

    def catch_up(self, steps: int, model: Any) -> None:
        """Count steps up to the `steps`-th of this fit, which ended before it could report.

        Args:
            steps: done since `fit` began.
            model: whose means are those of these steps.
        """
        self.set_model(model)
        if steps > self._step - self._first_of_fit:
            self.on_train_batch_end(steps - 1, model.mean_metrics())

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start the clock where the batches start."""
        self._first_of_fit = self._step
        self._ended_at = time.perf_counter()

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Do not count the time between two executions as a wait for a batch."""
        if self.model.clock is not None:
            self.model.clock.restart()

    def _un_mean(self, images: int, loss: float, accuracy: float) -> tuple[float, float]:
        """Turn Keras' logs, means since `fit` began, into the sums over these batches alone."""
        before, self._seen = self._seen, self._seen + images
        sums = tuple(
            now * self._seen - then * before
            for now, then in zip((loss, accuracy), self._means, strict=True)
        )
        self._means = (loss, accuracy)
        return sums[0], sums[1]

    def _tell(self) -> None:
        told, self._told = self._told, EpochMeter()
        batches, self._told_step = self._step - self._told_step, self._step
        self._told_at = time.perf_counter()
        if batches:
            self._emit(
                BatchEnded(
                    epoch=self._epoch,
                    step=self._step,
                    loss=told.loss,
                    accuracy=min(max(told.accuracy, 0.0), 1.0),
                    batches=batches,
                    images_per_second=told.images_per_second,
                    input_wait_seconds=measured(told.input_wait_seconds),
                )
            )
