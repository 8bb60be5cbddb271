"""Out of memory: a batch is split in two, once; if that fails the run ends with the numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from engine.backend.devices import memory_in_words
from engine.common.text import byte_size
from engine.errors import InputError
from engine.protocol.events import Event, LogLine

if TYPE_CHECKING:
    from engine.backend.step_model import StepModel
    from engine.training.segment import SegmentCallback

_SHAPE = re.compile(r"shape ?\[([\d,]+)\] and type (\w+)")
_BYTES_OF = {"half": 2, "bfloat16": 2, "double": 8}
PARTS = 2
SMALLEST, LARGEST = 8, 4096
"""Images of an evaluation batch."""
Result = TypeVar("Result")


class BatchParts:
    """Halves the batches of a model if the device has no memory for whole ones."""

    def __init__(self, batch_size: int, device: str, emit: Callable[[Event], None]) -> None:
        """Begin with whole batches of `batch_size` images."""
        self._batch_size, self._device, self._emit = batch_size, device, emit
        self.count = 1
        """Parts that a batch is split into."""
        self._evaluation_size = LARGEST

    def train(self, fit: Callable[[], object], model: StepModel, callback: SegmentCallback) -> bool:
        """Run a `fit`; return False where memory ran out and the model has to be compiled again.

        Args:
            fit: calls the model's `fit` with `callback`.
            model: its optimizer knows how many steps were done.
            callback: has counted them all at the end, even those that it did not see.

        Raises:
            InputError: memory ran out and there is nothing left to halve.
        """
        before = int(model.optimizer.iterations)
        try:
            fit()
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            self._halve(error, model)
            callback.catch_up(int(model.optimizer.iterations) - before, model)
            return False
        return True

    def evaluate(self, batch_size: int, evaluate: Callable[[int], Result]) -> Result:
        """Run a pass without training, with smaller batches where those asked do not fit.

        Args:
            batch_size: images at a time, as many as are useful.
            evaluate: runs the pass with this many images at a time.
        """
        size = min(batch_size, self._evaluation_size)
        while True:
            try:
                return evaluate(size)
            except Exception as error:
                if not is_out_of_memory(error) or size <= SMALLEST:
                    raise
                what = in_words(error, self._device)
            size = self._evaluation_size = max(size // 2, SMALLEST)
            text = f"{what}; from now on {size} images at a time are evaluated"
            self._emit(LogLine(level="warning", text=text))

    def _halve(self, error: Exception, model: StepModel) -> None:
        what = in_words(error, self._device)
        size = self._batch_size
        if self.count > 1 or size < PARTS or not model.can_take_parts:
            tried = f"{size}{f' in {self.count} parts' if self.count > 1 else ''}"
            hint = "choose a smaller `batch_size` or `image_size`"
            raise InputError("", f"memory for a batch of {tried}", what, hint) from error
        self.count = PARTS
        halves = f"{size - size // 2} and {size // 2} images"
        text = f"{what}; from now on a batch goes through in parts of {halves}"
        self._emit(LogLine(level="warning", text=f"{text}, and their gradients are added up"))


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that the device, or the machine, has no memory left.

    TensorFlow raises its ResourceExhaustedError; JAX says RESOURCE_EXHAUSTED in the text.
    """
    name = type(error).__name__
    return name in ("ResourceExhaustedError", "MemoryError") or "RESOURCE_EXHAUSTED" in str(error)


def in_words(error: BaseException, device: str) -> str:
    """Describe what found no room where: TensorFlow names the shape of the tensor in its error."""
    found = _SHAPE.search(str(error))
    memory = memory_in_words(device)
    if found is None:
        return f"out of memory ({memory})"
    shape = [int(length) for length in found[1].split(",")]
    size = byte_size(math.prod(shape) * _BYTES_OF.get(found[2], 4))
    tensor = " × ".join(map(str, shape))
    return f"out of memory: no room for {size}, a tensor of {tensor} ({memory})"
