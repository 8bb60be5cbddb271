"""The time and memory that a run will take on this machine, before any of it is measured.

The cost model is that of a run's own estimate (`engine.state.forecast`), with the speed that
`engine.tools.speed_probe` measured. Which layers hold the FLOPs is not known without the network:
the share of them that trains in an epoch is taken as the share of layers. On two cores the figures
lay within a third of measured runs; they help to choose, and a run's own estimate replaces them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from engine.backbones.entry import Backbone
from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.state.forecast import Costs, Rates, Work, feature_rows
from engine.tools.speed_probe import Speed

EFFICIENCY = 0.55
"""Ratio of a whole network's speed to the probe's: 0.61 EfficientNetLite0, 0.44 CustomCNN."""
SEPARABLE_GAIN, DENSE_GAIN = 1.5, 1.1
"""How many times as fast XNNPACK computes features as the backend would, on a CPU: 1.5
EfficientNetLite0, 1.9 MobileNetV2, 1.14 ResNet50V2. Where there are too few images for it, they
take seconds either way."""
MOST_LEAVES = 300
"""Layers of a network that XNNPACK computes; the backend computes larger ones."""
LEAVES_PER_DEPTH = 3
"""Layers per convolution on the longest path: each has its normalization and activation."""
DEPTH_PER_BLOCK = 3
"""Layers on the longest path that a block adds: MobileNetV2 has 17 blocks, ResNet50V2 has 16."""
LOADING_SECONDS = 10.0
STAGE_SECONDS = 3.0
"""Tracing."""
STEP_SECONDS = 0.002
"""Seconds that a step takes besides computing."""
BASE_BYTES = 1_800_000_000
"""Memory of the process once it trains: 1.9 GiB measured with CIFAR-10 and no features."""
FEATURE_BYTES = 8_000
"""Bytes kept for an image at 96 pixels: 2.3 GiB in all measured with 50,000 of them."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """Of one run."""

    seconds: float | None
    """None where the speed was not measured, or was on another kind of device."""
    memory_bytes: int


def expect(
    spec: RunSpec, entry: Backbone, speed: Speed | None, images: tuple[int, int]
) -> Expectation:
    """Estimate what a run takes.

    Args:
        spec: of the run.
        entry: its model.
        speed: of the machine; None if it is not measured yet.
        images: numbers of images to train and to test.
    """
    train, test = images
    train = min(train, spec.train_limit or train)
    held_out = 0 if spec.validation == "test" else round(train * spec.validation)
    validation = test if spec.validation == "test" else held_out
    rows = feature_rows(spec, train - held_out, validation)
    flops = entry.flops_at(spec.image_size)
    parts = [
        (len(list(epochs)), _work(share, flops, keeps_features=spec.feature_cache))
        for stage in spec.stages
        for share, epochs in groupby(trained_shares(entry, stage))
    ]
    keeps = any(work.prefix for _, work in parts)
    features = rows * FEATURE_BYTES * (spec.image_size / 96) ** 2 if keeps else 0
    memory = BASE_BYTES + 3 * 32 * 32 * (train + test) + 16 * entry.parameters + features
    if speed is None or not _is_measured_kind(spec.device, speed.device):
        return Expectation(None, round(memory))
    per_flop = 1 / (EFFICIENCY * (speed.separable if entry.is_separable else speed.dense))
    extraction = per_flop / _extraction_gain(spec, entry, speed.device)
    steps, rates = (train - held_out) // spec.batch_size, Rates(per_flop, STEP_SECONDS)
    costs = Costs(spec.batch_size, steps, validation, rows, rates, extraction=extraction)
    seconds = costs.seconds(parts) or 0.0  # never None, as rates are assumed
    seconds += LOADING_SECONDS + STAGE_SECONDS * len(parts)
    seconds += per_flop * flops * test * spec.test_views
    return Expectation(seconds, round(memory))


def _extraction_gain(spec: RunSpec, entry: Backbone, device: str) -> float:
    """Return how many times as fast as by the backend the features are extracted."""
    is_large = LEAVES_PER_DEPTH * entry.depth > MOST_LEAVES
    if is_large or spec.precision != "float32" or not device.startswith("cpu"):
        return 1.0
    return SEPARABLE_GAIN if entry.is_separable else DENSE_GAIN


def _work(share: float, flops: float, *, keeps_features: bool) -> Work:
    """Of an image while the last `share` of a network's FLOPs trains, from 0 to 1."""
    suffix = share * flops
    return Work.of(flops - suffix, suffix, 2 * suffix, keeps_features=keeps_features)


def trained_shares(entry: Backbone, stage: Stage) -> list[float]:
    """Return the share of the network's FLOPs that trains in each epoch of a stage, 0 to 1."""
    if entry.from_scratch:
        return [1.0] * stage.epochs
    layers = LEAVES_PER_DEPTH * entry.depth
    return [min(_trained_layers(stage, done, layers) / layers, 1.0) for done in range(stage.epochs)]


def _trained_layers(stage: Stage, done: int, layers: int) -> int:
    """Return how many of the backbone's `layers` train after `done` epochs."""
    joined = [unfreeze.last for unfreeze in stage.unfreezes if unfreeze.after_epoch <= done]
    last = max(layers if last is None else last for last in (stage.unfreeze_last, *joined))
    blocks = done // stage.block_every if stage.block_every else 0
    return last + blocks * LEAVES_PER_DEPTH * DEPTH_PER_BLOCK


def _is_measured_kind(device: str, measured: str) -> bool:
    """Return whether `device` is of the kind on which the speed was measured: CPU or GPU."""
    kind = device.partition(":")[0]
    return kind == "auto" or kind == measured.partition(":")[0]
