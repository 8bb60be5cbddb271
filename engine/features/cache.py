"""The features of a frontier: read from disk, or computed from earlier features or images."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from engine.backend.batches import aligned
from engine.backend.lite import LiteError
from engine.common.folders import features_root
from engine.config.settings import MEMORY_SHARE
from engine.config.spec import GIGABYTE, RunSpec
from engine.features.computing import Maker, Progress
from engine.features.extraction import executor_batch
from engine.features.fingerprint import prefix_digest
from engine.features.frozen_prefix import Frontier
from engine.features.pool import Features, Pool, layouts_of
from engine.features.store import FeatureStore, feature_key
from engine.features.writer import FeatureWriter
from engine.keras_setup.loaded import keras
from engine.machine.sampler import read_memory
from engine.protocol.events import Event, Executor, FeaturesReady, LogLine, PhaseChanged

FORMAT = "1"


@dataclass(eq=False)
class _Missing:
    """The features of one view of one pool, not computed yet, and where they go."""

    features: Features
    key: str
    arrays: list[Any] | None
    """In memory."""
    writer: FeatureWriter | None = None
    """On the disk, as long as that takes them."""


class FeatureCache:
    """Keeps the features of a run's network, on disk for later runs and in memory for this one."""

    def __init__(
        self,
        spec: RunSpec,
        network: keras.Model,
        device: str,
        emit: Callable[[Event], None],
        stops: Callable[[], bool],
        executor: Executor = "backend",
    ) -> None:
        """Start without features.

        Args:
            spec: sets the limits.
            network: the one whose features are kept; its weights before a frontier must not change.
            device: as `backend.choose_device` returns it.
            emit: called with the events of extraction and its progress.
            stops: called at every batch; waits out pauses, and ends the extraction if True.
            executor: as `choose_executor` returns it.
        """
        self.executor: Executor = executor
        """What computes the features; the backend once XNNPACK has failed."""
        self._spec, self._network, self._device = spec, network, device
        self._emit, self._stops = emit, stops
        self._store = FeatureStore(features_root(), int(spec.feature_disk_gb * GIGABYTE))
        self._warned = False
        given = spec.feature_memory_gb
        memory = read_memory()
        free = memory.total_bytes - memory.used_bytes
        self.memory_bytes = int(free * MEMORY_SHARE if given is None else given * GIGABYTE)

    def max_bytes_per_image(self, pools: Sequence[Pool], held: Features | None) -> float:
        """Return the largest size of one image's features that can be kept."""
        rows = sum(pool.rows for pool in pools)
        memory = self.memory_bytes - (held.bytes if held and held.held == "memory" else 0)
        a_batch = self.memory_bytes / self._spec.batch_size
        return min(a_batch, max(memory, self._store.limit_bytes) / rows)

    def hold(
        self,
        frontiers: Sequence[Frontier],
        pools: Sequence[Pool],
        epoch: int,
        earlier: Features | None = None,
    ) -> list[tuple[Features, FeaturesReady]]:
        """Get the features of all rows of some pools at several frontiers, in one pass.

        Args:
            frontiers: with a cut each.
            pools: the images, those to train on first.
            epoch: the one about to run.
            earlier: features held already; if their cut is before all others and gives the same
                bytes, the others are computed from them.

        Returns:
            The features and a remark on them, in the order of the frontiers; nothing if they can be
            kept neither in memory nor on disk, or a Stop came.
        """
        started = time.perf_counter()
        self._tell_phase()
        rows = sum(pool.rows for pool in pools)
        taken = earlier.bytes if earlier and earlier.held == "memory" else 0
        held = []
        for frontier in frontiers:
            taken += rows * frontier.bytes_per_image
            where = "memory" if taken <= self.memory_bytes else "disk"
            layouts, dtypes = layouts_of(frontier.cut)
            held.append(Features(frontier.cut, frontier.prefix, layouts, dtypes, where))  # type: ignore[arg-type]
        source = self._fill(held, pools, earlier, self._tell_phase)
        if source is None:
            return []
        ready = FeaturesReady(
            epoch=epoch,
            source=source,  # type: ignore[arg-type]
            images=rows,
            views=pools[0].views,
            bytes=0,
            held="memory",
            seconds=time.perf_counter() - started,
            executor=self.executor,
        )
        return [(f, replace(ready, bytes=f.bytes, held=f.held)) for f in held]

    def add(self, features: Features, pool: Pool) -> bool:
        """Get the features of a further pool at the same cut, without reporting it."""
        return self._fill([features], [pool], None, lambda: None) is not None

    def _fill(
        self,
        held: Sequence[Features],
        pools: Sequence[Pool],
        earlier: Features | None,
        on_fallback: Callable[[], None],
    ) -> str | None:
        """Fill all pools; return where from, or None if they cannot be held."""
        try:
            return self._fill_on(held, pools, earlier)
        except LiteError as error:
            text = f"TensorFlow computes the features, since XNNPACK cannot: {error}"
        # Not within the handler: the error keeps all that the first attempt holds.
        self.executor = "backend"
        self._emit(LogLine(level="info", text=text))
        on_fallback()
        return self._fill_on(held, pools, earlier)

    def _tell_phase(self) -> None:
        detail, executor = self._spec.model, self.executor
        self._emit(PhaseChanged(phase="extracting", detail=detail, executor=executor))

    def _fill_on(
        self, held: Sequence[Features], pools: Sequence[Pool], earlier: Features | None
    ) -> str | None:
        """Fill all pools on the present executor."""
        digests = [prefix_digest(self._network, features.cut) for features in held]
        missing: dict[tuple[str, int], list[_Missing]] = {}
        for features, digest in zip(held, digests, strict=True):
            for pool in pools:
                for view, arrays in enumerate(self._room(features, pool)):
                    key = self._key(digest, pool, view)
                    found = self._find(features, pool, key, arrays)
                    features.views[pool.name].append(found or [])
                    if found is None:
                        one = _Missing(features, key, arrays)
                        missing.setdefault((pool.name, view), []).append(one)
        if not missing:
            return "cache"
        return self._extract({pool.name: pool for pool in pools}, missing, earlier)

    def _room(self, features: Features, pool: Pool) -> list[list[Any] | None]:
        """Return arrays for each view of a pool, if held in memory; else None for each."""
        features.views[pool.name] = []
        if features.held != "memory":
            return [None] * pool.views
        whole = [aligned((pool.rows, *x.shape), x.dtype) for x in features.layouts]
        features.whole[pool.name] = whole
        count = len(pool.images)
        starts = range(0, pool.rows, count)
        return [[array[start : start + count] for array in whole] for start in starts]

    def _find(
        self, features: Features, pool: Pool, key: str, arrays: list[Any] | None
    ) -> list[Any] | None:
        """Return one view from the disk, in memory or mapped; None if it is not complete."""
        stored = self._store.find(key, features.layouts, len(pool.images))
        return None if stored is None else stored.read(arrays)

    def _key(self, digest: str, pool: Pool, view: int) -> str:
        spec = self._spec
        return feature_key(
            {
                "format": FORMAT,
                "prefix": digest,
                "images": pool.fingerprint,
                "view": "as it is" if view == 0 else f"{view} flip {pool.flip}",
                "image_size": str(spec.image_size),
                "precision": spec.precision,
                "device": self._device.partition(":")[0],
                "batch": str(executor_batch(self.executor, spec.image_size)),
                # Without one the backend computes: what is on the disk then stays true.
                **({} if self.executor == "backend" else {"executor": self.executor}),
            }
        )

    def _extract(
        self,
        pools: dict[str, Pool],
        missing: dict[tuple[str, int], list[_Missing]],
        earlier: Features | None,
    ) -> str | None:
        maker = Maker(self._network, earlier, self._spec, self.executor, self._device)
        progress = Progress(sum(len(pools[name].images) for name, _ in missing), self._emit)
        for (name, view), wanted in missing.items():
            if not self._make(pools[name], view, wanted, maker, progress):
                return None
        return maker.source

    def _make(
        self, pool: Pool, view: int, wanted: list[_Missing], maker: Maker, progress: Progress
    ) -> bool:
        """Compute one view, into memory and onto the disk if there is room."""
        with ExitStack() as stack:
            for one in wanted:
                one.writer = self._writer(one, pool, view)
                if one.writer is not None:
                    stack.enter_context(one.writer)
            for span, made in maker.batches(pool, view, [one.features for one in wanted]):
                for one in wanted:
                    arrays = [made[id(tensor)] for tensor in one.features.cut]
                    for target, array in zip(one.arrays or (), arrays, strict=bool(one.arrays)):
                        target[span] = array
                    self._keep(one, partial(FeatureWriter.write, arrays=arrays))
                is_lost = any(one.writer is None and one.arrays is None for one in wanted)
                if is_lost or self._stops():
                    return False
                progress.add(span.stop - span.start)
            for one in wanted:
                self._keep(one, FeatureWriter.finish)
        for one in wanted:
            found = one.arrays or self._find(one.features, pool, one.key, None)
            if found is None:
                return False
            one.features.views[pool.name][view] = found
        return True

    def _keep(self, one: _Missing, act: Callable[[FeatureWriter], None]) -> None:
        """Do something on the disk; one that fails is no longer used."""
        if one.writer is None:
            return
        try:
            act(one.writer)
        except OSError as error:
            one.writer = None
            self._warn(error)

    def _writer(self, one: _Missing, pool: Pool, view: int) -> FeatureWriter | None:
        cut = one.features.cut
        about: dict[str, str | int] = {
            "model": self._spec.model,
            "frontier": ", ".join(tensor._keras_history.operation.name for tensor in cut[:2]),
            "image_size": self._spec.image_size,
            "images": len(pool.images),
            "split": pool.name,
            "view": view,
            "precision": self._spec.precision,
        }
        if not self._store.limit_bytes:
            return None
        try:
            return self._store.writing(one.key, one.features.layouts, len(pool.images), about)
        except OSError as error:
            self._warn(error)
            return None

    def _warn(self, error: OSError) -> None:
        """Warn once that features are not kept for later runs."""
        if self._warned:
            return
        self._warned = True
        where = self._store.folder
        text = f"features are not kept for later runs: {error.strerror or error} ({where})"
        self._emit(LogLine(level="warning", text=text))
