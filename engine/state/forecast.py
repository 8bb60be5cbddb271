"""What an epoch costs and how long a run still takes, by FLOPs and by what was measured.

A training image costs the FLOPs of the computed leaves for the forward pass, and again for each
gradient: that of the input, and that of the weights where they train. With kept features the cost
begins at the frontier, without them at the image. A step costs a constant on top, in which a head
on pooled vectors spends nearly all of its time. Measured costs are used as they are; any other cost
is the nearest measured one, times the ratio of the two by this model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from engine.config.spec import Stage
from engine.protocol.events import EpochEnded, FeaturesReady, FreezeApplied, RunStarted
from engine.protocol.facts import LayerNode
from engine.state.layer_choice import leaf_nodes

OVERHEAD_FLOPS = 2e8
"""FLOPs that fit into the constant time of a step: 1 to 2.7 ms where the prefix of MobileNetV2 runs
at 0.12 TFLOP/s, on two cores. Used only until both are measured."""
WARM_UP_STEPS = 8
"""Measured steps before there is an estimate: the first ones fill caches and mislead."""


@dataclass(frozen=True, slots=True)
class Work:
    """FLOPs of one image while certain layers train; equal work takes equally long."""

    train: int
    """Forward and backward."""
    validation: int
    prefix: int
    """Computed once and kept; 0 where nothing is kept."""


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
    forward = suffix if keeps_features else prefix + suffix
    return Work(forward + gradients, forward, prefix if keeps_features else 0)


def stage_layers(tree: LayerNode, stage: Stage, *, locks_batchnorm: bool) -> frozenset[str]:
    """The leaf layers that a stage begins to train with: the backbone's last, and the head."""
    backbone, head = _leaves_of(tree, "backbone"), _leaves_of(tree, "head")
    if not backbone:
        return frozenset(leaf.name for leaf in leaf_nodes(tree))
    last = len(backbone) if stage.unfreeze_last is None else stage.unfreeze_last
    chosen = [
        leaf
        for leaf in backbone[max(len(backbone) - last, 0) :]
        if not (locks_batchnorm and leaf.kind == "BatchNormalization")
    ]
    return frozenset(leaf.name for leaf in (*chosen, *head))


def _leaves_of(tree: LayerNode, kind: str) -> list[LayerNode]:
    return [leaf for group in tree.children if group.kind == kind for leaf in leaf_nodes(group)]


