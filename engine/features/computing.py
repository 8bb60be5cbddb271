"""Compute features view by view, from the images or from features of an earlier cut."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

import numpy as np

from engine.config.spec import RunSpec
from engine.datasets.augmentation import render_choice
from engine.features.extraction import Extractor, Part, forward_batch, spans
from engine.features.pool import Features, Pool
from engine.keras_setup.loaded import keras
from engine.protocol.events import Event, Executor, PhaseProgressed

PROGRESS_SECONDS = 0.5


class Maker:
    """Computes views batch by batch, from earlier features where that gives the same bytes."""

    def __init__(
        self,
        network: keras.Model,
        earlier: Features | None,
        spec: RunSpec,
        executor: Executor,
        device: str,
    ) -> None:
        """Start with nothing compiled.

        Args:
            network: whose cut tensors are computed.
            earlier: features that are held already.
            spec: says how large the images are.
            executor: as `choose_executor` returns it.
            device: as `backend.choose_device` returns it.
        """
        self._network, self._earlier, self._device = network, earlier, device
        self._executor, self._image_size = executor, spec.image_size
        self._block = forward_batch(spec.image_size)
        self._extractors: dict[tuple[int, ...], Extractor] = {}
        self._is_same: bool | None = None
        self.source = "extracted"
        """`extracted`, or `derived` once features of an earlier cut were used."""

    def batches(
        self, pool: Pool, view: int, wanted: Sequence[Features]
    ) -> Iterator[tuple[slice, dict[int, Any]]]:
        """Yield the features of a view, some at a time: arrays by the id of their cut tensor.

        Raises:
            LiteError: XNNPACK cannot compute them.
        """
        held = self._held(pool, wanted)
        blocks = list(spans(len(pool.images), self._block))
        if held is None or self._earlier is None:
            extractor = self._extractor(self._network.inputs, wanted)
            given: Iterator[Sequence[Any]] = (self._images(pool, view, span) for span in blocks)
        else:
            extractor = self._extractor(self._earlier.cut, wanted)
            given = ([array[span] for array in held[view]] for span in blocks)
        with closing(extractor.over(given)) as made:
            yield from zip(blocks, made, strict=True)

    def _images(self, pool: Pool, view: int, span: slice) -> list[Any]:
        rows = np.arange(span.start, span.stop)
        return [render_choice(pool.images, rows, np.full(len(rows), view), flip=pool.flip)]

    def _held(self, pool: Pool, wanted: Sequence[Features]) -> list[list[Any]] | None:
        """Return the views of the earlier features, if the wanted ones can come from them."""
        earlier = self._earlier
        if earlier is None or pool.name not in earlier.views:
            return None
        if not all(earlier.prefix < features.prefix for features in wanted):
            return None
        views = earlier.views[pool.name]
        if self._is_same is None:
            # The first batch, computed both ways, must agree to the last bit.
            first = next(spans(len(pool.images), self._block))
            images, given = [pool.images[first]], [array[first] for array in views[0]]
            direct = next(self._extractor(self._network.inputs, wanted).over([images]))
            derived = next(self._extractor(earlier.cut, wanted).over([given]))
            self._is_same = all(direct[t].tobytes() == derived[t].tobytes() for t in direct)
            self.source = "derived" if self._is_same else "extracted"
        return views if self._is_same else None

    def _extractor(self, sources: Sequence[Any], wanted: Sequence[Features]) -> Extractor:
        """Return the extractor, compiled once for each pair of cuts."""
        pairs = [
            pair for features in wanted for pair in zip(features.cut, features.layouts, strict=True)
        ]
        key = tuple(id(tensor) for tensor in (*sources, *(tensor for tensor, _ in pairs)))
        if key not in self._extractors:
            cut, layouts = zip(*pairs, strict=True)
            part = Part(self._network, sources, cut, layouts)
            self._extractors[key] = Extractor(part, self._executor, self._image_size, self._device)
        return self._extractors[key]


class Progress:
    """Reports how many images are done, twice a second."""

    def __init__(self, total: int, emit: Callable[[Event], None]) -> None:
        """Count up to `total` images."""
        self._total, self._emit = total, emit
        self._done, self._told_at = 0, 0.0

    def add(self, images: int) -> None:
        """Count `images` more."""
        self._done += images
        at = time.perf_counter()
        if at - self._told_at >= PROGRESS_SECONDS or self._done == self._total:
            self._told_at = at
            self._emit(PhaseProgressed(done=self._done, total=self._total, unit="images"))
