"""How a run ended, in the few figures that the ranking needs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from engine.common.text import printable
from engine.config.settings import Keep
from engine.errors import InputError
from engine.state.snapshot import RunSnapshot, Status

MOST = 1e18
"""Limit that no figure of a run comes near: FLOPs of an image are some 10¹¹."""
SHARES = ("test_accuracy", "top5_accuracy", "val_accuracy", "best_val_accuracy")
FIGURES = (
    "train_seconds",
    "wall_seconds",
    "parameters",
    "trainable_parameters",
    "depth",
    "flops",
    "epochs",
    "images_per_second",
    "peak_memory_bytes",
    "test_images",
)
"""The fields that are from 0 to `MOST`, where they are known."""
CURVE_POINTS = 1_000
"""Most points of the curve: a longer run has as many groups of epochs, each by its best one."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What `summary.json` holds: how the run ended and what the ranking needs."""

    status: Status
    error: str = ""
    ranked: bool = False
    """Whether the test split was read at the end of a whole epoch."""
    test_accuracy: float | None = None
    test_loss: float | None = None
    val_accuracy: float | None = None
    """Of the epoch whose weights are exported, or of an ensemble; in older summaries of the last
    epoch, see `kept_val_accuracy`."""
    val_loss: float | None = None
    """Of the same."""
    best_val_accuracy: float | None = None
    best_epoch: int | None = None
    train_seconds: float = 0.0
    wall_seconds: float = 0.0
    phase_seconds: dict[str, float] = field(default_factory=dict)
    parameters: int | None = None
    trainable_parameters: int | None = None
    """Trainable parameters in the last stage."""
    depth: int | None = None
    flops: int | None = None
    epochs: int = 0
    """Epochs finished."""
    images_per_second: float | None = None
    """Training images over training seconds of all epochs, tracing and validation left out."""
    device: str = ""
    """The device that computed it: `cpu:0`, `gpu:1`."""
    stages: tuple[str, ...] = ()
    """What each stage trained, in a phrase."""
    curve: tuple[tuple[float, ...], ...] = ()
    """`(train_seconds, val_accuracy)` at the end of each epoch; empty in older summaries."""
    peak_memory_bytes: int | None = None
    """The most memory of the process, sampled once a second."""
    test_images: int | None = None
    """Images on which `test_accuracy` was measured."""
    top5_accuracy: float | None = None
    """On the test images; None with five classes or fewer, and in older summaries."""
    metrics: dict[str, float] = field(default_factory=dict)
    """What else `engine.metrics` measures on the test images, by key."""
    kept_epoch: int | None = None
    """The epoch whose weights are tested and exported; None in older summaries."""

    def kept_val_accuracy(self, keep: Keep) -> float | None:
        """Return the validation accuracy of the exported weights, for summaries of any age.

        Args:
            keep: the spec's.
        """
        return self.best_val_accuracy if keep == "best" else self.val_accuracy

    def kept(self, keep: Keep) -> int | None:
        """Return the epoch of the exported weights, for summaries of any age; None without one."""
        before = self.best_epoch if keep == "best" else self.epochs or None
        return before if self.kept_epoch is None else self.kept_epoch


def check_summary(summary: Summary) -> None:
    """Reject figures that no run can have reached: the ranking would put them first.

    Raises:
        InputError: which one, and what was found.
    """
    checked = [(key, getattr(summary, key), 0.0, 1.0) for key in SHARES]
    checked += [(key, getattr(summary, key), 0.0, MOST) for key in FIGURES]
    checked += [(key, figure, 0.0, MOST) for key, figure in summary.phase_seconds.items()]
    checked += [(key, figure, -MOST, MOST) for key, figure in summary.metrics.items()]
    for key, figure, low, high in checked:
        # NaN, from a null, is an unknown figure.
        if figure is not None and (figure < low or figure > high):
            raise _unlikely(printable(key), f"{low:g} to {high:g}", f"{figure:.3g}")
    for name in (*summary.phase_seconds, *summary.stages, *summary.metrics):
        if not name.isprintable():
            raise _unlikely("a name", "one that can be shown", f"{name!r:.40}")
    if len(summary.curve) > CURVE_POINTS:
        raise _unlikely("curve", f"{CURVE_POINTS} epochs at most", str(len(summary.curve)))
    for point in summary.curve:
        # An unknown validation accuracy is NaN, which is neither below 0 nor above 1.
        if len(point) != 2 or not 0 <= point[0] <= MOST or point[1] < 0 or point[1] > 1:
            raise _unlikely("curve", "seconds and an accuracy", f"{point!r:.40}")


def _unlikely(key: str, expected: str, found: str) -> InputError:
    return InputError("", expected, found, place=f"summary.json: {key}")


def summarize(run: RunSnapshot) -> Summary:
    """Return the summary of a run from its snapshot."""
    epochs = run.ended_epochs
    kept = run.kept or run.spec.ensemble
    best = next((epoch for epoch in epochs if epoch.epoch == run.best_epoch), None)
    timed = [epoch for epoch in epochs if math.isfinite(epoch.images_per_second)]
    seconds = sum(epoch.train_seconds for epoch in timed)
    images = sum(epoch.train_seconds * epoch.images_per_second for epoch in timed)
    return Summary(
        status=run.status,
        error=run.error,
        ranked=run.test is not None and run.status != "failed",
        test_accuracy=run.test.accuracy if run.test else None,
        test_loss=run.test.loss if run.test else None,
        val_accuracy=kept.val_accuracy if kept else None,
        val_loss=kept.val_loss if kept else None,
        best_val_accuracy=best.val_accuracy if best else None,
        best_epoch=run.best_epoch,
        train_seconds=run.train_seconds,
        wall_seconds=run.wall_seconds(run.last_event_at or 0.0),
        phase_seconds={str(name): value for name, value in run.phase_seconds.items()},
        parameters=run.model.parameters if run.model else None,
        trainable_parameters=run.trainable_parameters if run.stage else None,
        depth=run.model.depth if run.model else None,
        flops=run.model.flops if run.model else None,
        epochs=len(epochs),
        images_per_second=images / seconds if seconds else None,
        device=run.device,
        stages=run.stages_trained,
        curve=_curve(run),
        peak_memory_bytes=run.peak_memory_bytes,
        test_images=run.test.images if run.test else None,
        top5_accuracy=run.test.top5_accuracy if run.test else None,
        metrics=run.test.metrics if run.test else {},
        kept_epoch=run.kept_epoch,
    )


def _curve(run: RunSnapshot) -> tuple[tuple[float, float], ...]:
    accuracies = (epoch.val_accuracy for epoch in run.ended_epochs)
    points = list(zip(run.train_seconds_at_ends, accuracies, strict=True))
    each = math.ceil(len(points) / CURVE_POINTS)
    if each <= 1:
        return tuple(points)
    groups = (points[i : i + each] for i in range(0, len(points), each))
    return tuple(max(group, key=lambda at: (math.isfinite(at[1]), at[1])) for group in groups)