class Estimate:
    """Learns from what a run measures, and estimates what it has not measured yet."""

    def __init__(self, started: RunStarted) -> None:
        self._tree = started.layers
        self._spec = started.spec
        self._steps = started.steps_per_epoch
        self._validation_images = started.data.validation_images
        self._rows = _feature_rows(started)
        self._keeps = started.spec.feature_cache
        self._paces: dict[Work, Pace] = {}
        self._extraction: float | None = None
        self._ready: set[int] = set()
        self._held = 0
        self._epoch_work: Work | None = None
        self.work = self._stage_work(0)
        """Of the layers that train now."""

    # What happens.

    def stage_started(self, index: int) -> None:
        """Note that stage `index` (from 0) chose its layers."""
        self.work = self._stage_work(index)

    def freeze_applied(self, event: FreezeApplied) -> None:
        """Note which layers train now, and whether the features before them are kept."""
        if event.frontier:
            self._keeps = True
        elif self.work_if(event.trainable, keeps_features=True).prefix:
            self._keeps = False  # there was something to keep: a limit or a full disk prevented it
        self.work = self.work_if(event.trainable)
        self._epoch_work = None

    def features_ready(self, event: FeaturesReady) -> None:
        """Note that the features of the current frontier are ready."""
        self._rows = event.images
        self._held = self.work.prefix
        if not self._ready:
            # One pass over the images makes the features of the coming stages as well.
            stages = range(len(self._spec.stages))
            planned = [prefix for i in stages if (prefix := self._stage_work(i).prefix)]
            self._ready.add(min(planned, default=self._held))
        self._ready.add(self._held)
        if event.source == "extracted" and event.images * self._held * event.seconds > 0:
            self._extraction = event.seconds / (event.images * self._held)

    def extracting(self, images_per_second: float) -> None:
        """Note the pace of the current extraction, if it is the first: later ones may start from
        features."""
        if not self._ready and self.work.prefix and images_per_second > 0:
            self._extraction = 1 / (images_per_second * self.work.prefix)

    def batches_ended(self, seconds: float, steps: int) -> None:
        """Note how long a number of steps took, without tracing."""
        self._pace().add(seconds, steps)

    def epoch_started(self) -> None:
        """Begin an epoch, which counts as measured if nothing changes until it ends."""
        self._epoch_work = self.work

    def epoch_ended(self, event: EpochEnded) -> None:
        """Take the seconds of a whole epoch, which count from now on."""
        self._pace().validation_seconds = event.validation_seconds
        if self._epoch_work == self.work and event.train_seconds > 0:
            self._pace().epoch_seconds = event.train_seconds + event.validation_seconds

    def _pace(self) -> Pace:
        return self._paces.setdefault(self.work, Pace())

    # What it will cost.

    def work_if(self, trains: Collection[str], *, keeps_features: bool | None = None) -> Work:
        """What an image would cost if these leaf layers trained, with features kept as now."""
        keeps = self._keeps if keeps_features is None else keeps_features
        return work_of(self._tree, trains, keeps_features=keeps)

    def epoch_seconds(self, work: Work) -> float | None:
        """Seconds of an epoch with its validation: measured, else estimated, else None."""
        pace = self._paces.get(work)
        if pace is not None and pace.epoch_seconds is not None:
            return pace.epoch_seconds
        forecast = self._forecast(work, 0.0)
        return None if forecast is None else forecast.epoch_seconds(self._steps)

    def extraction_seconds(self, work: Work) -> float | None:
        """Seconds until the features that `work` needs are ready; None while nothing is measured.

        0 where they were ready before in this run. A deeper frontier starts from the present ones.
        """
        return self._extraction_from(self._held, work)

    def forecasts(self, stage: int, extraction_left: float | None) -> list[Forecast | None]:
        """What each stage costs; None for those before `stage`, and while nothing is measured.

        Args:
            stage: index of the present stage.
            extraction_left: seconds of the current extraction, where its pace is known.
        """
        result: list[Forecast | None] = [None] * stage
        for index in range(stage, len(self._spec.stages)):
            work = self.work if index == stage else self._stage_work(index)
            extraction: float | None = 0.0  # the first pass makes theirs as well
            if index == stage:
                extraction = extraction_left
                if extraction is None:
                    extraction = self._extraction_from(self._held, work)
            result.append(self._forecast(work, extraction or 0.0))
        return result

    def _stage_work(self, index: int) -> Work:
        stages = self._spec.stages
        stage = stages[min(max(index, 0), len(stages) - 1)]
        locks = self._spec.batchnorm == "locked"
        return self.work_if(stage_layers(self._tree, stage, locks_batchnorm=locks))

    def _forecast(self, work: Work, extraction: float) -> Forecast | None:
        step = self._like_measured(work, lambda pace: pace.seconds_per_step, self._step_seconds)
        validation = self._like_measured(
            work, lambda pace: pace.validation_seconds, self._validation_seconds
        )
        if step is None or validation is None:
            return None
        return Forecast(step, validation, extraction)

    def _like_measured(
        self,
        work: Work,
        read: Callable[[Pace], float | None],
        modelled: Callable[[Work, _Rates], float],
    ) -> float | None:
        """What was measured of `work`, else of the work most like it, times the model's ratio."""
        known = {w: value for w, pace in self._paces.items() if (value := read(pace)) is not None}
        if work in known:
            return known[work]
        rates = self._rates()
        if rates is None:
            return None
        nearest = min(known, key=lambda w: _distance(w, work), default=None)
        if nearest is None or modelled(nearest, rates) <= 0:
            return modelled(work, rates)
        return known[nearest] * modelled(work, rates) / modelled(nearest, rates)

    def _step_seconds(self, work: Work, rates: _Rates) -> float:
        return rates.per_flop * self._step_flops(work) + rates.per_step

    def _validation_seconds(self, work: Work, rates: _Rates) -> float:
        steps = self._validation_images / self._spec.batch_size
        flops = self._validation_images * work.validation
        return rates.per_flop * flops + rates.per_step * steps

    def _step_flops(self, work: Work) -> float:
        return float(work.train * self._spec.batch_size)

    def _rates(self) -> _Rates | None:
        """Take the speed from the heaviest work measured or the extraction, the overhead from the
        lightest work."""
        paces = ((work, pace.seconds_per_step) for work, pace in self._paces.items())
        steps = {work: seconds for work, seconds in paces if seconds is not None}
        heaviest = max(steps, key=self._step_flops, default=None)
        is_heavy = heaviest is not None and self._step_flops(heaviest) > OVERHEAD_FLOPS
        if self._extraction is not None and not is_heavy:
            per_flop = self._extraction
        elif heaviest is not None:
            per_flop = steps[heaviest] / (self._step_flops(heaviest) + OVERHEAD_FLOPS)
        else:
            return None
        if not steps:
            return _Rates(per_flop, per_flop * OVERHEAD_FLOPS)
        lightest = min(steps, key=self._step_flops)
        return _Rates(per_flop, max(steps[lightest] - per_flop * self._step_flops(lightest), 0.0))

    def _extraction_from(self, held: int, work: Work) -> float | None:
        if not work.prefix or work.prefix in self._ready:
            return 0.0
        rates = self._rates()
        if rates is None:
            return None
        per_flop = rates.per_flop if self._extraction is None else self._extraction
        flops = work.prefix - held if held <= work.prefix else work.prefix
        return per_flop * flops * self._rows


