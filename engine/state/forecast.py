"""What an epoch costs and how long a run still takes, by FLOPs and by what was measured.

A training image costs the FLOPs of the computed leaves for the forward pass, and again for each
gradient: that of the input, and that of the weights where they train. With kept features the cost
begins at the frontier, without them at the image. A step costs a constant on top, in which a head
on pooled vectors spends nearly all of its time. Measured costs are used as they are; any other cost
is the nearest measured one, times the ratio of the two by this model. Before anything is measured
the model alone tells, at the rates that are assumed, if any are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.protocol.events import (
    BatchEnded,
    EpochEnded,
    EpochStarted,
    Event,
    Executor,
    FeaturesReady,
    FreezeApplied,
    PhaseChanged,
    RunStarted,
    StageStarted,
)
from engine.protocol.facts import LayerNode
from engine.state.layer_choice import (
    count_blocks,
    last_blocks,
    last_layers,
    leaf_nodes,
    lockable,
    weighted,
)
from engine.state.step_times import StepTimes

OVERHEAD_FLOPS = 2e8
"""FLOPs that fit into the constant time of a step: 1 to 2.7 ms where the prefix of MobileNetV2 runs
at 0.12 TFLOP/s, on two cores. Used only until both are measured."""
STEP_COSTS: dict[Executor, float] = {"backend": 1.0, "xnnpack": 1.3}
"""How many times as long a FLOP of a step takes as one of extraction, by what extracts. Of
EfficientNetLite0 at 128 px on two cores: 0.70 and 1.22 where the last 38 layers train, 0.74 and
1.29 where the last 98 do, 1.06 and 1.84 where all do. Used only until a step is measured."""
WARM_UP_STEPS = 8
"""Measured steps before there is an estimate: the first ones fill caches and mislead."""


@dataclass(frozen=True, slots=True)
class Work:
    """FLOPs of one image while certain layers train; equal work takes equally long."""

    train: float
    """Forward and backward."""
    validation: float
    prefix: float
    """Computed once and kept; 0 where nothing is kept."""

    @classmethod
    def of(cls, prefix: float, suffix: float, gradients: float, *, keeps_features: bool) -> Work:
        """Of FLOPs before the frontier, behind it, and backwards."""
        if keeps_features:
            return cls(suffix + gradients, suffix, prefix)
        return cls(prefix + suffix + gradients, prefix + suffix, 0)


Part = tuple[int, Work]
"""How many epochs in a row the same layers train, and their work."""
Stretch = tuple[int, int, frozenset[str]]
"""From after which to after which epoch of a stage nothing joins, and the leaf layers that join at
its start."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Seconds by which the model turns work into time."""

    per_flop: float
    per_step: float


@dataclass(slots=True)
class Pace:
    """What was measured while the same layers trained, without warm-up and tracing."""

    times: StepTimes = field(default_factory=StepTimes)
    validation_seconds: float | None = None
    """Of the last validation."""
    epoch_seconds: float | None = None
    """Training and validation of the last epoch in which nothing else trained."""

    @property
    def seconds_per_step(self) -> float | None:
        """None until warm."""
        return self.times.step_seconds if self.times.steps >= WARM_UP_STEPS else None


