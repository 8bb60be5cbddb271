"""A folder of one's own images: its classes, its split, its images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.common.progress import ignore_progress
from engine.datasets.dataset import Dataset
from engine.datasets.folder_walk import SUFFIXES
from engine.datasets.image_folder import Labelled, list_folder
from engine.datasets.loading import load_dataset
from engine.errors import InputError
from tests.support.data_sets import check_dataset


def write(path: Path, number: int = 0, mode: str = "RGB", size: tuple[int, int] = (12, 9)) -> Path:
    """An image of one colour, told by its number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (number % 256, 100, 200)).convert(mode).save(path)
    return path


def make(root: Path, **counts: int) -> Path:
    """A folder of classes with so many images each."""
    for name, count in counts.items():
        for i in range(count):
            write(root / name / f"{i}.png", i)
    return root


def load(root: Path, **options: Any) -> Dataset:
    return load_dataset(str(root), None, ignore_progress, **({"image_size": 8} | options))


def refused(root: Path) -> str:
    with pytest.raises(InputError) as caught:
        check_dataset(str(root), None)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_classes_are_the_folders_and_a_fifth_of_each_is_held_out(tmp_path: Path) -> None:
    root = make(tmp_path / "pets", dog=10, cat=20)
    assert check_dataset(str(root), None) == "30 images of 2 classes"
    dataset = load(root)
    assert dataset.class_names == ("cat", "dog")
    assert dataset.train_images.shape == (24, 8, 8, 3)
    assert dataset.train_images.dtype == np.uint8
    assert Counter(dataset.train_labels.tolist()) == {0: 16, 1: 8}
    assert Counter(dataset.test_labels.tolist()) == {0: 4, 1: 2}
    # red is the number of the file: each image is in one split and has its own label
    seen = [
        (int(label), int(image[0, 0, 0]))
        for images, labels in (
            (dataset.train_images, dataset.train_labels),
            (dataset.test_images, dataset.test_labels),
        )
        for image, label in zip(images, labels, strict=True)
    ]
    assert sorted(seen) == [(0, i) for i in range(20)] + [(1, i) for i in range(10)]
    # the first training images are of both classes
    assert len(set(dataset.train_labels[:12].tolist())) == 2
    assert any("no test split" in note for note in dataset.notes)
    assert any("cat has 20 images, dog 10" in note and "67%" in note for note in dataset.warnings)


def test_the_split_is_the_same_each_time_and_wherever_the_folder_lies(tmp_path: Path) -> None:
    one, other = (make(tmp_path / place / "x", a=9, b=9) for place in ("here", "there"))
    assert load(one).fingerprint == load(other).fingerprint
    write(one / "a" / "99.png", 77)
    assert load(one).fingerprint != load(other).fingerprint


def names_of(files: Iterable[tuple[Path, int]]) -> set[str]:
    return {f"{file.parent.name}/{file.name}" for file, _ in files}


def test_a_folder_that_grows_keeps_its_split_but_for_a_few_images(tmp_path: Path) -> None:
    for name in ("b", "c"):
        (tmp_path / name).mkdir()
        for i in range(100):
            (tmp_path / name / f"{i:03}.jpg").touch()
    before = list_folder(tmp_path)
    (tmp_path / "b" / "0000.jpg").touch()
    (tmp_path / "a").mkdir()
    for i in range(10):
        (tmp_path / "a" / f"{i}.jpg").touch()
    after = list_folder(tmp_path)
    assert Counter(label for _, label in after.test) == {0: 2, 1: 20, 2: 20}
    # one at most gives its place to the newcomer, whatever class came before the others
    assert len(names_of(before.test) - names_of(after.test)) <= 1
    assert not names_of(before.train) & names_of(after.test)
    # the order grows as well: what `--train-limit` takes are nearly the same images
    assert len(names_of(before.train[:50]) & names_of(after.train[:55])) > 40


def test_the_files_are_known_again_at_every_size(tmp_path: Path) -> None:
    root = make(tmp_path, a=9, b=9)
    before = load(root).files
    assert load(root, image_size=16).files == before
    assert load(root, train_limit=5).files[1] == before[1]
    digits = load_dataset("digits", None, ignore_progress)
    assert (digits.identity, digits.test_identity) == ("", "")
    tested = next(file for file, _ in list_folder(root).test)
    write(tested, 200)
    assert all(new != old for new, old in zip(load(root).files, before, strict=True))