@dataclass(frozen=True, slots=True)
class _Rates:
    per_flop: float
    """Seconds."""
    per_step: float


def _distance(one: Work, other: Work) -> float:
    return abs(math.log((one.train + 1) / (other.train + 1)))


def _feature_rows(started: RunStarted) -> int:
    """Images that are computed, once for each view; FeaturesReady has the exact number."""
    spec, data = started.spec, started.data
    views = spec.view_count
    if spec.validation == "test":
        return data.train_images * views + data.test_images
    return (data.train_images + data.validation_images) * views


@dataclass
class Pace:
    """What was measured while the same layers trained, without warm-up and tracing."""

    seconds: float = 0.0
    steps: int = 0
    validation_seconds: float | None = None
    """Of the last validation."""
    epoch_seconds: float | None = None
    """Training and validation of the last epoch in which nothing else trained."""

    def add(self, seconds: float, steps: int) -> None:
        """Count a stretch of batches without tracing."""
        self.seconds += seconds
        self.steps += steps

    @property
    def seconds_per_step(self) -> float | None:
        """None until warm."""
        return self.seconds / self.steps if self.steps >= WARM_UP_STEPS else None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a stage costs, measured or estimated."""

    seconds_per_step: float
    validation_seconds: float
    """Of one validation."""
    extraction_seconds: float = 0.0
    """Until its features are ready, before its next epoch."""

    def epoch_seconds(self, steps: int) -> float:
        """Of a whole epoch with its validation."""
        return steps * self.seconds_per_step + self.validation_seconds


def remaining_seconds(
    forecasts: Sequence[Forecast | None], stage: int, step: int, steps: int, epochs_left: list[int]
) -> float | None:
    """Estimate the rest of a run.

    Args:
        forecasts: one a stage; None where nothing is known.
        stage: index of the current stage.
        step: steps done in the current epoch.
        steps: steps of an epoch.
        epochs_left: epochs not finished, one number a stage, the current epoch included.

    Returns:
        Seconds; None while an epoch is left whose cost is not known.
    """
    total = 0.0
    for index, left in enumerate(epochs_left):
        if index < stage or not left:
            continue
        forecast = forecasts[index]
        if forecast is None:
            return None
        total += forecast.extraction_seconds + left * forecast.epoch_seconds(steps)
        if index == stage:
            total -= min(step, steps) * forecast.seconds_per_step
    return max(total, 0.0)


def phase_pace(
    done_before: int, at_first: float, done: int, at: float, total: int | None
) -> tuple[float | None, float | None]:
    """Units a second between two observations of a phase, and the seconds left at that pace.

    Both are None until something was done in between; the second also where no total is known.
    """
    seconds, units = at - at_first, done - done_before
    if seconds <= 0 or units <= 0:
        return None, None
    rate = units / seconds
    return rate, None if total is None else max(total - done, 0) / rate
