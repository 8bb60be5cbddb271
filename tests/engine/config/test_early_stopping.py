"""How long a stage has gone without gain."""

from __future__ import annotations

import math

import pytest

from engine.config.schedule import epochs_without_gain


@pytest.mark.parametrize(
    ("accuracies", "waited"),
    [
        ([], 0),
        ([0.5], 0),
        ([0.5, 0.6], 0),
        ([0.5, 0.5], 1),
        ([0.9, 0.5, 0.6, 0.7], 3),
        ([0.9, 0.5, 0.91], 0),
        ([0.5, math.nan], 1),
        ([math.nan, 0.1], 0),
    ],
)
def test_it_counts_since_the_best(accuracies: list[float], waited: int) -> None:
    assert epochs_without_gain(accuracies) == waited
