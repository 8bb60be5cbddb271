"""Rows of arrays in batches, in any order, as `fit`, `evaluate` and `predict` take them.

On TensorFlow this is a pipeline of its own: the one that `fit` makes from arrays is autotuned, and
stopping it waits for its sleeping tuner, up to 10 s at the end of every `fit`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.keras_setup.loaded import keras

PREFETCHED = 4
"""Batches made ahead of the step that takes them."""
Take = Callable[[Any], list[Any]]
"""Returns the rows (arrays of one more dimension) of some indices, int64 (m,)."""


class Rows:
    """The inputs and labels of one split, held once and batched in any order."""

    def __init__(self, inputs: Sequence[Any], labels: Any, dtypes: Sequence[str] = ()) -> None:
        """Hold arrays in memory.

        Args:
            inputs: arrays (n, ...) that belong together, one per tensor of the model's input.
            labels: int64 (n,).
            dtypes: those that the model takes, where an array has another: bfloat16 is kept as
                uint16.
        """
        self._labels = labels
        self._dtypes = tuple(dtypes) or tuple(str(array.dtype) for array in inputs)
        self._shapes = [array.shape[1:] for array in inputs]
        self._stored = [str(array.dtype) for array in inputs]
        self._take: Take = lambda rows: [array[rows] for array in inputs]
        self._tensors: list[Any] | None = None
        if keras.backend.backend() == "tensorflow":
            self._tensors = [shared_tensor(array) for array in inputs]

    @classmethod
    def taken(
        cls, take: Take, labels: Any, shapes: Sequence[tuple[int, ...]], dtypes: Sequence[str]
    ) -> Rows:
        """Make rows that are computed, or read from the disk, whenever they are asked for.

        Args:
            take: called on another thread.
            labels: int64 (n,).
            shapes: of one row of each input.
            dtypes: of each input.
        """
        rows = cls([], labels)
        rows._take, rows._shapes = take, list(shapes)
        rows._dtypes = tuple(dtypes)
        rows._stored = ["uint16" if dtype == "bfloat16" else dtype for dtype in dtypes]
        rows._tensors = None
        return rows

    def __len__(self) -> int:
        return len(self._labels)

    def batches(self, order: Any, batch_size: int) -> Any:
        """Return batches of (inputs, labels); one input stands alone, several in a tuple.

        Args:
            order: indices int64 (m,) of the rows, in this order.
            batch_size: of all batches but the last.
        """
        if keras.backend.backend() == "tensorflow":
            return self._tensorflow_batches(order, batch_size)
        return self._array_batches(order, batch_size)

    def _tensorflow_batches(self, order: Any, batch_size: int) -> Any:
        import tensorflow

        with tensorflow.device("CPU:0"):
            labels = tensorflow.constant(self._labels)
            whole_order = tensorflow.constant(order)

            def rows_of(step: Any) -> tuple[Any, Any]:
                chosen = whole_order[step * batch_size : (step + 1) * batch_size]
                return _alone_or_tuple(self._gather(chosen)), tensorflow.gather(labels, chosen)

            options = tensorflow.data.Options()
            options.autotune.enabled = False
            options.experimental_optimization.apply_default_optimizations = False
            steps = tensorflow.data.Dataset.range(-(-len(order) // batch_size))
            return steps.map(rows_of).prefetch(PREFETCHED).with_options(options)

    def _gather(self, chosen: Any) -> list[Any]:
        """Return the inputs at some indices, as the model takes them."""
        import tensorflow

        if self._tensors is not None:
            found = [tensorflow.gather(tensor, chosen) for tensor in self._tensors]
        else:
            found = list(tensorflow.numpy_function(self._take, [chosen], self._stored))
            for tensor, shape in zip(found, self._shapes, strict=True):
                tensor.set_shape((None, *shape))
        return [
            tensor if stored == dtype else tensorflow.bitcast(tensor, dtype)
            for tensor, stored, dtype in zip(found, self._stored, self._dtypes, strict=True)
        ]

    def _array_batches(self, order: Any, batch_size: int) -> Any:
        rows = self

        class ArrayBatches(keras.utils.PyDataset):  # type: ignore[misc]
            def __len__(self) -> int:
                return -(-len(order) // batch_size)

            def __getitem__(self, index: int) -> tuple[Any, Any]:
                chosen = order[index * batch_size : (index + 1) * batch_size]
                found = [
                    array.view(dtype) if str(array.dtype) != dtype else array
                    for array, dtype in zip(rows._take(chosen), rows._dtypes, strict=True)
                ]
                return _alone_or_tuple(found), rows._labels[chosen]

        return ArrayBatches()


def _alone_or_tuple(found: Sequence[Any]) -> Any:
    return found[0] if len(found) == 1 else tuple(found)


def aligned(shape: tuple[int, ...], dtype: str) -> Any:
    """Return a new array, aligned to 64 bytes, that TensorFlow can use without a copy."""
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.empty(count + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + count].view(dtype).reshape(shape)


def shared_tensor(array: Any) -> Any:
    """Return a tensor over an array's own memory if possible, else a copy."""
    import tensorflow

    with tensorflow.device("CPU:0"):
        if array.ctypes.data % 64 == 0 and array.flags.c_contiguous and array.flags.writeable:
            return tensorflow.experimental.dlpack.from_dlpack(array.__dlpack__())
        return tensorflow.constant(array)
