"""Validation and the final test: whole passes without training, which stop at any batch."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from engine.keras_setup.loaded import keras
from engine.protocol.events import PhaseProgressed

PROGRESS_SECONDS = 0.5


class PassCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports the progress of a pass over `images` images; ends it on request."""

    def __init__(
        self,
        images: int,
        batch_size: int,
        emit: Callable[[PhaseProgressed], None],
        is_stopped: Callable[[], bool],
    ) -> None:
        """Begin a pass; another one of other `images` may follow."""
        super().__init__()
        self.images, self._batch_size = images, batch_size
        self._emit, self._is_stopped = emit, is_stopped
        self._told_at = 0.0
        self.stopped = False

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called by `evaluate`."""
        if self._step(batch):
            self.model.stop_evaluating = True

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called by `predict`."""
        if self._step(batch):
            self.model.stop_predicting = True

    def _step(self, batch: int) -> bool:
        done = min((batch + 1) * self._batch_size, self.images)
        at = time.perf_counter()
        if at - self._told_at >= PROGRESS_SECONDS:
            self._told_at = at
            self._emit(PhaseProgressed(done=done, total=self.images, unit="images"))
        self.stopped = self._is_stopped()
        return self.stopped
