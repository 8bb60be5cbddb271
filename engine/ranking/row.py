"""One run as a row of the ranking: what was asked for and what came out, as plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.common.regular_file import read_regular
from engine.errors import InputError
from engine.metrics.catalogue import METRICS, values_of
from engine.runs.listing import RunRecord
from engine.runs.notes import Notes
from engine.runs.summary import Summary

PHASES = (
    "loading",
    "downloading",
    "extracting",
    "tracing",
    "training",
    "validating",
    "paused",
    "testing",
    "saving",
)
"""Phases whose seconds have a column each."""
TARGETS = {"to_80": 0.80, "to_85": 0.85}
"""Columns of the train seconds until a validation accuracy was reached."""
KINDS = {
    "run_id": "object",
    "model": "object",
    "dataset": "object",
    "status": "object",
    "test_accuracy": "float64",
    "accuracy_low": "float64",
    "accuracy_high": "float64",
    "test_images": "Int64",
    **{metric.key: "float64" for metric in METRICS},
    "val_accuracy": "float64",
    "train_seconds": "float64",
    "wall_seconds": "float64",
    **{f"{phase}_seconds": "float64" for phase in PHASES},
    **dict.fromkeys(TARGETS, "float64"),
    "parameters": "Int64",
    "trainable_parameters": "Int64",
    "depth": "Int64",
    "flops": "Int64",
    "peak_memory_bytes": "Int64",
    "image_size": "Int64",
    "epochs": "Int64",
    "kept_epoch": "Int64",
    "images_per_second": "float64",
    "weights": "object",
    "recipe": "object",
    "members": "object",
    "seed": "Int64",
    "ranked": "bool",
    "validation": "object",
    "test_time_flip": "bool",
    "batchnorm": "object",
    "batch_size": "Int64",
    "train_limit": "Int64",
    "stages": "object",
    "timeline": "object",
    "curve": "object",
    "differs": "object",
    "pinned": "bool",
    "tags": "object",
    "note": "object",
    "error": "object",
    "created_at": "float64",
}
"""The columns of a ranking and their pandas types.

Accuracies are shares from 0 to 1, `accuracy_low` and `accuracy_high` the ends of the 95 % interval
of the test accuracy, `val_accuracy` that of the exported weights, which are `kept_epoch`'s, or what
a run has reached so far (see `is_so_far`),
`validation` is `test` or the share held out, `status` may be `paused`.
`to_80` and `to_85` are train seconds until the first epoch's end with a validation accuracy of 0.80
and 0.85. `members` are the ids of the runs that an ensemble combines. `curve` is a list of
`[train_seconds, val_accuracy]`, one per epoch. `differs` says what sets a run apart from the best
one in data or image size.
"""
Z_95 = 1.959963984540054
"""Quantile of the normal distribution at 0.975."""

UNFINISHED = frozenset({"running", "paused", "interrupted", "stopped"})
"""States of a run that is training or can be resumed."""
_MOST_METRICS_BYTES = 2**22
"""Of `metrics.csv`, which takes 100 bytes an epoch."""

Curve = Sequence[Sequence[float | None]]


def ranking_row(run: RunRecord, notes: Notes) -> dict[str, Any]:
    """Return the row of one run: the keys of `KINDS`, None where nothing is known.

    `differs` is empty: only the whole ranking determines it.
    """
    row = {**_asked(run), **_measured(run)}
    row |= {"pinned": notes.pinned, "tags": list(notes.tags), "note": notes.note}
    return {key: _known(row[key]) for key in KINDS}


def is_so_far(row: Mapping[str, Any]) -> bool:
    """Return whether a row's validation accuracy is not final: its run can train further."""
    return row["status"] in UNFINISHED and not row["ranked"]


def seconds_to(curve: Curve, accuracy: float) -> float | None:
    """Return the train seconds until the first epoch's end with this validation accuracy or more.

    Args:
        curve: `[train_seconds, val_accuracy]` at each epoch's end, in order.
        accuracy: a share from 0 to 1.

    Returns:
        None where it was never reached.
    """
    for seconds, reached in curve:
        if reached is not None and reached >= accuracy:
            return seconds
    return None