def test_train_and_test_folders_are_the_splits(tmp_path: Path) -> None:
    make(tmp_path / "train", a=4, b=5)
    make(tmp_path / "val", a=2)
    make(tmp_path / "Test", a=1, b=3)
    dataset = load(tmp_path)
    assert Counter(dataset.train_labels.tolist()) == {0: 6, 1: 5}
    assert Counter(dataset.test_labels.tolist()) == {0: 1, 1: 3}
    assert "tested on Test/" in dataset.notes
    assert "val/ joins the training images" in dataset.notes
    make(tmp_path / "Test", c=1)
    assert "found 'c' beside them" in refused(tmp_path)


def test_only_the_images_asked_for_are_read(tmp_path: Path) -> None:
    root = make(tmp_path, a=10, b=10)
    told: list[tuple[int, int | None]] = []
    dataset = load_dataset(
        str(root),
        None,
        lambda done, total, _unit: told.append((done, total)),
        image_size=8,
        train_limit=6,
    )
    assert (len(dataset.train_labels), len(dataset.test_labels)) == (6, 4)
    assert told[-1] == (10, 10)
    whole = load(root)
    assert np.array_equal(dataset.train_images, whole.train_images[:6])


def test_odd_files_are_converted_or_named_and_counted(tmp_path: Path) -> None:
    root = make(tmp_path, a=6, b=6)
    write(root / "a" / "grey.png", mode="L", size=(40, 30))
    write(root / "a" / "see-through.png", mode="RGBA")
    write(root / "b" / "print.JPG", mode="CMYK")
    write(root / "b" / "deep" / "er.webp")
    (root / "b" / "cut.jpg").write_bytes((root / "b" / "print.JPG").read_bytes()[:60])
    (root / "b" / "none.png").write_text("no image")
    (root / "b" / "notes.txt").write_text("mine")
    (root / "b" / ".hidden.png").write_text("")
    dataset = load(root)
    assert len(dataset.train_labels) + len(dataset.test_labels) == 16
    notes = "\n".join(dataset.notes)
    assert "1 other files left alone" in notes
    assert "images of 12×9 to 40×30 pixels, cut to squares of 8" in notes
    for words in ("1 L", "1 RGBA", "1 CMYK"):
        assert words in notes
    (warning,) = (line for line in dataset.warnings if "unreadable" in line)
    assert "2 unreadable files left out" in warning
    assert "cut.jpg" in warning
    assert "none.png" in warning


def test_classes_are_counted_by_what_can_be_read(tmp_path: Path) -> None:
    root = make(tmp_path, a=12, b=12)
    for i in range(10):
        (root / "b" / f"bad{i}.png").write_text("no image")
    dataset = load(root)
    assert "uneven classes" not in " ".join(dataset.warnings)
    counted = next(note for note in dataset.notes if note.startswith("images to train + to test"))
    to_train, to_test = np.bincount(dataset.train_labels), np.bincount(dataset.test_labels)
    assert counted.endswith(f": a {to_train[0]} + {to_test[0]}, b {to_train[1]} + {to_test[1]}")
    many = make(tmp_path / "many", **{f"c{i:02}": 3 for i in range(12)})
    assert any(note.endswith("c09 2 + 1 and 2 more") for note in load(many).notes)


def test_what_cannot_be_a_data_set_is_refused(tmp_path: Path) -> None:
    assert "found no folder with an image in it" in refused(tmp_path)
    make(tmp_path, only=5)
    assert "one class only, 'only'" in refused(tmp_path)
    make(tmp_path, few=2)
    assert "3 images of each class or more, found 2 of 'few'" in refused(tmp_path)
    for i in range(1001):
        (tmp_path / f"c{i}").mkdir()
    assert "1,000 classes, found 1,003 folders" in refused(tmp_path)


def test_too_few_images_for_the_hold_out_are_refused_from_their_names(tmp_path: Path) -> None:
    root = make(tmp_path, **dict.fromkeys("abcdefghij", 8))
    assert check_dataset(str(root), None, validation="test") == "80 images of 10 classes"
    assert check_dataset(str(root), None, validation=0.2) == "80 images of 10 classes"
    with pytest.raises(InputError, match=r"^validation: .*found 60 .*add images, or give"):
        check_dataset(str(root), None, validation=0.1)
    with pytest.raises(InputError, match=r"found 0 of '.' among 3; raise `train_limit`"):
        check_dataset(str(root), None, validation=0.2, train_limit=3)


