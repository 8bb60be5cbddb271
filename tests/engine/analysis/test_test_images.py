"""Reading the test images again, where they are and where they are not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.analysis import test_images
from engine.analysis.test_images import read_test_images
from engine.common.progress import ignore_progress
from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.datasets.loading import load_dataset
from engine.errors import InputError
from engine.protocol.facts import DataFacts, SampleRange
from tests.support.packages import BIRDS, installed_in, write_package

STAGES = (Stage("all", 1, 1e-3, None),)


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """No images held from another test."""
    test_images._read.cache_clear()
    yield
    test_images._read.cache_clear()


def spec(data_path: Path | None) -> RunSpec:
    path = str(data_path) if data_path else None
    return RunSpec("CustomCNN", "cifar10", STAGES, image_size=32, data_path=path)


def recorded_of(fingerprint: str, *ranges: SampleRange) -> DataFacts:
    return DataFacts(0, 0, 0, (), test_fingerprint=fingerprint, ranges=ranges)


def test_the_test_split_is_read_from_where_the_run_had_it(
    small_cifar10: Any, tmp_path: Path
) -> None:
    folder = small_cifar10.write_python(tmp_path)
    images = read_test_images(spec(folder), None)
    assert np.array_equal(images, small_cifar10.images[100:])
    assert read_test_images(spec(folder), None) is images


def test_a_folder_that_was_moved_to_a_usual_place_is_found_there(
    small_cifar10: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    small_cifar10.write_python(tmp_path / "datasets")
    assert len(read_test_images(spec(tmp_path / "gone"), None)) == 20


def test_images_of_a_folder_that_changed_are_refused(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i in range(5):
            Image.new("RGB", (8, 8), (i, 0, 0)).save(tmp_path / "pets" / name / f"{i}.png")
    folder = RunSpec("CustomCNN", "folder:pets", STAGES, 8, data_path=str(tmp_path / "pets"))
    data = load_dataset(str(tmp_path / "pets"), None, ignore_progress)
    recorded = recorded_of(data.files[1], *data.ranges)
    assert len(read_test_images(folder, recorded)) == 2
    for file in (tmp_path / "pets" / "a").iterdir():
        Image.new("RGB", (8, 8), (200, 0, 0)).save(file)
    test_images._read.cache_clear()
    with pytest.raises(InputError, match=r"found others in .*pets by now; bring those back"):
        read_test_images(folder, recorded)


def test_images_of_a_package_that_changed_are_rejected(tmp_path: Path) -> None:
    write_package(tmp_path, {"birds": "birds_data:Birds"}, {"birds_data.py": BIRDS})
    birds = RunSpec("CustomCNN", "birds", STAGES, 8)
    with installed_in(tmp_path):
        recorded = recorded_of(load_dataset("birds", None, ignore_progress).test_identity)
        assert read_test_images(birds, recorded).shape == (10, 8, 8, 3)
        with pytest.raises(InputError, match="found others of birds by now; bring those back"):
            read_test_images(birds, recorded_of("of another version"))
    test_images._read.cache_clear()
    with pytest.raises(InputError, match="or a folder of images, found 'birds', no such data set"):
        read_test_images(birds, recorded)


def test_nothing_is_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for path in (None, tmp_path / "gone"):
        with pytest.raises(InputError) as missing:
            read_test_images(spec(path), None)
        assert str(missing.value) == (
            "expected the test images of cifar10 on this machine, found none; "
            "`cifar-tui fetch --dataset cifar10` gets them"
        )


def test_a_folder_that_no_new_run_may_train_on_is_read_for_an_old_one(tmp_path: Path) -> None:
    root = tmp_path / "cells"
    for name in ("sick", "well", "cells/sick", "cells/well"):
        (root / name).mkdir(parents=True)
        for i in range(5):
            Image.new("RGB", (8, 8), (i, 0, 0)).save(root / name / f"{i}.png")
    with pytest.raises(InputError, match="expected each class once"):
        load_dataset(str(root), None, ignore_progress)
    before = load_dataset(str(root), None, ignore_progress, image_size=8, train_limit=0)
    folder = RunSpec("CustomCNN", "folder:cells", STAGES, 8, data_path=str(root))
    assert len(read_test_images(folder, recorded_of(before.files[1]))) == 4
