"""Builds the training step for what trains now, over kept features or over the images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.backend.batches import Rows
from engine.backend.devices import fuses
from engine.backend.fused import fuse_inference, fuse_training
from engine.backend.lite import has_lite
from engine.backend.step_model import StepModel, step_model
from engine.common.text import byte_size
from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.datasets.augmentation import draw_views, render_choice
from engine.features.cache import FeatureCache
from engine.features.extraction import choose_executor
from engine.features.frozen_prefix import Frontier, find_frontier
from engine.features.pool import Features, Pool
from engine.model.build import Classifier
from engine.model.graph import calls, leaves
from engine.model.measure import call_flops
from engine.model.subgraph import Forward
from engine.model.trainable import apply_trainable
from engine.model.tree import layer_tree
from engine.protocol.events import Event, Executor, FeaturesReady, LogLine
from engine.state.layer_choice import leaf_nodes
from engine.training.preparation import Data
from engine.training.selection import planned_selections


@dataclass(frozen=True, eq=False)
class Step:
    """A training step and the rows that feed it."""

    model: StepModel
    features: Features | None
    ready: FeaturesReady | None
    """What to report of the features."""
    train: Rows
    validation: Rows
    flops_per_image: int
    """Of a forward pass over what is computed at each step, for one image."""

    @property
    def kept(self) -> frozenset[str]:
        """The operations that are not computed, because their features are kept."""
        return self.features.prefix if self.features else frozenset()

    @property
    def executor(self) -> Executor | None:
        """What computed the kept features; None without any."""
        return self.ready.executor if self.ready else None


class Assembler:
    """Builds training steps from the network, the images and the kept features."""

    def __init__(
        self,
        spec: RunSpec,
        classifier: Classifier,
        data: Data,
        device: str,
        emit: Callable[[Event], None],
        stops: Callable[[], bool],
    ) -> None:
        """Begin without features; the arguments are those of `Learner`."""
        self._spec, self._classifier, self._data = spec, classifier, data
        self._device, self._emit, self._stops = device, emit, stops
        network = classifier.network
        rows = sum(pool.rows for pool in data.pools.values())
        computes: Executor = choose_executor(network, rows, device)
        self._cache = FeatureCache(spec, network, device, emit, stops, computes)
        self._held: list[tuple[Features, FeaturesReady]] = []
        self._pools = [data.pools["train"]]
        if data.validation_pool == "test":
            self._pools.append(data.pools["test"])
        self._image_rows: dict[str, Rows] = {}
        self._has_warned = False

    @property
    def executor(self) -> Executor:
        """What computes the next features."""
        return self._cache.executor

    def restore_executor(self, executor: Executor) -> None:
        """Compute features as those of a checkpoint were, where that is possible here."""
        is_here = executor == "backend" or has_lite(self._device)
        self._cache.executor = executor if is_here else "backend"

    def assemble(self, epoch: int, *, extracts: bool, mid_epoch: bool) -> Step:
        """Build a step for the current state of the layers.

        Args:
            epoch: the one about to run, or running.
            extracts: whether a pass over all images is worthwhile.
            mid_epoch: whether only features that are already kept can be used.
        """
        network = self._classifier.network
        everything = find_frontier(network)
        self._held = [held for held in self._held if held[0].prefix <= everything.fixed]
        found = self._features(everything, epoch, extracts=extracts, mid_epoch=mid_epoch)
        features, ready = found or (None, None)
        inputs = features.cut if features else network.inputs
        plain = not fuses(self._device)
        rewrite, frozen = (None, None) if plain else (fuse_training, fuse_inference)
        prefix = None
        if features is None and everything.cut:
            prefix = Forward(network, inputs, everything.cut, everything.inference, frozen)
            inputs = everything.cut
        suffix = Forward(network, inputs, network.outputs, everything.inference, rewrite)
        evaluated = Forward(network, inputs, network.outputs, everything.inference, frozen)
        smoothing = self._spec.label_smoothing
        model = step_model(network, prefix, suffix, smoothing, evaluated)
        train = self._rows(self._data.pools["train"], features)
        validation = self._rows(self._data.pools[self._data.validation_pool], features, plain=True)
        kept = features.prefix if features else frozenset[str]()
        flops = sum(call_flops(c) for c in calls(network) if c.operation.name not in kept)
        return Step(model, features, ready, train, validation, flops)

    def hold_for_stages(self, stages: list[Stage], locked: bool, epoch: int) -> None:
        """Prepare the earliest features that the coming stages need, to compute later ones from.

        Args:
            stages: the one about to begin and those after it; changes the layers' state.
            locked: whether the backbone's BatchNormalization stays in inference mode.
            epoch: the one about to run.
        """
        if not self._spec.feature_cache:
            return
        frontiers = []
        for stage in stages:
            for selected in planned_selections(self._classifier, stage):
                apply_trainable(self._classifier, selected, locked=locked)
                frontiers.append(self._affordable(None))
        first = frontiers[0]
        # A stage that trains all layers needs none, and leaves those before it theirs.
        cuts = [frontier for frontier in frontiers if frontier.cut]
        earliest = min(cuts, key=lambda f: len(f.prefix), default=first)
        if earliest.prefix < first.prefix and not self._find_held(earliest):
            held = self._cache.hold([earliest, first], self._pools, epoch)
            self._held = [_told(pair) if pair[0].cut == earliest.cut else pair for pair in held]

    def first_computed(self, step: Step) -> str:
        """The first leaf, in tree order, that a step computes; empty where it keeps none."""
        if not step.kept:
            return ""
        operations = (o for o in self._classifier.network.operations if o.name in step.kept)
        kept = {leaf.name for operation in operations for leaf in leaves(operation)}
        order = leaf_nodes(layer_tree(self._classifier, ()))
        return next((leaf.name for leaf in order if leaf.name not in kept), "")

    def is_best(self, step: Step) -> bool:
        """Tell whether a step built between two epochs would have the same features."""
        if not self._spec.feature_cache:
            return True
        best = self._affordable(self._held[-1] if self._held else None)
        return not best.cut or best.prefix == step.kept

    def order(self, epoch: int) -> NDArray[np.int64]:
        """The rows of the training pool in an epoch's order, each image in that epoch's view."""
        seed, images = self._spec.seed, len(self._data.train)
        permutation = np.random.default_rng((seed, epoch)).permutation(images)
        pool = self._data.pools["train"]
        views = draw_views(seed, epoch, images, pool.views)
        rows: NDArray[np.int64] = views * len(pool.images) + self._data.train
        return rows[permutation]

    def test_rows(self, step: Step) -> Rows | None:
        """The test images in all their views; None where their features cannot be kept."""
        pool = self._data.pools["test"]
        features = step.features
        is_held = features is None or pool.name in features.views
        if not is_held and not self._cache.add(features, pool):  # type: ignore[arg-type]
            return None
        return self._rows(pool, step.features)

    def _features(
        self, everything: Frontier, epoch: int, *, extracts: bool, mid_epoch: bool
    ) -> tuple[Features, FeaturesReady] | None:
        if not self._spec.feature_cache or not everything.cut:
            self._held = []
            return None
        if mid_epoch:
            return max(self._held, key=lambda held: len(held[0].prefix), default=None)
        earlier = max(self._held, key=lambda held: len(held[0].prefix), default=None)
        best = self._affordable(earlier)
        if not best.cut:
            self._warn(everything)
            return earlier
        found = self._find_held(best)
        if found is not None:
            found = (found[0], replace(found[1], epoch=epoch))
        elif earlier is not None or extracts:
            source = earlier[0] if earlier else None
            found = next(iter(self._cache.hold([best], self._pools, epoch, source)), None)
        if found is None:
            return earlier
        # What lies behind the frontier may train from now on: its features would no longer be true.
        self._held = [h for h in self._held if h[0].prefix < best.prefix]
        self._held.append(_told(found))
        return found

    def _affordable(self, earlier: tuple[Features, FeaturesReady] | None) -> Frontier:
        limit = self._cache.max_bytes_per_image(self._pools, earlier[0] if earlier else None)
        return find_frontier(self._classifier.network, limit)

    def _find_held(self, frontier: Frontier) -> tuple[Features, FeaturesReady] | None:
        return next((h for h in self._held if h[0].prefix == frontier.prefix), None)

    def _warn(self, frontier: Frontier) -> None:
        if self._has_warned:
            return
        self._has_warned = True
        rows = sum(pool.rows for pool in self._pools)
        text = (
            f"features of {byte_size(rows * frontier.bytes_per_image)} exceed every limit "
            "(`feature_memory_gb`, `feature_disk_gb`); all layers are computed at every step"
        )
        self._emit(LogLine(level="warning", text=text))

    def _rows(self, pool: Pool, features: Features | None, *, plain: bool = False) -> Rows:
        """Make the rows of a pool as the step takes them; `plain` uses the images as they are."""
        views = 1 if plain else pool.views
        labels = np.tile(pool.labels, views)
        if features is None:
            if views == 1:
                return self._images(pool)
            return Rows.taken(self._render(pool), labels, [pool.images.shape[1:]], ["uint8"])
        whole = features.whole.get(pool.name)
        if whole is not None:
            return Rows([array[: len(labels)] for array in whole], labels, features.dtypes)
        shapes = [layout.shape for layout in features.layouts]
        take = lambda rows: features.take(pool.name, rows)  # noqa: E731
        return Rows.taken(take, labels, shapes, features.dtypes)

    def _images(self, pool: Pool) -> Rows:
        """The images as they are, made once."""
        if pool.name not in self._image_rows:
            self._image_rows[pool.name] = Rows([pool.images], pool.labels)
        return self._image_rows[pool.name]

    def _render(self, pool: Pool) -> Callable[[Any], list[Any]]:
        count, flip = len(pool.images), pool.flip

        def take(rows: Any) -> list[Any]:
            return [render_choice(pool.images, rows % count, rows // count, flip=flip)]

        return take


def _told(held: tuple[Features, FeaturesReady]) -> tuple[Features, FeaturesReady]:
    """Describe features that are used again: they cost nothing more."""
    return held[0], replace(held[1], source="cache", seconds=0.0)
