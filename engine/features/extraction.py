"""Run a frozen prefix over images in batches of one fixed size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from engine.backend.devices import fuses, on_constants
from engine.backend.fused import fuse_inference
from engine.features.file_format import Layout
from engine.keras_setup.loaded import keras
from engine.model.subgraph import Forward

PIXELS = 256 * 96 * 96
"""Pixels of one batch: 256 images at 96 px, fewer where they are larger."""


def forward_batch(image_size: int) -> int:
    """Return the images of a batch in a pass without training, at this input size in pixels."""
    return max(16, min(512, PIXELS // image_size**2))


class Extractor:
    """Computes cut tensors from images, or from the features of an earlier cut.

    The last batch is filled up, so that every image is computed in a batch of the same size:
    kernels round differently otherwise.
    """

    def __init__(
        self,
        network: keras.Model,
        sources: Sequence[Any],
        cut: Sequence[Any],
        layouts: Sequence[Layout],
        batch: int,
        device: str,
    ) -> None:
        """Compile the part of the network between two sets of its tensors (KerasTensor)."""
        self._dtypes = [str(tensor.dtype) for tensor in sources]
        self._layouts = layouts
        self._ids = [id(tensor) for tensor in cut]
        self.batch = batch
        forward = Forward(network, sources, cut, rewrite=fuse_inference if fuses(device) else None)
        signature = [((batch, *t.shape[1:]), str(t.dtype)) for t in sources]
        self._run = on_constants(lambda *given: forward(given), signature, network.variables)

    def __call__(self, given: Sequence[Any]) -> dict[int, Any]:
        """Return the arrays of one batch of at most `batch` rows, by the id of their cut tensor."""
        rows = len(given[0])
        filled = [self._fill(a, dtype) for a, dtype in zip(given, self._dtypes, strict=True)]
        made = keras.tree.flatten(self._run(*filled))
        pairs = zip(made, self._layouts, strict=True)
        arrays = [_stored(value, layout)[:rows] for value, layout in pairs]
        return dict(zip(self._ids, arrays, strict=True))

    def _fill(self, array: Any, dtype: str) -> Any:
        if len(array) < self.batch:
            array = np.concatenate([array, np.repeat(array[-1:], self.batch - len(array), axis=0)])
        if str(array.dtype) != dtype:
            array = array.view(np.dtype(dtype))
        return keras.ops.convert_to_tensor(array)


def _stored(value: Any, layout: Layout) -> Any:
    array = np.asarray(value)
    return array if str(array.dtype) == layout.dtype else array.view(layout.dtype)


def spans(rows: int, batch: int) -> Iterator[slice]:
    """Yield the batches of `rows` rows."""
    for start in range(0, rows, batch):
        yield slice(start, min(start + batch, rows))
