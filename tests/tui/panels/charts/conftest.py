"""What the tests of the charts share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from engine.state.series import Curve
from engine.state.snapshot import RunSnapshot


@pytest.fixture
def trained(run: RunSnapshot, events: dict[str, Callable[..., Any]]) -> RunSnapshot:
    """Three epochs, the second the best."""
    points = tuple((i / 100, 0.3 + i / 600) for i in range(300))
    return replace(
        run,
        accuracy=Curve(points, points[-100:]),
        loss=Curve(points, points[-100:]),
        ended_epochs=tuple(
            events["epoch_end"](epoch, value) for epoch, value in enumerate((0.5, 0.8, 0.7), 1)
        ),
        best_epoch=2,
        epochs=8,
    )
