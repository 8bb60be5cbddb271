"""Run a frozen prefix over images in batches of one fixed size."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from engine.backend.devices import fuses, on_constants
from engine.backend.fused import fuse_inference
from engine.backend.lite import LiteProgram, has_lite
from engine.features.file_format import Layout
from engine.keras_setup.loaded import keras
from engine.machine.cores import usable_cores
from engine.machine.sampler import read_memory
from engine.model.graph import calls
from engine.model.measure import call_flops
from engine.model.subgraph import Forward
from engine.protocol.events import Executor

PIXELS = 256 * 96 * 96
"""Pixels of one batch: 256 images at 96 px, fewer where they are larger."""
LITE_BATCH = 4
"""Images of a batch on one core; at 96 and 128 px two or eight were slower, with AVX2."""
LITE_PIXELS = LITE_BATCH * 96 * 96
"""Pixels of such a batch, where the images are smaller."""
AHEAD = 2
"""Batches for each core that are computed before they are asked for."""
LITE_SHARE = 0.25
"""Of the free memory, for all cores together."""
WORTH_FLOPS = 5e9
"""FLOPs of a pass for each operation of a network, from which on its conversion, about 10 ms for
an operation, takes less time than it saves."""
MOST_OPERATIONS = 300
"""Of a network. InceptionV3 with 311 and NASNetMobile with 776 take 16 and 19 s to convert, and run
at 0.97 and 0.90 of TensorFlow's speed: XNNPACK leaves their pooling to slower kernels."""


def forward_batch(image_size: int) -> int:
    """Return the images of a batch in a pass without training, at this input size in pixels."""
    return max(16, min(512, PIXELS // image_size**2))


def executor_batch(executor: Executor, image_size: int) -> int:
    """Return the images that are computed at once, at this input size in pixels."""
    if executor == "xnnpack":
        return max(LITE_BATCH, min(64, LITE_PIXELS // image_size**2))
    return forward_batch(image_size)


def choose_executor(network: keras.Model, rows: int, device: str) -> Executor:
    """Return what computes the features of a run; the same for the same run on any processor.

    It is judged by the FLOPs of the whole network on all images, wherever the frontier lies.

    Args:
        network: whose prefix is computed.
        rows: images of all splits, each counted once for each of its views.
        device: as `backend.choose_device` returns it.
    """
    steps = calls(network)
    flops = rows * sum(call_flops(call) for call in steps)
    if len(steps) > MOST_OPERATIONS or flops < WORTH_FLOPS * len(steps):
        return "backend"
    plain = all(getattr(c.operation, "compute_dtype", "float32") == "float32" for c in steps)
    return "xnnpack" if plain and has_lite(device) else "backend"


class Part(NamedTuple):
    """A part of a network: from some of its tensors (KerasTensor) to others."""

    network: keras.Model
    sources: Sequence[Any]
    cut: Sequence[Any]
    layouts: Sequence[Layout]
    """Of the cut tensors as they are kept."""


class Extractor:
    """Computes cut tensors from images, or from the features of an earlier cut.

    The last batch is filled up, so that every image is computed in a batch of the same size:
    kernels round differently otherwise.
    """

    def __init__(self, part: Part, executor: Executor, image_size: int, device: str) -> None:
        """Compile the part.

        Raises:
            LiteError: XNNPACK cannot compute it.
        """
        self._dtypes = [str(tensor.dtype) for tensor in part.sources]
        self._layouts = part.layouts
        self._ids = [id(tensor) for tensor in part.cut]
        self._batch = executor_batch(executor, image_size)
        signature = [((self._batch, *t.shape[1:]), str(t.dtype)) for t in part.sources]
        variables = part.network.variables
        self._run: Callable[[Sequence[Any]], Any]
        self._threads = 0
        """Threads that compute beside the caller's; 0 for none."""
        if executor == "xnnpack":
            plain = Forward(part.network, part.sources, part.cut)
            waiting = AHEAD * self._batch * sum(map(_bytes, part.layouts))
            program = LiteProgram(
                lambda *given: plain(given),
                signature,
                variables,
                lambda own: _workers(own + waiting),
            )
            self._run, self._threads = program, program.workers
            return
        rewrite = fuse_inference if fuses(device) else None
        forward = Forward(part.network, part.sources, part.cut, rewrite=rewrite)
        compiled = on_constants(lambda *given: forward(given), signature, variables)
        self._run = lambda given: compiled(*map(keras.ops.convert_to_tensor, given))

    def over(self, blocks: Iterable[Sequence[Any]]) -> Generator[dict[int, Any]]:
        """Yield the arrays of each block of rows, by the id of their cut tensor.

        On XNNPACK the next blocks are computed meanwhile, on as many cores as there are.

        Args:
            blocks: the arrays of the sources, of any number of rows.

        Raises:
            LiteError: XNNPACK failed.
        """
        if self._threads == 0:
            for given in blocks:
                yield self._joined([self._compute(part) for part in self._parts(given)])
            return
        with ThreadPoolExecutor(self._threads, "features") as threads:
            waiting: deque[list[Future[list[Any]]]] = deque()
            try:
                for given in blocks:
                    waiting.append([threads.submit(self._compute, p) for p in self._parts(given)])
                    while self._is_enough(waiting):
                        yield self._joined([part.result() for part in waiting.popleft()])
                while waiting:
                    yield self._joined([part.result() for part in waiting.popleft()])
            finally:
                threads.shutdown(cancel_futures=True)

    def _parts(self, given: Sequence[Any]) -> list[list[Any]]:
        """Return a block in batches."""
        return [[array[span] for array in given] for span in spans(len(given[0]), self._batch)]

    def _is_enough(self, waiting: deque[list[Future[list[Any]]]]) -> bool:
        """Whether the blocks behind the first give every core two batches more to compute."""
        behind = sum(map(len, waiting)) - len(waiting[0]) if waiting else 0
        return behind >= AHEAD * self._threads

    def _joined(self, parts: list[list[Any]]) -> dict[int, Any]:
        joined = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
        return dict(zip(self._ids, joined, strict=True))

    def _compute(self, given: Sequence[Any]) -> list[Any]:
        """Return the arrays of at most one batch."""
        rows = len(given[0])
        filled = [self._fill(a, dtype) for a, dtype in zip(given, self._dtypes, strict=True)]
        made = keras.tree.flatten(self._run(filled))
        pairs = zip(made, self._layouts, strict=True)
        return [_stored(value, layout)[:rows] for value, layout in pairs]

    def _fill(self, array: Any, dtype: str) -> Any:
        if len(array) < self._batch:
            array = np.concatenate([array, np.repeat(array[-1:], self._batch - len(array), axis=0)])
        return array if str(array.dtype) == dtype else array.view(np.dtype(dtype))


def _workers(bytes_each: int) -> int:
    """Return how many cores compute at once, if each takes that many bytes of memory."""
    memory = read_memory()
    free = (memory.total_bytes - memory.used_bytes) * LITE_SHARE
    return max(1, min(usable_cores(), math.floor(free / bytes_each)))


def _bytes(layout: Layout) -> int:
    """Return the bytes of a layout's values for one image."""
    return math.prod(layout.shape) * np.dtype(layout.dtype).itemsize


def _stored(value: Any, layout: Layout) -> Any:
    array = np.asarray(value)
    return array if str(array.dtype) == layout.dtype else array.view(layout.dtype)


def spans(rows: int, batch: int) -> Iterator[slice]:
    """Yield the batches of `rows` rows."""
    for start in range(0, rows, batch):
        yield slice(start, min(start + batch, rows))
