"""The photographs that come with the program."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.api.planning import plan_demo
from engine.common.progress import ignore_progress
from engine.datasets import cifar10_mini
from engine.datasets.archives import CIFAR10
from engine.datasets.cifar10_mini import FILE
from engine.datasets.dataset import Dataset
from engine.datasets.loading import load_dataset
from engine.errors import InputError
from engine.tools.fetching import list_needed
from tests.support.cifar10_mini import chosen
from tests.support.data_sets import check_dataset, count_images


def load() -> Dataset:
    return load_dataset("cifar10-mini", None, ignore_progress)


def test_it_holds_the_photographs_it_promises() -> None:
    check_dataset("cifar10-mini")
    dataset = load()
    assert dataset.class_names == CIFAR10.class_names
    assert np.bincount(dataset.train_labels).tolist() == [100] * 10
    assert np.bincount(dataset.test_labels).tolist() == [50] * 10
    assert count_images("cifar10-mini") == (1_000, 500)


def test_any_first_images_to_train_hold_the_classes_equally_often() -> None:
    labels = load().train_labels
    assert np.bincount(labels[:200]).tolist() == [20] * 10


def test_its_file_is_small_enough_to_install_with_the_program() -> None:
    assert FILE.stat().st_size < 2_700_000


def test_it_is_a_choice_of_the_real_images_to_the_byte(cifar10_dir: Path) -> None:
    train, test = chosen(load_dataset("cifar10", str(cifar10_dir), ignore_progress))
    dataset = load()
    by_class = [dataset.train_images[dataset.train_labels == each] for each in range(10)]
    assert np.array_equal(np.stack(by_class), train)
    assert np.array_equal(dataset.test_images, test.reshape(-1, *test.shape[2:]))


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1_000_000])


@pytest.mark.parametrize("damage", [flip_a_bit, cut_off, Path.unlink])
def test_a_damaged_file_is_rejected(
    damage: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / FILE.name
    shutil.copy(FILE, copy)
    damage(copy)
    monkeypatch.setattr(cifar10_mini, "FILE", copy)
    # A plan and `fetch` say it too, before TensorFlow is loaded and a run is created.
    asking = (load, plan_demo, lambda: list_needed([], ["cifar10-mini"]))
    for ask in asking:
        with pytest.raises(InputError) as caught:
            ask()
        line = caught.value.line(lambda name: name)
        assert line.startswith(f"{copy}: expected the installed file with SHA-256 ")
        assert line.endswith("; install cifar-tui again")


def test_a_path_beside_it_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no path beside cifar10-mini"):
        load_dataset("cifar10-mini", str(tmp_path), ignore_progress)