@dataclass(slots=True)
class Costs:
    """The seconds of any work of one run."""

    batch_size: int
    steps: int
    """Of an epoch."""
    validation_images: int
    rows: int
    """Images whose features are computed, once for each view."""
    assumed: Rates | None = None
    """Of steps; used until one is measured."""
    paces: dict[Work, Pace] = field(default_factory=dict)
    """What was measured."""
    extraction: float | None = None
    """Seconds per FLOP of making features: measured, or assumed; None for those of a step."""
    step_cost: float = 1.0
    """How many times as long a FLOP of a step takes, where no step is measured."""

    def seconds(
        self,
        parts: Sequence[Part],
        held: float = 0.0,
        ready: Collection[float] = (),
        step: int = 0,
        extraction_left: float | None = None,
    ) -> float | None:
        """Seconds of parts of the run; None while the cost of one is not measured nor assumed.

        The first pass over the images also makes the features of the shallowest frontier, from
        which those of any other one start.

        Args:
            parts: one after the other.
            held: FLOPs before the present frontier.
            ready: of all frontiers whose features are there.
            step: steps done in the first epoch.
            extraction_left: seconds of the current extraction, where its pace is known.
        """
        shallowest = min((work.prefix for _, work in parts if work.prefix), default=0.0)
        known, total = set(ready), 0.0
        for epochs, work in parts:
            one, validation = self._step_seconds(work), self._validation_seconds(work)
            if one is None or validation is None:
                return None
            if extraction_left is None:
                extraction_left = self.extraction_seconds(work, held, known)
            total += (extraction_left or 0.0) - min(step, self.steps) * one
            total += epochs * (self.steps * one + validation)
            step, extraction_left = 0, None
            if work.prefix:
                known |= {work.prefix, shallowest}
                held = shallowest
        return max(total, 0.0)

    def epoch_seconds(self, work: Work) -> float | None:
        """Seconds of an epoch with its validation: measured, else estimated, else None."""
        pace = self.paces.get(work)
        if pace is not None and pace.epoch_seconds is not None:
            return pace.epoch_seconds
        return self.seconds([(1, work)], ready=(work.prefix,))

    def extraction_seconds(self, work: Work, held: float, ready: Collection[float]) -> float | None:
        """Seconds until the features that `work` needs are ready; None where no rate is known.

        0 where they were ready before. A deeper frontier starts from the features that are held.
        """
        if not work.prefix or work.prefix in ready:
            return 0.0
        rates = self._rates()
        if rates is None:
            return None
        per_flop = rates.per_flop if self.extraction is None else self.extraction
        return per_flop * (work.prefix - (held if held <= work.prefix else 0)) * self.rows

    def _step_seconds(self, work: Work) -> float | None:
        def modelled(work: Work, rates: Rates) -> float:
            return rates.per_flop * self._step_flops(work) + rates.per_step

        return self._like_measured(work, lambda pace: pace.seconds_per_step, modelled)

    def _validation_seconds(self, work: Work) -> float | None:
        def modelled(work: Work, rates: Rates) -> float:
            per_image = rates.per_flop * work.validation + rates.per_step / self.batch_size
            return self.validation_images * per_image

        return self._like_measured(work, lambda pace: pace.validation_seconds, modelled)

    def _like_measured(
        self,
        work: Work,
        read: Callable[[Pace], float | None],
        modelled: Callable[[Work, Rates], float],
    ) -> float | None:
        """What was measured of `work`, else of the work most like it, times the model's ratio."""
        known = {w: value for w, pace in self.paces.items() if (value := read(pace)) is not None}
        rates = self._rates()
        if work in known or rates is None:
            return known.get(work)
        # The ratio of the two counts, whichever is the larger.
        nearest = min(
            known, key=lambda w: abs(math.log((w.train + 1) / (work.train + 1))), default=None
        )
        if nearest is None or modelled(nearest, rates) <= 0:
            return modelled(work, rates)
        return known[nearest] * modelled(work, rates) / modelled(nearest, rates)

    def _step_flops(self, work: Work) -> float:
        return float(work.train * self.batch_size)

    def _rates(self) -> Rates | None:
        """Take the speed from the heaviest work measured or the extraction, the overhead from the
        lightest work."""
        paces = ((work, pace.seconds_per_step) for work, pace in self.paces.items())
        steps = {work: seconds for work, seconds in paces if seconds is not None}
        if not steps and self.assumed is not None:
            return self.assumed
        heaviest = max(steps, key=self._step_flops, default=None)
        is_heavy = heaviest is not None and self._step_flops(heaviest) > OVERHEAD_FLOPS
        if self.extraction is not None and not is_heavy:
            per_flop = self.extraction * self.step_cost
        elif heaviest is not None:
            per_flop = steps[heaviest] / (self._step_flops(heaviest) + OVERHEAD_FLOPS)
        else:
            return None
        if not steps:
            return Rates(per_flop, per_flop * OVERHEAD_FLOPS)
        lightest = min(steps, key=self._step_flops)
        return Rates(per_flop, max(steps[lightest] - per_flop * self._step_flops(lightest), 0.0))


