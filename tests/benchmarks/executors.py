"""What computes the features of a frozen prefix faster: TensorFlow, or XNNPACK a core a batch.

    python tests/benchmarks/executors.py [--size 96 128] [NAME ...]

Each network has random weights and its last 30 layers unfrozen. The two compute the same blocks in
turn; the table gives the medians of five and their spread, without the time to compile.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from typing import Any

import numpy as np

NAMES = ("EfficientNetLite0", "MobileNetV2", "MobileNetV3Small", "EfficientNetB0", "ResNet50V2")
ROUNDS = 5
LEAST_SECONDS = 2.0
"""Of a measurement, by TensorFlow's first pace."""
LAST = 30


def main() -> None:
    """Print the table, a row as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME")
    parser.add_argument("--size", type=int, nargs="+", default=[96, 128])
    arguments = parser.parse_args()
    print("| Network | Input | TensorFlow, images/s | XNNPACK, images/s | Ratio |")
    print("| --- | ---: | ---: | ---: | ---: |", flush=True)
    for name in arguments.names:
        for size in arguments.size:
            plain, lite = measure(name, size)
            ratio = statistics.median(lite) / statistics.median(plain)
            print(
                f"| {name} | {size} px | {words(plain)} | {words(lite)} | {ratio:.2f} |", flush=True
            )


def words(rates: list[float]) -> str:
    """The median and the spread."""
    return f"{statistics.median(rates):,.0f} ({min(rates):,.0f}-{max(rates):,.0f})"


def measure(name: str, size: int) -> tuple[list[float], list[float]]:
    """Images a second on TensorFlow and on XNNPACK, in turn."""
    from engine.features.extraction import forward_batch

    shape = (forward_batch(size), 32, 32, 3)  # a batch that is filled up would be slower for one
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    plain, lite = extractors(name, size, images)
    elapsed(plain, [images])
    repeats = max(1, round(LEAST_SECONDS / elapsed(plain, [images])))
    elapsed(lite, [images])
    blocks = [images] * repeats
    rates: tuple[list[float], list[float]] = [], []
    for number in range(ROUNDS):
        order = (0, 1) if number % 2 == 0 else (1, 0)
        for which in order:
            seconds = elapsed((plain, lite)[which], blocks)
            rates[which].append(len(images) * repeats / seconds)
    return rates


def elapsed(extractor: Any, blocks: list[Any]) -> float:
    """Seconds to compute the features of some blocks."""
    began = time.perf_counter()
    for _ in extractor.over([block] for block in blocks):
        pass
    return time.perf_counter() - began


def extractors(name: str, size: int, images: Any) -> tuple[Any, Any]:
    """The two extractors of a network's prefix."""
    from engine.backbones.catalogue import find_backbone
    from engine.features.extraction import Extractor, Part
    from engine.features.frozen_prefix import find_frontier
    from engine.features.pool import layouts_of
    from engine.model.build import build_classifier, calibrate_batchnorm
    from engine.model.trainable import apply_trainable, select_last

    classifier = build_classifier(
        find_backbone(name),
        image_shape=(32, 32, 3),
        image_size=size,
        classes=10,
        seed=0,
        load_weights=None,
    )
    calibrate_batchnorm(classifier.network, images[:64])
    apply_trainable(classifier, select_last(classifier, LAST), locked=True)
    network = classifier.network
    cut = find_frontier(network).cut
    part = Part(network, network.inputs, cut, layouts_of(cut)[0])
    return Extractor(part, "backend", size, "cpu:0"), Extractor(part, "xnnpack", size, "cpu:0")


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    main()