def wilson_interval(share: float, images: int) -> tuple[float, float]:
    """Return the 95 % interval of a share measured on `images` images, both ends within 0 to 1.

    Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    spread = Z_95**2 / images
    middle = (share + spread / 2) / (1 + spread)
    half = Z_95 / (1 + spread) * math.sqrt((share * (1 - share) + spread / 4) / images)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _asked(run: RunRecord) -> dict[str, Any]:
    spec = run.file.spec
    return {
        "run_id": run.run_id,
        "model": spec.model,
        "dataset": spec.dataset,
        "image_size": spec.image_size,
        "weights": spec.weights,
        "recipe": spec.recipe,
        "members": list(spec.ensemble.run_ids) if spec.ensemble else [],
        "seed": spec.seed,
        "validation": spec.validation,
        "test_time_flip": spec.test_time_flip,
        "batchnorm": spec.batchnorm,
        "batch_size": spec.batch_size,
        "train_limit": spec.train_limit,
        "created_at": run.file.created_at,
    }


def _measured(run: RunRecord) -> dict[str, Any]:
    summary = run.summary
    curve = [[seconds, _known(reached)] for seconds, reached in summary.curve]
    return {
        "status": run.state,
        "test_accuracy": summary.test_accuracy,
        **_interval(_known(summary.test_accuracy), summary.test_images),
        "test_images": summary.test_images,
        **values_of(summary),
        "val_accuracy": _val_accuracy(run),
        **_seconds(run),
        **{key: seconds_to(curve, accuracy) for key, accuracy in TARGETS.items()},
        "parameters": summary.parameters,
        "trainable_parameters": summary.trainable_parameters,
        "depth": summary.depth,
        "flops": summary.flops,
        "peak_memory_bytes": summary.peak_memory_bytes,
        "epochs": summary.epochs,
        "kept_epoch": summary.kept(run.file.spec.keep),
        "images_per_second": summary.images_per_second,
        "ranked": summary.ranked and _was_measured(summary),
        "stages": list(summary.stages),
        "timeline": _timeline(run),
        "curve": curve,
        "differs": "",
        "error": summary.error,
    }


def _timeline(run: RunRecord) -> str:
    """Return what was trained, stage by stage; of an ensemble what was combined."""
    ensemble = run.file.spec.ensemble
    return ensemble.words if ensemble else " → ".join(run.summary.stages)


def _val_accuracy(run: RunRecord) -> float | None:
    """Return that of the weights to export; of a run without a summary, those of its epochs."""
    keep = run.file.spec.keep
    if run.summary.epochs or run.status not in UNFINISHED:
        return run.summary.kept_val_accuracy(keep)
    reached = _epoch_accuracies(run.directory.metrics)
    if not reached:
        return None
    return max(reached) if keep == "best" else reached[-1]


def _epoch_accuracies(metrics: Path) -> list[float]:
    """Read the validation accuracies of the epochs that ended; empty where there are none.

    `metrics.csv` is short; the record from which the rest could be told has thousands of lines.
    """
    try:
        text = read_regular(metrics, _MOST_METRICS_BYTES).decode(errors="replace")
    except (OSError, InputError):
        return []
    head, *lines = text.split("\n")[:-1] or [""]  # a line without its end is being written
    names = head.strip().split(",")
    found = [_share(dict(zip(names, line.strip().split(","), strict=False))) for line in lines]
    return [share for share in found if share is not None]


def _share(epoch: Mapping[str, str]) -> float | None:
    try:
        written = epoch["val_accuracy"]
        # `float` reads the digits of any script, which this program does not write.
        share = float(written) if written.isascii() else math.nan
    except (KeyError, ValueError):
        return None
    return share if 0 <= share <= 1 else None


def _was_measured(summary: Summary) -> bool:
    """Return whether the test gave numbers: a loss of NaN means that the model gave none."""
    return _known(summary.test_accuracy) is not None and _known(summary.test_loss) is not None


def _seconds(run: RunRecord) -> dict[str, float | None]:
    """Return train, wall and phase times; None for the zeros of a run without a summary."""
    summary = run.summary
    keys = [f"{phase}_seconds" for phase in PHASES]
    if not summary.wall_seconds > 0:
        return dict.fromkeys(["train_seconds", "wall_seconds", *keys])
    spent = summary.phase_seconds
    phases = [spent.get(phase, 0.0) if spent else None for phase in PHASES]
    return {
        "train_seconds": summary.train_seconds,
        "wall_seconds": summary.wall_seconds,
        **dict(zip(keys, phases, strict=True)),
    }


def _interval(share: float | None, images: int | None) -> dict[str, float | None]:
    low, high = wilson_interval(share, images) if share is not None and images else (None, None)
    return {"accuracy_low": low, "accuracy_high": high}


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
