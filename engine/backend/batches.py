"""Rows of arrays in batches, in any order, as `fit`, `evaluate` and `predict` take them.

This is a pipeline of its own, of TensorFlow whatever computes: the one that `fit` makes from arrays
is autotuned, and stopping it waits for its sleeping tuner, up to 10 s at the end of every `fit`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

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
        self._stored = [str(array.dtype) for array in inputs]
        self._dtypes = tuple(dtypes) or tuple(self._stored)
        tensors = [shared_tensor(array) for array in inputs]

        def gather(chosen: Any) -> list[Any]:
            import tensorflow

            return [tensorflow.gather(tensor, chosen) for tensor in tensors]

        self._gather = gather

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
        stored = ["uint16" if dtype == "bfloat16" else dtype for dtype in dtypes]

        def gather(chosen: Any) -> list[Any]:
            import tensorflow

            found = list(tensorflow.numpy_function(take, [chosen], stored))
            for tensor, shape in zip(found, shapes, strict=True):
                tensor.set_shape((None, *shape))
            return found

        rows = cls([], labels, dtypes)
        rows._stored, rows._gather = stored, gather
        return rows

    def batches(self, order: Any, batch_size: int) -> Any:
        """Return batches of (inputs, labels); one input stands alone, several in a tuple.

        Args:
            order: indices int64 (m,) of the rows, in this order.
            batch_size: of all batches but the last.
        """
        import tensorflow

        with tensorflow.device("CPU:0"):
            labels = tensorflow.constant(self._labels)
            whole_order = tensorflow.constant(order)

            def rows_of(step: Any) -> tuple[Any, Any]:
                chosen = whole_order[step * batch_size : (step + 1) * batch_size]
                inputs = [
                    tensor if stored == dtype else tensorflow.bitcast(tensor, dtype)
                    for tensor, stored, dtype in zip(
                        self._gather(chosen), self._stored, self._dtypes, strict=True
                    )
                ]
                alone_or_all = inputs[0] if len(inputs) == 1 else tuple(inputs)
                return alone_or_all, tensorflow.gather(labels, chosen)

            options = tensorflow.data.Options()
            options.autotune.enabled = False
            options.experimental_optimization.apply_default_optimizations = False
            steps = tensorflow.data.Dataset.range(-(-len(order) // batch_size))
            return steps.map(rows_of).prefetch(PREFETCHED).with_options(options)


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