def test_a_limit_that_leaves_a_class_out_is_rejected_from_names(tmp_path: Path) -> None:
    for name, count in {"ant": 400, "bee": 400, "cat": 4}.items():
        (tmp_path / name).mkdir()
        for i in range(count):
            (tmp_path / name / f"{i}.jpg").touch()
    words = r"expected at least 2 training images of a class, found 0 of 'cat' among 60; raise `t"
    with pytest.raises(InputError, match=words):
        check_dataset(str(tmp_path), None, validation=0.2, train_limit=60)
    words = r"^train_limit: expected at least 1 training image of a class, found 0 of 'cat' am"
    with pytest.raises(InputError, match=words):
        check_dataset(str(tmp_path), None, train_limit=60)
    assert check_dataset(str(tmp_path), None) == "804 images of 3 classes"


def test_a_class_without_a_test_image_is_told(tmp_path: Path) -> None:
    make(tmp_path / "train", a=4, b=4, c=4)
    make(tmp_path / "test", b=2)
    assert list_folder(tmp_path).warnings == ("no test image of a, c",)


def test_a_class_without_a_readable_image_is_refused(tmp_path: Path) -> None:
    root = make(tmp_path, a=5)
    for i in range(5):
        (root / "b").mkdir(exist_ok=True)
        (root / "b" / f"{i}.png").write_text("no image")
    with pytest.raises(InputError, match="found none of 'b'"):
        load(root)


def test_images_that_do_not_fit_in_memory_are_refused_before_one_is_read(tmp_path: Path) -> None:
    root = make(tmp_path, a=5, b=5)
    # ten images of four million pixels a side would take 480 TB
    with pytest.raises(InputError, match="smaller `image_size`, or `train_limit`"):
        load(root, image_size=4_000_000)


@pytest.mark.parametrize("below", ["a", "a/deep", "only/train/b"])
def test_a_folder_that_may_not_be_read_is_named(unprivileged: Path, below: str) -> None:
    root = make(unprivileged, a=5, b=5, c=5)
    make(unprivileged / "a" / "deep", x=1)
    if below == "only/train/b":
        root = make(unprivileged / "only" / "train", a=5, b=5).parent
    (unprivileged / below).chmod(0)
    line = refused(root)
    assert f"{unprivileged / below}: expected a folder of images, found one that cannot" in line
    assert "Permission denied" in line


def test_all_still_images_that_pillow_opens_are_taken(tmp_path: Path) -> None:
    Image.init()
    openable = {ending for ending, name in Image.EXTENSION.items() if name in Image.OPEN}
    # A stereo pair of JPEGs, which Pillow knows by its content only.
    assert openable | {".mpo"} >= SUFFIXES
    root = make(tmp_path, a=4)
    for i, ending in enumerate(("jfif", "JPE", "avif", "jp2", "tga", "ico")):
        write(root / "b" / f"{i}.{ending}", i)
    dataset = load(root)
    assert len(dataset.train_labels) + len(dataset.test_labels) == 10
    assert [warning for warning in dataset.warnings if "unreadable" in warning] == []


def test_a_folder_of_other_files_is_refused_and_not_left_out(tmp_path: Path) -> None:
    root = make(tmp_path, a=4, b=4, c=0)
    for i in range(3):
        (root / "c").mkdir(exist_ok=True)
        (root / "c" / f"{i}.heic").touch()
    line = refused(root)
    assert f"{root / 'c'}: expected images, found 3 files that are none (3 .heic); convert" in line


def test_loose_images_and_empty_folders_are_told(tmp_path: Path) -> None:
    root = make(tmp_path, a=4, b=4)
    write(root / "loose.png")
    (root / "c").mkdir()
    dataset = load(root)
    assert f"images directly in {root.name}/, in no class, left alone: 1" in dataset.warnings
    assert "folders without a file: c" in dataset.warnings
    (tmp_path / "flat").mkdir()
    write(tmp_path / "flat" / "one.png")
    assert "found no folder with an image in it and 1 loose images" in refused(tmp_path / "flat")


def test_a_test_folder_without_classes_gives_way_to_the_next_one(tmp_path: Path) -> None:
    make(tmp_path / "train", a=10, b=10)
    write(tmp_path / "test" / "1.png")
    dataset = load(tmp_path)
    assert Counter(dataset.test_labels.tolist()) == {0: 2, 1: 2}
    assert any("no test split" in note for note in dataset.notes)
    assert "test/ has no folder for each class: left alone" in dataset.warnings
    make(tmp_path / "val", a=1, b=3)
    dataset = load(tmp_path)
    assert Counter(dataset.test_labels.tolist()) == {0: 1, 1: 3}
    assert "tested on val/" in dataset.notes