def feature_rows(spec: RunSpec, train_images: int, validation_images: int) -> int:
    """Count the images that are computed once for each view; FeaturesReady has the exact number."""
    if spec.validation == "test":
        return train_images * spec.view_count + validation_images * spec.test_views
    return (train_images + validation_images) * spec.view_count


class Estimate:
    """Learns from the events of a run, and estimates what it has not measured yet."""

    def __init__(self, started: RunStarted) -> None:
        spec, data, tree = started.spec, started.data, started.layers
        rows = feature_rows(spec, data.train_images, data.validation_images)
        self.costs = Costs(spec.batch_size, started.steps_per_epoch, data.validation_images, rows)
        self._stages = spec.stages
        self._keeps = spec.feature_cache
        locks = spec.batchnorm == "locked"
        self._plan = cache(lambda i: stage_plan(tree, spec.stages[i], locks_batchnorm=locks))
        self._work = cache(lambda trains, keeps: work_of(tree, trains, keeps_features=keeps))
        self._ready: set[float] = set()
        self._held = 0.0
        self._epoch_work: Work | None = None
        self._trains = self._plan(0)[0][2]

    @property
    def work(self) -> Work:
        """Of the layers that train now."""
        return self.work_if(self._trains)

    def apply(self, event: Event) -> None:
        """Learn from an event; most say nothing of costs."""
        match event:
            case StageStarted():
                self._trains = self._plan(min(max(event.stage, 1), len(self._stages)) - 1)[0][2]
            case PhaseChanged(executor=str() as executor):
                self.costs.step_cost = STEP_COSTS[executor]
            case EpochStarted():
                # It counts as measured if nothing changes until it ends.
                self._epoch_work = self.work
            case FreezeApplied():
                self._freeze_applied(event)
            case FeaturesReady():
                self._features_ready(event)
            case BatchEnded():
                pace = self._pace()
                pace.times = pace.times.after(event, self.costs.batch_size)
            case EpochEnded():
                pace = self._pace()
                pace.validation_seconds = event.validation_seconds
                if self._epoch_work == self.work and event.train_seconds > 0:
                    pace.epoch_seconds = event.train_seconds + event.validation_seconds

    def _freeze_applied(self, event: FreezeApplied) -> None:
        self._trains = frozenset(event.trainable)
        if event.frontier:
            self._keeps = True
        elif self._work(self._trains, True).prefix:
            self._keeps = False  # there was something to keep: a limit or a full disk prevented it
        self._epoch_work = None

    def _features_ready(self, event: FeaturesReady) -> None:
        self.costs.rows = event.images
        self._held = self.work.prefix
        if not self._ready:
            # One pass over the images makes the features of the coming stages as well.
            stages = range(len(self._stages))
            parts = (part for i in stages for part in self._parts(i, frozenset(), -1))
            prefixes = (work.prefix for _, work in parts)
            self._ready.add(min(filter(None, prefixes), default=self._held))
        self._ready.add(self._held)
        if event.source == "extracted" and event.images * self._held * event.seconds > 0:
            self.costs.extraction = event.seconds / (event.images * self._held)
            self.costs.step_cost = STEP_COSTS[event.executor]

    def extracting(self, images_per_second: float) -> None:
        """Note the pace of the current extraction, if it is the first: later ones may start from
        features."""
        if not self._ready and self.work.prefix and images_per_second > 0:
            self.costs.extraction = 1 / (images_per_second * self.work.prefix)

    def _pace(self) -> Pace:
        return self.costs.paces.setdefault(self.work, Pace())

    # What it will cost.

    def work_if(self, trains: frozenset[str]) -> Work:
        """What an image would cost if these leaf layers trained, with features kept as now."""
        return self._work(trains, self._keeps)

    def extraction_seconds(self, work: Work) -> float | None:
        """Seconds until the features that `work` needs would be ready; None if nothing is known."""
        return self.costs.extraction_seconds(work, self._held, self._ready)

    def seconds_left(
        self, stage: int, done: int, step: int, extraction_left: float | None = None
    ) -> float | None:
        """Seconds of the epochs that are left; None while nothing is measured.

        Args:
            stage: index of the present stage.
            done: how many of its epochs have ended.
            step: steps done in the current epoch.
            extraction_left: seconds of the current extraction, where its pace is known.
        """
        parts = self._parts(stage, self._trains, done)
        for index in range(stage + 1, len(self._stages)):
            parts += self._parts(index, frozenset(), -1)
        return self.costs.seconds(parts, self._held, self._ready, step, extraction_left)

    def _parts(self, index: int, trains: frozenset[str], done: int) -> list[Part]:
        """What a stage still trains: these layers, and what joins after more than `done` epochs."""
        parts = []
        for start, stop, joins in self._plan(index) if index < len(self._stages) else ():
            trains = trains | joins if start > done else trains
            if stop > done:
                parts.append((stop - max(start, done), self.work_if(trains)))
        return parts


