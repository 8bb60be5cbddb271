"""The real trainer, its runs in folders of the tests' own."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.freezing.proof import ProveFreezing, prove
from tests.support.small_net import in_mobilenets_place
from tests.support.training import Train, TrainTwice, train_twice, trainer_in


@pytest.fixture
def train(tmp_path: Path) -> Train:
    """Trains a spec; `EpochStarted_1=[command]` gives commands after that event."""
    return trainer_in(tmp_path)


@pytest.fixture(scope="module")
def kept_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs of `train_once` keep their features."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def train_once(tmp_path_factory: pytest.TempPathFactory, kept_cache: Path) -> Iterator[Train]:
    """Trains what several tests of a module read; none of them changes what came of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIFAR_TUI_CACHE", str(kept_cache))
        yield trainer_in(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def small_net() -> Iterator[None]:
    """Puts the small backbone that holds every shape in MobileNetV2's place."""
    with in_mobilenets_place():
        yield


@pytest.fixture
def prove_freezing(train: Train) -> ProveFreezing:
    """Trains a spec by a script of commands and proves what trained; see `prove`."""
    return functools.partial(prove, train)


@pytest.fixture
def twice(train: Train) -> TrainTwice:
    """Trains a spec on kept features and without, and checks that it is the same training."""
    return functools.partial(train_twice, train)
