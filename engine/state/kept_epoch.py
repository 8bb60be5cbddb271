"""Which epoch's weights are tested and exported: the last one's, or the best on validation.

The best has the highest validation accuracy; among equals the lowest validation loss, and among
those it is the earliest. With few validation images the accuracy alone is soon 1.0, and would
discard everything that follows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from engine.config.settings import Keep
from engine.protocol.events import EpochEnded


def is_better(accuracy: float, loss: float, best_accuracy: float, best_loss: float) -> bool:
    """Tell whether an epoch's validation is better than the best so far; NaN is never better.

    Args:
        accuracy: of the epoch.
        loss: of the epoch.
        best_accuracy: of the best one, which came before; NaN where there is none.
        best_loss: of the best one.
    """
    if math.isnan(accuracy) or math.isnan(best_accuracy):
        return not math.isnan(accuracy)
    return accuracy > best_accuracy or (accuracy == best_accuracy and loss < best_loss)


def best_epoch(epochs: Iterable[EpochEnded]) -> EpochEnded | None:
    """Find the best of some epochs in order; None where none has a validation accuracy."""
    best: EpochEnded | None = None
    for epoch in epochs:
        before = (best.val_accuracy, best.val_loss) if best else (math.nan, math.nan)
        if is_better(epoch.val_accuracy, epoch.val_loss, *before):
            best = epoch
    return best


def first_of_highest_accuracy(epochs: Iterable[EpochEnded]) -> EpochEnded | None:
    """Find the epoch that earlier versions kept as the best: the earliest among equals."""
    scored = [epoch for epoch in epochs if math.isfinite(epoch.val_accuracy)]
    return max(scored, key=lambda epoch: epoch.val_accuracy, default=None)


def kept_epoch(epochs: Sequence[EpochEnded], keep: Keep) -> EpochEnded | None:
    """Find the epoch whose weights a run keeps, of those that have ended; None without any."""
    best = best_epoch(epochs) if keep == "best" else None
    return best or (epochs[-1] if epochs else None)
