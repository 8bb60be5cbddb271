"""How fast the training step of whole networks is, with XLA and without, in both precisions.

    python tests/benchmarks/gpu_steps.py [--batch-size 64] [NAME ...]

Prints a JSON object a line as each is measured, the device first. For `gpu.py`, in a process of its
own.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

import numpy as np

NAMES = ("EfficientNetLite0", "MobileNetV2", "ResNet50V2")
PRECISIONS = ("float32", "mixed_bfloat16")
IMAGES = 512


def main() -> None:
    """Print the device, and the lines of all networks that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    from engine.backend.devices import choose_device, device_name, on_device
    from engine.errors import InputError

    try:
        device = choose_device(arguments.device)
    except InputError as error:
        tell(missing=error.found)
        return
    tell(device=device, name=device_name(device))
    with on_device(device):
        for name in arguments.names:
            for precision in PRECISIONS:
                measure(name, precision, arguments.batch_size, device)


def tell(**figures: Any) -> None:
    """Print a line."""
    print(json.dumps(figures), flush=True)


def measure(name: str, precision: str, batch_size: int, device: str) -> None:
    """Print the times of a network that trains whole, without XLA and with it."""
    from engine.backend.xla import steps_needed, time_step

    model, optimizer, rows, image_size = step_of(name, precision)
    order = np.arange(steps_needed(1) * batch_size) % IMAGES
    for xla in (False, True):
        step = {"network": name, "image_size": image_size, "precision": precision, "xla": xla}
        forget_peak(device)
        try:
            batches = rows.batches(order, batch_size)
            timed = time_step(model, optimizer, batches, 1, device, xla=xla)
        except Exception as error:
            words = str(error).strip().splitlines() or [type(error).__name__]
            tell(**step, failed=words[0][:200])
            continue
        rate = 1e3 * batch_size / timed.milliseconds
        tell(**step, images_per_second=rate, peak_bytes=peak_bytes(device))


def step_of(name: str, precision: Any) -> tuple[Any, Any, Any, int]:
    """A network with random weights of which all layers train, as on a GPU, Adam and images."""
    from engine.backbones.catalogue import find_backbone
    from engine.backend.adam import continue_adam
    from engine.backend.batches import Rows
    from engine.backend.step_model import step_model
    from engine.features.frozen_prefix import find_frontier
    from engine.model.build import build_classifier
    from engine.model.subgraph import Forward
    from engine.model.trainable import apply_trainable, select_last

    backbone = find_backbone(name)
    classifier = build_classifier(
        backbone,
        image_shape=(32, 32, 3),
        image_size=backbone.image_size,
        classes=10,
        seed=0,
        load_weights=None,
        precision=precision,
    )
    apply_trainable(classifier, select_last(classifier, None), locked=True)
    network = classifier.network
    fixed = find_frontier(network).inference
    model = step_model(network, None, Forward(network, network.inputs, network.outputs, fixed), 0.0)
    optimizer = continue_adam(None, model.trainable_variables, 1e-5)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (IMAGES, 32, 32, 3), np.uint8)
    rows = Rows([images], random.integers(0, 10, IMAGES))
    return model, optimizer, rows, backbone.image_size


def forget_peak(device: str) -> None:
    """Begin to measure the most memory that TensorFlow takes on a GPU."""
    import tensorflow

    if device.startswith("gpu"):
        tensorflow.config.experimental.reset_memory_stats(device.upper())


def peak_bytes(device: str) -> int | None:
    """The most since then; None on a processor."""
    import tensorflow

    if not device.startswith("gpu"):
        return None
    return int(tensorflow.config.experimental.get_memory_info(device.upper())["peak"])


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    main()