def test_a_training_folder_alone_is_divided(tmp_path: Path) -> None:
    make(tmp_path / "train", a=10, b=10)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").touch()
    dataset = load(tmp_path)
    assert dataset.class_names == ("a", "b")
    assert len(dataset.test_labels) == 4
    make(tmp_path / "holdout", a=2)
    assert "expected test/ or val/ beside train/, found holdout; rename" in refused(tmp_path)
    make(tmp_path / "test", a=2)
    assert "holdout/ is neither train/ nor test/: left alone" in load(tmp_path).warnings


def test_folders_of_splits_are_not_taken_for_classes(tmp_path: Path) -> None:
    for name in ("train", "test"):
        write(tmp_path / "flat" / name / "1.png")
    make(tmp_path / "pets", train=5, cats=5, dogs=5)
    (tmp_path / "pets" / "test").mkdir()
    for name in ("flat", "pets"):
        assert refused(tmp_path / name) == (
            f"{tmp_path / name / 'train'}: expected a folder for each class, with its images in "
            "it, found none; sort its images into such folders"
        )
    for name in ("val", "test"):
        make(tmp_path / "two" / name, a=5, b=5)
    assert "two: expected train/ beside test/, found none" in refused(tmp_path / "two")
    # a class may be called so, where it holds images and no classes
    vehicles = make(tmp_path / "vehicles", train=5, car=5)
    assert load(vehicles).class_names == ("car", "train")


def counts(files: Labelled) -> dict[int, int]:
    """How many of these files each class has."""
    return dict(Counter(label for _, label in files))


NFC, NFD = "caf\u00e9", "cafe\u0301"


def test_a_name_is_one_class_in_both_forms_of_unicode(tmp_path: Path) -> None:
    make(tmp_path / "train", **{NFC: 5, "dog": 5, "zoo": 5})
    make(tmp_path / "test", **{NFD: 3, "dog": 2, "zoo": 1})
    listing = list_folder(tmp_path)
    assert listing.class_names == (NFC, "dog", "zoo")
    assert (counts(listing.train), counts(listing.test)) == ({0: 5, 1: 5, 2: 5}, {0: 3, 1: 2, 2: 1})
    assert listing.warnings == ()
    assert len(load(tmp_path).test_labels) == 6


def test_one_class_in_two_folders_of_both_forms_is_joined_and_told(tmp_path: Path) -> None:
    root = make(tmp_path, **{NFC: 5, NFD: 5, "dog": 10})
    listing = list_folder(root)
    assert listing.class_names == (NFC, "dog")
    assert counts((*listing.train, *listing.test)) == {0: 10, 1: 10}
    assert f"folders of one name in two forms joined: {NFC}" in listing.warnings


def test_a_folder_to_give_instead_is_written_as_it_lies_on_the_disk(tmp_path: Path) -> None:
    make(tmp_path / NFD, a=3, b=3)
    assert refused(tmp_path).endswith(f"give {tmp_path / NFD}")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cat", "Cat"),
        ("cat", "cat "),
        ("cat 1", "cat\u00a01"),
    ],
)
def test_names_that_look_the_same_are_said_to_differ(tmp_path: Path, one: str, other: str) -> None:
    how = "in case, spaces or the form of letters only"
    make(tmp_path / "train", **{one: 5, "dog": 5})
    make(tmp_path / "test", **{other: 3, "dog": 2})
    line = refused(tmp_path)
    assert f"found {other!r} beside them, which differs from {one!r} {how}; give both" in line
    # as they are where the images of a second split join those of the first
    (tmp_path / "test").rename(tmp_path / "val")
    make(tmp_path / "test", **{one: 3, "dog": 2})
    assert f"{other!r}" in refused(tmp_path)
    assert f"which differ {how}; give their folders the same name" in refused(tmp_path)


def test_two_classes_that_differ_in_case_are_told_once(tmp_path: Path) -> None:
    make(tmp_path, A=5, a=5, b=5)
    listing = list_folder(tmp_path)
    assert listing.class_names == ("A", "a", "b")
    assert listing.warnings == (
        "two classes differ in case, spaces or the form of letters only: 'A' and 'a'",
    )
