"""The learning rate over a stage."""

from __future__ import annotations

from itertools import pairwise

import pytest

from engine.config.schedule import rate_at


def test_a_constant_rate_stays() -> None:
    assert {rate_at("constant", 1e-3, step, 10) for step in range(11)} == {1e-3}


def test_a_cosine_falls_from_the_base_rate_to_zero() -> None:
    assert rate_at("cosine", 3e-4, 0, 8) == 3e-4
    assert rate_at("cosine", 3e-4, 2, 8) == pytest.approx(3e-4 * (2 + 2**0.5) / 4)
    assert rate_at("cosine", 3e-4, 4, 8) == pytest.approx(1.5e-4)
    assert rate_at("cosine", 3e-4, 8, 8) == 0.0
    rates = [rate_at("cosine", 1.0, step, 100) for step in range(101)]
    assert all(later < earlier for earlier, later in pairwise(rates))


def test_the_rate_does_not_rise_again_past_the_end() -> None:
    assert rate_at("cosine", 1.0, 12, 8) == 0.0
