"""Evidence to write reports from: generated rows, and a typical comparison."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from engine.analysis.architecture import Architecture
from engine.analysis.comparison import McNemar, p_value
from engine.analysis.evidence import Evidence, Measured, Pair, select
from engine.ranking.row import KINDS, wilson_interval

LITE0 = Architecture(
    *(3_425_834, 50, 141_052_864, 96, 131),
    convolutions=49,
    depthwise=16,
    additions=9,
    concatenations=0,
    squeeze_excite=0,
    batch_normalizations=49,
    imagenet_top1=0.751,
)
CUSTOM = Architecture(
    *(159_914, 6, 58_433_536, 32, 0),
    convolutions=5,
    depthwise=0,
    additions=0,
    concatenations=0,
    squeeze_excite=0,
    batch_normalizations=0,
    imagenet_top1=None,
)
BASE: dict[str, Any] = {key: None for key in KINDS} | {
    "run_id": "20260101-000000-x",
    "dataset": "cifar10",
    "status": "completed",
    "ranked": True,
    "test_time_flip": False,
    "test_images": 10_000,
    "seed": 0,
    "epochs": 8,
    "recipe": "notebook",
    "validation": 0.1,
    "weights": "imagenet",
    "image_size": 96,
    "timeline": "head 5 ep → last 30 layers 3 ep",
    "curve": [],
    "created_at": 1.7e9,
}


def row(model: str, accuracy: float, seconds: float | None, **known: Any) -> dict[str, Any]:
    """Return a ranked run's row; fields not given are as in the exercise, or unknown."""
    low, high = wilson_interval(accuracy, 10_000)
    return BASE | {
        "model": model,
        "test_accuracy": accuracy,
        "accuracy_low": low,
        "accuracy_high": high,
        "val_accuracy": accuracy - 0.002,
        "train_seconds": seconds,
        "wall_seconds": None if seconds is None else seconds + 40,
        **known,
    }


def two_models() -> Evidence:
    """Return EfficientNetLite0 trained with two recipes against CustomCNN."""
    rows = (
        row("EfficientNetLite0", 0.9332, 809, recipe="recommended", image_size=128, to_85=325.0),
        row("EfficientNetLite0", 0.8539, 265, to_85=209.0, to_80=94.0),
        row("CustomCNN", 0.7596, 783, image_size=32, weights="none"),
    )
    costs: dict[str, Any] = {"parameters": 3_425_834, "trainable_parameters": 2_440_000}
    best = Measured("EfficientNetLite0 (recommended)", rows[0] | costs, LITE0, ("a", "b"))
    best = replace(best, name="EfficientNetLite0", machine="vm", device="cpu:0")
    other = Measured("CustomCNN", rows[2], CUSTOM, ("",), machine="vm", device="cpu:0")
    test = McNemar(1_966, 230, p_value(1_966, 230), 10_000)
    beside = Measured("EfficientNetLite0 (notebook)", rows[1], LITE0)
    pairs = (Pair(best, other, test),)
    return Evidence("cifar10", (best, other), (beside,), rows, pairs)


shares = st.floats(0, 1)
seconds = st.none() | st.floats(0, 1e6)
counts = st.none() | st.integers(0, 10**10)
small = st.integers(0, 2_000)
networks = st.builds(
    Architecture,
    convolutions=small,
    depthwise=small,
    additions=small,
    concatenations=small,
    squeeze_excite=small,
    batch_normalizations=small,
    depth=small,
    parameters=st.integers(1, 10**9),
    flops=st.integers(0, 10**13),
    image_size=st.sampled_from([32, 64, 96, 128]),
    backbone_layers=st.integers(0, 1_000),
    imagenet_top1=st.none() | shares,
)
MODELS = ("CustomCNN", "EfficientNetLite0", "ResNet50V2", "VGG16", "MobileNetV2")


@st.composite
def _rows(draw: st.DrawFn) -> dict[str, Any]:
    keys = ("parameters", "trainable_parameters", "train_limit")
    times = ("to_80", "to_85", "extracting_seconds", "images_per_second", "wall_seconds")
    known = {key: draw(counts) for key in keys} | {key: draw(seconds) for key in times}
    return row(draw(st.sampled_from(MODELS)), draw(shares), draw(seconds)) | {
        **known,
        "recipe": draw(st.sampled_from(["notebook", "recommended", "gradual"])),
        "weights": draw(st.sampled_from(["imagenet", "none"])),
        "status": draw(st.sampled_from(["completed", "completed", "stopped"])),
        "validation": draw(st.sampled_from([0.1, "test"])),
        "image_size": draw(st.sampled_from([32, 96, 128])),
        "test_images": draw(st.sampled_from([None, 500, 10_000])),
        "epochs": draw(st.integers(0, 300)),
        "seed": draw(st.integers(0, 3)),
        "accuracy_low": draw(st.none() | shares),
        "accuracy_high": draw(shares),
    }


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    """Generate any comparable runs, with or without the data of their records."""
    rows = draw(st.lists(_rows(), min_size=1, max_size=7))
    rows.sort(key=lambda row: -row["test_accuracy"])
    first, beside = select(rows)

    def measured(label: str, row: dict[str, Any], name: str = "") -> Measured:
        return Measured(
            label,
            row,
            draw(st.none() | networks),
            draw(st.sampled_from([(), ("",), ("head_dropout", "block_conv")])),
            draw(st.booleans()),
            draw(st.sampled_from(["", "cpu:0", "gpu:1"])),
            draw(st.sampled_from(["vm", "pc, 16 cores, 64 GB of memory"])),
            name=name,
            train_images=draw(counts),
        )

    several = len({row["model"] for _, row in first}) > 1
    contenders = tuple(
        measured(label, dict(row), row["model"] if several else "") for label, row in first
    )
    pairs = []
    for other in contenders[1:]:
        a, b = draw(st.integers(0, 5_000)), draw(st.integers(0, 5_000))
        test = draw(st.none() | st.just(McNemar(a, b, p_value(a, b), 10_000)))
        pairs.append(Pair(contenders[0], other, test))
    return Evidence(
        "cifar10",
        contenders,
        tuple(measured(label, dict(row)) for label, row in beside),
        tuple(rows),
        tuple(pairs),
        None,
        draw(st.sampled_from([(), ("digits",)])),
        draw(st.integers(0, 40)),
    )
