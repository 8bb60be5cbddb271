"""What each lever brings: extraction and a suffix step of EfficientNetLite0, step by step.

    python tests/benchmarks/levers.py [--image-size PX]

Every row runs in a process of its own, since TensorFlow reads its environment once. Seconds of the
processor are printed beside those of the clock: they bear other work on the machine better.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

OFF = {"TF_ENABLE_ONEDNN_OPTS": "0", "TF_CPU_ALLOCATOR_USE_BFC": "false"}
ALLOCATOR = {**OFF, "TF_CPU_ALLOCATOR_USE_BFC": "true"}
ONEDNN = {**ALLOCATOR, "TF_ENABLE_ONEDNN_OPTS": "1"}
ROWS = (
    ("extract", "plain Keras layers", OFF, "plain"),
    ("extract", "BatchNormalization folded, constants", OFF, "fused"),
    ("extract", "and TensorFlow's own allocator", ALLOCATOR, "fused"),
    ("extract", "and oneDNN kernels", ONEDNN, "fused"),
    ("step", "plain Keras layers and Adam", OFF, "plain"),
    ("step", "one operation of Adam a variable", OFF, "adam"),
    ("step", "BatchNormalization folded, matrix products", OFF, "fused"),
    ("step", "and TensorFlow's own allocator", ALLOCATOR, "fused"),
    ("step", "and oneDNN kernels", ONEDNN, "fused"),
)
BATCH = 64
EXTRACTED = 2_048
STEPS = 20


def main() -> None:
    """Print the table, or one of its figures where a child is asked for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image-size", type=int, default=96)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        what, form = arguments.measure
        measure = {"extract": measure_extraction, "step": measure_step}[what]
        print(*measure(form, arguments.image_size))
        return
    for what, words, environment, form in ROWS:
        command = [sys.executable, __file__, "--measure", what, form]
        command += ["--image-size", str(arguments.image_size)]
        done = subprocess.run(
            command, env={**os.environ, **environment}, capture_output=True, text=True, check=True
        )
        seconds, processor = (float(x) for x in done.stdout.split()[-2:])
        if what == "extract":
            figure = f"{EXTRACTED / seconds:7.0f} images/s  {1e3 * processor / EXTRACTED:6.2f} ms"
        else:
            figure = f"{1e3 * seconds / STEPS:7.1f} ms a step  {1e3 * processor / STEPS:6.1f} ms"
        print(f"{what:8} {words:45} {figure} of processor", flush=True)


def build(image_size: int) -> Any:
    """EfficientNetLite0 with its real weights, its last 30 layers unfrozen."""
    from engine.backbones.catalogue import find_backbone
    from engine.common.progress import ignore_progress
    from engine.model.build import build_classifier
    from engine.model.trainable import apply_trainable, select_last
    from engine.weights.load import load_published
    from engine.weights.locate import locate_weights

    backbone = find_backbone("EfficientNetLite0")
    path = locate_weights(backbone, image_size, "imagenet", ignore_progress, lambda _: None)
    assert path is not None
    classifier = build_classifier(
        backbone,
        image_shape=(32, 32, 3),
        image_size=image_size,
        classes=10,
        seed=0,
        load_weights=lambda base: load_published(base, path, backbone),
    )
    apply_trainable(classifier, select_last(classifier, 30), locked=True)
    return classifier.network


def measure_extraction(form: str, image_size: int) -> tuple[float, float]:
    """Seconds by the clock and of the processor for EXTRACTED images through the prefix."""
    import numpy as np

    from engine.backend.devices import on_constants
    from engine.backend.fused import fuse_inference
    from engine.features.extraction import forward_batch
    from engine.features.frozen_prefix import find_frontier
    from engine.model.subgraph import Forward

    network = build(image_size)
    cut = find_frontier(network).cut
    rewrite = fuse_inference if form == "fused" else None
    forward = Forward(network, network.inputs, cut, rewrite=rewrite)
    batch = forward_batch(image_size)
    signature = [((batch, 32, 32, 3), "uint8")]
    run = on_constants(lambda *given: forward(given), signature, network.variables)
    images = np.random.default_rng(0).integers(0, 256, (batch, 32, 32, 3), np.uint8)
    import tensorflow

    given = tensorflow.constant(images)
    return timed(lambda: run(given), EXTRACTED // batch)


def measure_step(form: str, image_size: int) -> tuple[float, float]:
    """The same for STEPS training steps on features."""
    from engine.backend.adam import continue_adam
    from engine.backend.fused import fuse_training
    from engine.backend.step_model import step_model
    from engine.features.frozen_prefix import find_frontier
    from engine.keras_setup.loaded import keras
    from engine.model.subgraph import Forward

    network = build(image_size)
    import tensorflow

    frontier = find_frontier(network)
    rewrite = fuse_training if form == "fused" else None
    suffix = Forward(network, frontier.cut, network.outputs, frontier.inference, rewrite)
    model = step_model(network, None, suffix, 0.0)
    optimizer: Any = keras.optimizers.Adam(1e-5)
    if form != "plain":
        optimizer = continue_adam(None, model.trainable_variables, 1e-5)
    model.compile(optimizer=optimizer, jit_compile=False)
    optimizer.build(model.trainable_variables)
    features = tensorflow.random.uniform((BATCH, *frontier.cut[0].shape[1:]))
    labels = tensorflow.random.uniform((BATCH,), 0, 10, "int64")
    step = tensorflow.function(model.train_step, jit_compile=False)
    return timed(lambda: step((features, labels)), STEPS)


def timed(run: Callable[[], Any], times: int) -> tuple[float, float]:
    """Seconds by the clock and of the processor, after two runs to warm up."""
    run()
    run()
    clock, processor = time.perf_counter(), time.process_time()
    for _ in range(times):
        made = run()
    [value.numpy() for value in (made.values() if isinstance(made, dict) else made)]
    return time.perf_counter() - clock, time.process_time() - processor


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    main()
