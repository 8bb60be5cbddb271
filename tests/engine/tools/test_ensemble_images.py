"""Images by which members are chosen: none of which any of them trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.common.progress import ignore_progress
from engine.datasets.loading import load_dataset
from engine.datasets.split import limit_and_split
from engine.errors import InputError
from engine.tools.ensemble_candidates import Candidate
from engine.tools.ensemble_images import LEAST_IMAGES, CommonImages, read_common_images
from tests.support.ensembles import exported_run, started
from tests.support.runs import RunWriter


def candidate(write_run: RunWriter, **asked: Any) -> Candidate:
    facts = asked.pop("facts", {})
    run = exported_run(write_run, **asked)
    return Candidate(run, started(run, **facts))


def common(write_run: RunWriter, *asked: dict[str, Any]) -> CommonImages:
    return read_common_images([candidate(write_run, **each) for each in asked], ignore_progress)


def test_one_split_is_taken_whole_however_small(write_run: RunWriter) -> None:
    digits = load_dataset("digits", None, ignore_progress)
    _, held_out = limit_and_split(digits.train_labels, 300, 0.1, 7)
    asked = {"train_limit": 300, "validation": 0.1, "seed": 7}
    found = common(write_run, asked, asked | {"batch_size": 8})
    assert found.validation is not None
    assert len(held_out) == 30
    assert np.array_equal(found.validation.images, digits.train_images[held_out])
    assert np.array_equal(found.validation.labels, digits.train_labels[held_out])
    assert np.array_equal(found.test.images, digits.test_images)


def test_of_several_splits_only_what_all_hold_out_is_taken(write_run: RunWriter) -> None:
    digits = load_dataset("digits", None, ignore_progress)
    splits = [limit_and_split(digits.train_labels, None, 0.5, seed) for seed in (0, 1)]
    found = common(write_run, *({"validation": 0.5, "seed": seed} for seed in (0, 1)))
    assert found.validation is not None
    both = np.intersect1d(splits[0][1], splits[1][1])
    assert all(np.intersect1d(both, train).size == 0 for train, _ in splits)
    assert len(both) >= LEAST_IMAGES
    assert np.array_equal(found.validation.images, digits.train_images[both])
    assert np.array_equal(found.validation.labels, digits.train_labels[both])


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"seed": 1}, "images in common, fewer than 200"),
        ({"train_limit": 100, "validation": 0.3}, "images in common, fewer than 200"),
        ({"validation": "test"}, "held out no training images"),
        ({"weights": "/runs/a/model.keras"}, "started from were trained on is not known"),
        ({"facts": {"fingerprint": "ab"}}, "they were not trained on the same images"),
    ],
)
def test_where_too_few_are_common_nothing_is_chosen_and_the_reason_is_said(
    write_run: RunWriter, other: dict[str, Any], why: str
) -> None:
    found = common(write_run, {}, other)
    assert found.validation is None
    assert why in found.why_none
    assert len(found.test.labels) == 500


def write_folder(path: Path, images: int = 10) -> Path:
    """Write a folder of noise in two classes, of 40 × 40 pixels."""
    chance = np.random.default_rng(0)
    for name in ("dark", "light"):
        (path / name).mkdir(parents=True)
        for number in range(images):
            pixels = chance.integers(0, 256, (40, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path / name / f"{number}.png")
    return path


def of_folder(write_run: RunWriter, folder: Path, image_size: int) -> Candidate:
    data = load_dataset("folder:own", str(folder), ignore_progress, image_size=image_size)
    facts = {"fingerprint": data.identity, "test_fingerprint": data.test_identity}
    asked: dict[str, Any] = {"dataset": "folder:own", "data_path": str(folder), "validation": 0.2}
    return candidate(
        write_run, facts=facts | {"ranges": data.ranges}, image_size=image_size, **asked
    )


def test_own_images_have_the_largest_size_that_a_member_takes(
    write_run: RunWriter, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "own")
    candidates = [of_folder(write_run, folder, size) for size in (8, 32, 16)]
    found = read_common_images(candidates, ignore_progress)
    assert found.validation is not None
    assert found.validation.images.shape[1:] == found.test.images.shape[1:] == (32, 32, 3)


def test_own_images_that_changed_choose_nothing_and_others_to_test_on_are_rejected(
    write_run: RunWriter, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "own")
    candidates = [of_folder(write_run, folder, 8) for _ in range(2)]
    assert read_common_images(candidates, ignore_progress).validation is not None
    tested = load_dataset("folder:own", str(folder), ignore_progress, image_size=8).test_files
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.png"))
    trained = next(file for file in files if file not in tested)
    Image.new("RGB", (40, 40), "red").save(folder / trained)
    found = read_common_images(candidates, ignore_progress)
    assert (found.validation, found.why_none) == (None, "the training images are others by now")
    Image.new("RGB", (40, 40), "red").save(folder / tested[0])
    with pytest.raises(InputError, match=r"expected the images that these runs were tested on, f"):
        read_common_images(candidates, ignore_progress)


def test_images_that_are_not_here_are_never_downloaded(
    write_run: RunWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIFAR_TUI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    asked = {"dataset": "cifar100", "facts": {"test_images": 10_000}}
    with pytest.raises(InputError, match="`cifar-tui fetch --dataset cifar100` gets them"):
        common(write_run, asked, asked)
