"""The metrics of the final test, and where a record keeps them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from engine.metrics import catalogue
from engine.metrics.catalogue import METRICS, as_recorded, measure_all, texts_of, values_of
from engine.protocol.events import TestEnded

LABELS = np.array([0, 5, 3])


def shares(classes: int) -> np.ndarray:
    """Each image's classes from the least to the most probable."""
    ascending = np.arange(1, classes + 1, dtype=np.float32)
    return np.tile(ascending / ascending.sum(), (3, 1))


def test_keys_and_titles_are_unique() -> None:
    for names in ([metric.key for metric in METRICS], [metric.title for metric in METRICS]):
        assert max(Counter(names).values()) == 1


def test_the_right_class_counts_among_the_five_most_probable() -> None:
    assert measure_all(LABELS, shares(8))["top5_accuracy"] == pytest.approx(2 / 3)


def test_what_has_no_meaning_is_not_recorded() -> None:
    assert measure_all(LABELS % 5, shares(5)) == {}
    ended = TestEnded(loss=1, accuracy=0.5, images=3)
    assert values_of(ended) == {"top5_accuracy": None}
    assert texts_of(ended) == []


def test_a_record_is_read_as_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    other = catalogue.Metric("other", "another", lambda labels, shares: 0.25)
    monkeypatch.setattr(catalogue, "METRICS", (*METRICS, other))
    measured = measure_all(LABELS, shares(8))
    ended = TestEnded(loss=1, accuracy=0.5, images=3, **as_recorded(measured))
    assert (ended.top5_accuracy, ended.metrics) == (measured["top5_accuracy"], {"other": 0.25})
    assert values_of(ended) == measured
    assert texts_of(ended) == ["top-5 0.6667", "another 0.2500"]


def test_a_metric_that_is_no_longer_in_the_table_is_passed_over() -> None:
    ended = TestEnded(loss=1, accuracy=0.5, images=3, metrics={"gone": 0.5})
    assert "gone" not in values_of(ended)
