"""The hold-out: stratified, disjoint, seeded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.datasets.split import limit_and_split
from engine.errors import InputError

LABELS: NDArray[np.int64] = np.random.default_rng(0).permutation(np.arange(1000) % 10)


def test_the_hold_out_is_stratified_and_disjoint() -> None:
    train, held_out = limit_and_split(LABELS, None, 0.1, seed=0)
    assert sorted([*train, *held_out]) == list(range(1000))
    assert np.bincount(LABELS[held_out]).tolist() == [10] * 10
    assert np.bincount(LABELS[train]).tolist() == [90] * 10
    assert train.dtype == held_out.dtype == np.int64


def test_a_limit_includes_the_hold_out() -> None:
    train, held_out = limit_and_split(LABELS, 400, 0.25, seed=0)
    assert sorted([*train, *held_out]) == list(range(400))
    assert len(held_out) == 100


@pytest.mark.parametrize("limit", [1000, 10**9])
def test_a_limit_above_the_set_takes_all(limit: int) -> None:
    train, held_out = limit_and_split(LABELS, limit, 0.1, seed=0)
    assert (len(train), len(held_out)) == (900, 100)


def test_the_seed_decides() -> None:
    first, again, other = (limit_and_split(LABELS, None, 0.1, seed)[1] for seed in (3, 3, 4))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_validating_on_the_test_split_holds_out_nothing() -> None:
    train, held_out = limit_and_split(LABELS, 400, "test", seed=0)
    assert train.tolist() == list(range(400))
    assert held_out.tolist() == []


def test_a_class_with_one_image_is_named() -> None:
    labels = np.array([0] * 50 + [7])
    with pytest.raises(InputError, match="found 1 of '7' among 51; add images, or give `val"):
        limit_and_split(labels, None, 0.2, seed=0)
    labels[labels == 7] = 1
    with pytest.raises(
        InputError, match="found 1 of 'h' among 51; raise `train_limit`, or give `val"
    ):
        limit_and_split(labels, 51, 0.2, 0, "ah")


@pytest.mark.parametrize(("validation", "least"), [(0.2, "2 training images"), ("test", "1 tr")])
def test_a_class_without_a_training_image_is_named(validation: Any, least: str) -> None:
    labels = np.array([0, 1] * 30 + [2] * 10)
    words = rf"^train_limit: expected at least {least}.* found 0 of 'cat' among 60; raise `trai"
    with pytest.raises(InputError, match=words):
        limit_and_split(labels, 60, validation, 0, ("ant", "bee", "cat"))
    train, held_out = limit_and_split(labels, 65, validation, 0, ("ant", "bee", "cat"))
    assert len(train) + len(held_out) == 65
    # no limit is to blame where there is none
    with pytest.raises(InputError, match=rf"^expected at least {least}.* among 60; add images$"):
        limit_and_split(labels[:60], None, validation, 0, ("ant", "bee", "cat"))
    # what has begun without the class goes on
    limit_and_split(labels, 60, validation, 0, ("ant", "bee", "cat"), needs_all=False)


@pytest.mark.parametrize(
    ("images", "share", "enough"), [(60, 0.05, 0.17), (60, 0.89, 0.17), (20, 0.1, 0.5)]
)
def test_what_would_be_enough_is_said_where_a_side_lacks_classes(
    images: int, share: float, enough: float
) -> None:
    labels = np.arange(images) % 10
    words = rf"each of the 10 classes .* found {images} .*add images, or give `validation` {enough}"
    with pytest.raises(InputError, match=words):
        limit_and_split(labels, None, share, seed=0)
    train, held_out = limit_and_split(labels, None, enough, seed=0)
    assert set(labels[train]) == set(labels[held_out]) == set(range(10))


def test_no_images_are_refused() -> None:
    with pytest.raises(InputError, match="found 0"):
        limit_and_split(LABELS[:0], None, 0.1, seed=0)
