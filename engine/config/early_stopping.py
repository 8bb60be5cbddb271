"""Early stopping: how long a stage has gone without a better validation accuracy."""

from __future__ import annotations

from collections.abc import Sequence


def epochs_without_gain(val_accuracies: Sequence[float]) -> int:
    """Epochs since the best one, 0 while the last one is the best.

    Args:
        val_accuracies: of the stage's epochs so far, in order; NaN is never better.
    """
    best, waited = float("-inf"), 0
    for accuracy in val_accuracies:
        if accuracy > best:
            best, waited = accuracy, 0
        else:
            waited += 1
    return waited