def stage_plan(tree: LayerNode, stage: Stage, *, locks_batchnorm: bool) -> list[Stretch]:
    """What a stage trains by its plan: at its start, and what joins later.

    Args:
        tree: of the whole model; one without a backbone trains whole.
        stage: with the layers that join in its course.
        locks_batchnorm: whether BatchNormalization of the backbone stays frozen.
    """
    has_backbone = any(group.kind == "backbone" for group in tree.children)

    def last(layers: int | None) -> tuple[str, ...]:
        return weighted(tree) if layers is None or not has_backbone else last_layers(tree, layers)

    joins = {unfreeze.after_epoch: last(unfreeze.last) for unfreeze in stage.unfreezes}
    joins[0], every = last(stage.unfreeze_last), stage.block_every
    blocks = range(1, count_blocks(tree) + 1 if every else 1)
    begun = sum(set(joins[0]).issuperset(last_blocks(tree, number)) for number in blocks)
    for number in blocks[begun:]:
        before = last_blocks(tree, number - 1)
        joined = (name for name in last_blocks(tree, number) if name not in before)
        joins[every * (number - begun)] = tuple(joined)
    held = lockable(tree) if locks_batchnorm else frozenset()
    starts = sorted(epoch for epoch in joins if 0 <= epoch < max(stage.epochs, 1))
    return [
        (start, stop, frozenset(joins[start]) - held)
        for start, stop in pairwise([*starts, stage.epochs])
    ]


def work_of(tree: LayerNode, trains: Collection[str], *, keeps_features: bool) -> Work:
    """Count what an image costs while these leaf layers train.

    Args:
        tree: the whole model.
        trains: names of leaf layers; those without parameters have nothing to train.
        keeps_features: whether everything before the first of them is computed only once.
    """
    leaves = list(leaf_nodes(tree))
    training = (i for i, leaf in enumerate(leaves) if leaf.parameters and leaf.name in trains)
    first = next(training, len(leaves))
    prefix = sum(leaf.flops for leaf in leaves[:first])
    suffix = sum(leaf.flops for leaf in leaves[first:])
    gradients = sum((2 if leaf.name in trains else 1) * leaf.flops for leaf in leaves[first:])
    return Work.of(prefix, suffix, gradients, keeps_features=keeps_features)
