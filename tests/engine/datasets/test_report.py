"""What is said of a data set before it is trained on."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from engine.datasets.report import ClassCount
from engine.errors import InputError
from tests.support.data_sets import report_on


def make(root: Path) -> Path:
    """Two classes of ten images, of several sizes and modes, some that are none."""
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        for i in range(10):
            mode = "L" if name == "dog" and i < 3 else "RGB"
            Image.new(mode, (20 + i, 50 - i)).save(root / name / f"{i}.png")
    for i in range(5):
        (root / "dog" / f"{i}.png").write_bytes(b"no image")
    (root / "dog" / "notes.txt").touch()
    return root


def test_a_folder_is_counted_by_what_can_be_read(tmp_path: Path) -> None:
    report = report_on(str(make(tmp_path / "pets")))
    assert (report.name, report.where) == ("folder:pets", str(tmp_path / "pets"))
    assert report.classes[0] == ClassCount("cat", 8, 2)
    assert report.classes[1].train + report.classes[1].test == 5
    assert (report.widths, report.heights) == ((20, 29), (41, 50))
    assert report.modes == {"RGB": 15}
    assert len(report.unreadable) == 5
    assert all(line.startswith(str(tmp_path / "pets" / "dog")) for line in report.unreadable)
    assert "1 other files left alone: 1 .txt" in report.notes
    assert any("cat has 10 images, dog 5" in warning for warning in report.warnings)


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_files_cut_short_are_told_though_their_headers_are_whole(
    tmp_path: Path, ending: str
) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for i in range(10):
            Image.effect_noise((90, 90), 50 + i).save(tmp_path / name / f"{i}.{ending}")
    cut = [tmp_path / "cat" / f"{i}.{ending}" for i in range(5)]
    for path in cut:
        path.write_bytes(path.read_bytes()[:-1_000])
    told = []
    report = report_on(str(tmp_path), lambda done, total, unit: told.append((done, total, unit)))
    assert sorted(line.partition(":")[0] for line in report.unreadable) == sorted(map(str, cut))
    assert sum(report.classes[0].train + each.test for each in report.classes[:1]) == 5
    assert told[-1] == (20, 20, "images")


def test_images_of_both_splits_are_told(tmp_path: Path) -> None:
    for split, count in (("train", 6), ("test", 3)):
        for label, name in enumerate(("cat", "dog")):
            (tmp_path / split / name).mkdir(parents=True)
            for i in range(count):
                image = Image.new("RGB", (8, 8), (i, label, len(split) if i else 0))
                image.save(tmp_path / split / name / f"{split}{i}.png")
    (warning,) = report_on(str(tmp_path)).warnings
    assert warning.startswith("2 of 6 test images are training images, too, byte for byte: test/")
    assert "cat/test0.png" in warning


def test_endings_that_are_left_alone_are_named(tmp_path: Path) -> None:
    make(tmp_path)
    for i in range(3):
        (tmp_path / "cat" / f"{i}.heic").touch()
    report = report_on(str(tmp_path))
    assert "4 other files left alone: 3 .heic, 1 .txt" in report.notes
    for i in range(30):
        (tmp_path / "cat" / f"{i}.jpg_large").touch()
    assert any(
        "34 other files left alone: 30 .jpg_large, 3 .heic, 1 .txt, more than the images" in line
        for line in report_on(str(tmp_path)).warnings
    )


def test_class_names_are_text_of_one_line(tmp_path: Path) -> None:
    for name in (b"\xff", b"\xfe", b"two\nlines", "b\u00e4r".encode()):
        folder = os.fsencode(tmp_path) + b"/" + name
        os.mkdir(folder)
        for i in range(4):
            Image.new("RGB", (8, 8), (i, 0, 0)).save(os.fsdecode(folder + b"/%d.png" % i))
    report = report_on(str(tmp_path))
    names = [each.name for each in report.classes]
    assert sorted(names) == sorted([r"\xff", r"\xfe", r"two\nlines", "b\u00e4r"])
    json.dumps(names).encode()
    os.mkdir(tmp_path / r"two\nlines")
    Image.new("RGB", (8, 8)).save(tmp_path / r"two\nlines" / "0.png")
    report = report_on(str(tmp_path))
    assert [each.images for each in report.classes if each.name == r"two\nlines"] == [5]
    assert r"folders of one name in two forms joined: two\nlines" in report.warnings


@pytest.mark.parametrize(
    ("name", "images", "pixels"), [("cifar10", 60_000, 32), ("cifar100", 60_000, 32)]
)
def test_the_published_ones_are_known(name: str, images: int, pixels: int) -> None:
    report = report_on(name)
    assert sum(count.train + count.test for count in report.classes) == images
    assert report.widths == report.heights == (pixels, pixels)


def test_the_digits_are_counted() -> None:
    report = report_on("digits")
    assert [count.name for count in report.classes] == list("0123456789")
    assert sum(count.train for count in report.classes) == 1_297
    assert report.widths == (8, 8)


def test_what_is_no_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such data set"):
        report_on("mnist")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(3):
            (tmp_path / name / f"{i}.jpg").touch()
    with pytest.raises(InputError, match="expected readable images, found none"):
        report_on(str(tmp_path))
