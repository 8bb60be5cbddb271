"""What is said of a data set before it is trained on."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from engine.datasets.folder_report import ClassCount, report_on
from engine.errors import InputError


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
    assert "1 other files left alone" in report.notes
    assert any("cat has 10 images, dog 5" in warning for warning in report.warnings)


def test_only_headers_are_read(tmp_path: Path) -> None:
    root = make(tmp_path)
    whole = (root / "cat" / "0.png").read_bytes()
    (root / "cat" / "0.png").write_bytes(whole[:-20])
    (root / "dog" / "9.png").unlink()
    Image.new("L", (5, 60)).save(root / "dog" / "9.png")
    report = report_on(str(root))
    assert (report.widths[0], report.heights[1]) == (5, 60)
    assert report.modes == {"RGB": 14, "L": 1}


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
