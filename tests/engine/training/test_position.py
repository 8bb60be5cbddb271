"""Where a run stands, and what is said of a loss that is no number there."""

from __future__ import annotations

import math

import pytest

from engine.errors import InputError
from engine.training.position import Place


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_rejected_with_its_place(loss: float) -> None:
    place = Place(epoch=3, step=2, learning_rate=0.5)
    place.refuse_infinite(1.0, "")
    said = f"^expected a finite loss, found {loss} in epoch 3 at batch 2; try a lower .* than 0.5"
    with pytest.raises(InputError, match=f"{said}$"):
        place.refuse_infinite(loss, "")
    with pytest.raises(InputError, match=f"{said}; the checkpoint after epoch 2 is kept$"):
        place.refuse_infinite(loss, "after epoch 2")
