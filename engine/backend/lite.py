"""Frozen parts of a network on XNNPACK, the CPU kernels of TensorFlow Lite.

TensorFlow computes a batch of hundreds of images with all cores at each layer, whose results then
no longer fit in the cache. Here each core computes its own few images through all layers. A
program holds the weights as they are when it is made.
"""

from __future__ import annotations

import logging
import queue
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.backend.devices import fuses, on_constants

AGREEMENT = 1e-3
"""Largest difference to TensorFlow, as a share of the largest value: random weights reach 6e-5."""


class LiteError(Exception):
    """XNNPACK cannot compute this part of the network; the text says why, in a phrase."""


def has_lite(device: str) -> bool:
    """Return whether this TensorFlow can compute on XNNPACK, and a program would run there."""
    if not fuses(device):
        return False
    import tensorflow

    return hasattr(getattr(tensorflow, "lite", None), "Interpreter")


class LiteProgram:
    """A function of arrays that several threads may call at once, each on one core."""

    def __init__(
        self,
        function: Callable[..., Any],
        signature: Sequence[tuple[Any, str]],
        variables: Sequence[Any],
        workers: Callable[[int], int],
    ) -> None:
        """Convert the function, and compare the two forms on one batch of random values.

        Args:
            function: takes and returns tensors.
            signature: shape and dtype of each argument, with the size of the batch.
            variables: all Keras variables that it may read.
            workers: returns how many calls may run at once, given the bytes that each takes.

        Raises:
            LiteError: an operation has no counterpart, or the results differ.
        """
        frozen = on_constants(function, signature, variables)
        content = _converted(frozen)
        names = [tensor.name.partition(":")[0] for tensor in frozen.inputs]
        first = _Interpreter(content, names)
        self.workers = workers(len(content) + first.bytes)
        self._idle: queue.SimpleQueue[_Interpreter] = queue.SimpleQueue()
        self._idle.put(first)
        for _ in range(1, self.workers):
            self._idle.put(_Interpreter(content, names))
        _compare(frozen, self, signature)

    def __call__(self, given: Sequence[Any]) -> list[Any]:
        """Return the results (arrays) for arrays of exactly the signature's shapes.

        Raises:
            LiteError: it failed, for want of memory above all.
        """
        interpreter = self._idle.get()
        try:
            return interpreter.run(given)
        except (RuntimeError, ValueError, MemoryError) as error:
            raise LiteError(_first_line(error)) from error
        finally:
            self._idle.put(interpreter)


class _Interpreter:
    """One program in memory, which one thread at a time may run."""

    def __init__(self, content: bytes, names: Sequence[str]) -> None:
        import tensorflow

        with warnings.catch_warnings():
            # It says that a package of its own will replace it.
            warnings.simplefilter("ignore")
            try:
                self._interpreter = tensorflow.lite.Interpreter(
                    model_content=content, num_threads=1
                )
                self._interpreter.allocate_tensors()
            except (RuntimeError, ValueError, MemoryError) as error:
                raise LiteError(_first_line(error)) from error
        # They come in an order of their own, under the names of the function's arguments.
        places = {one["name"]: one["index"] for one in self._interpreter.get_input_details()}
        if set(places) != set(names):
            raise LiteError("its inputs have other names")
        self._inputs = [places[name] for name in names]
        self._outputs = [one["index"] for one in self._interpreter.get_output_details()]
        sizes = [_bytes(one) for one in self._interpreter.get_tensor_details()]
        self.bytes = 3 * max(sizes)
        """Estimate of what it takes beside the weights: input and output of a layer, and more."""

    def run(self, given: Sequence[Any]) -> list[Any]:
        for index, array in zip(self._inputs, given, strict=True):
            self._interpreter.set_tensor(index, array)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]


def _converted(frozen: Any) -> bytes:
    """Return the program of a function on constants.

    It keeps other threads waiting for about 0.4 s, no longer than tracing does.
    """
    import tensorflow

    logger = logging.getLogger("absl")
    level = logger.level
    # It warns that constants are converted another way than variables.
    logger.setLevel(logging.ERROR)
    try:
        converter = tensorflow.lite.TFLiteConverter.from_concrete_functions([frozen])
        return bytes(converter.convert())
    except Exception as error:  # its own class is not public
        raise LiteError(_first_line(error)) from error
    finally:
        logger.setLevel(level)


def _compare(frozen: Any, program: LiteProgram, signature: Sequence[tuple[Any, str]]) -> None:
    import tensorflow

    random = np.random.default_rng(0)
    given = [
        random.integers(0, 256, shape, np.uint8)
        if dtype == "uint8"
        else random.random(shape, np.float32)
        for shape, dtype in signature
    ]
    made = frozen(*(tensorflow.constant(array) for array in given))
    expected, found = tensorflow.nest.flatten(made), program(given)
    if len(found) != len(expected):
        raise LiteError("it has another number of results")
    for one, other in zip(expected, found, strict=True):
        array = one.numpy()
        if array.shape != other.shape:
            raise LiteError("its results have other shapes")
        largest = np.abs(array).max()
        if not np.abs(array - other).max() <= AGREEMENT * largest:
            raise LiteError("its results differ")


def _bytes(detail: dict[str, Any]) -> int:
    count, size = np.prod(detail["shape"], dtype=np.int64), np.dtype(detail["dtype"]).itemsize
    return int(count * size)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200]
