"""What a run will take on this machine before anything of it was measured: time and memory.

Time is FLOPs over the speed that `engine.speed_probe` measured: the frozen prefix once for each
image and view, then the rest forwards and, twice as dear, backwards. What a stage trains is taken
to be that share of the FLOPs that its layers have of all layers. On two cores the figures lay
within a third of measured runs; they are for choosing, and a run's own estimate replaces them.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.backbones import Backbone
from engine.config import RunSpec, Stage
from engine.speed_probe import Speed
from engine.views import view_count

EFFICIENCY = 0.55
"""Of a whole network's speed to the probe's: 0.61 for EfficientNetLite0, 0.44 for CustomCNN."""
LEAVES_PER_DEPTH = 3
"""Layers by convolution on the longest path: each has its normalization and its activation."""
LOADING_SECONDS = 10.0
STAGE_SECONDS = 3.0
"""Tracing."""
STEP_SECONDS = 0.002
"""What a step takes beside computing."""
BASE_BYTES = 1_800_000_000
"""Of the process once it trains; measured at 1.9 GiB with CIFAR-10 in it and no features."""
FEATURE_BYTES = 8_000
"""Kept for an image at 96 pixels; 2.3 GiB in all were measured with 50,000 of them."""
SEPARABLE = ("mobilenet", "efficientnet", "lite0", "xception", "nasnet", "convnext")


@dataclass(frozen=True, slots=True)
class Expectation:
    """Of one run."""

    seconds: float
    memory_bytes: int


def expect(spec: RunSpec, entry: Backbone, speed: Speed, images: tuple[int, int]) -> Expectation:
    """Expect what a run takes.

    Args:
        spec: of the run.
        entry: its model.
        speed: of the machine.
        images: of the data set, to train and to test.
    """
    train, test = images
    train = min(train, spec.train_limit or train)
    held_out = 0 if spec.validation == "test" else round(train * spec.validation)
    validation = test if spec.validation == "test" else held_out
    flops = entry.flops_at(spec.image_size)
    views = view_count(spec.flip, spec.views)
    rows = (train - held_out) * views + validation
    work, steps, kept = test * flops, 0, 0.0
    for stage in spec.stages:
        suffix = _trained_share(entry, stage) * flops
        prefix = flops - suffix
        keeps = spec.feature_cache and not entry.from_scratch
        forward = suffix if keeps else flops
        work += stage.epochs * ((train - held_out) * (forward + 2 * suffix) + validation * forward)
        steps += stage.epochs * (train - held_out) // spec.batch_size
        kept = max(kept, prefix if keeps else 0.0)
    work += rows * kept
    seconds = LOADING_SECONDS + STAGE_SECONDS * len(spec.stages) + STEP_SECONDS * steps
    rate = EFFICIENCY * (speed.separable if _is_separable(entry) else speed.dense)
    features = rows * FEATURE_BYTES * (spec.image_size / 96) ** 2 if kept else 0
    memory = BASE_BYTES + 3 * 32 * 32 * (train + test) + 16 * entry.parameters + features
    return Expectation(seconds + work / rate, round(memory))


def _trained_share(entry: Backbone, stage: Stage) -> float:
    if entry.from_scratch or stage.unfreeze_last is None:
        return 1.0
    return min(stage.unfreeze_last / (LEAVES_PER_DEPTH * entry.depth), 1.0)


def _is_separable(entry: Backbone) -> bool:
    return (entry.module or entry.source).startswith(SEPARABLE)
