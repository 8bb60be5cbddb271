"""Data sets of packages: those that are as they should be, and those that are not."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from engine.common.progress import ignore_progress
from engine.datasets.loading import load_dataset
from engine.datasets.published import Archive, usual_folders
from engine.errors import InputError
from engine.tools.fetching import fetch_all, list_needed
from tests.support.data_sets import bytes_to_download, check_dataset, count_images, report_on
from tests.support.loopback import LoopbackServer
from tests.support.packages import BIRDS, installed_in, page_files, write_dots, write_package

OFFERED = {"birds": "birds_data:Birds"}


@pytest.fixture(autouse=True)
def packages(tmp_path: Path) -> Iterator[Path]:
    """The folder in which this process finds packages as well."""
    folder = tmp_path / "packages"
    folder.mkdir()
    with installed_in(folder):
        yield folder


def write_birds(packages: Path, added: str = "") -> None:
    write_package(packages, OFFERED, {"birds_data.py": f"{BIRDS}\n{added}\n"})


def ask_all() -> None:
    check_dataset("birds", None)
    count_images("birds")
    load_dataset("birds", None, ignore_progress)


def rejected(added: str, packages: Path) -> str:
    """The line about a data set to whose module something was added."""
    write_birds(packages, added)
    with pytest.raises(InputError) as caught:
        ask_all()
    line = str(caught.value)
    assert line.isprintable()
    assert line.startswith("dataset: birds-data 1.2, entry point 'birds': expected ")
    assert line.endswith("; ask its authors, or uninstall the package")
    return line


def test_the_package_of_the_page_is_a_data_set(packages: Path) -> None:
    write_dots(packages)
    told: list[tuple[int, int | None]] = []
    assert check_dataset("dots", None) == "built in"
    assert count_images("dots") == (80, 20)
    assert bytes_to_download("dots") == 0
    data = load_dataset("dots", None, lambda done, total, unit: told.append((done, total)))
    assert told[-1] == (100, 100)
    assert data.train_images.shape == (80, 16, 16, 3)
    lit = (data.train_images > 0).all(axis=3).sum(axis=(1, 2))
    assert np.array_equal(lit, data.train_labels + 1)
    report = report_on("dots")
    assert [each.name for each in report.classes] == ["one", "two"]
    assert sum(each.images for each in report.classes) == 100
    assert report.widths == (16, 16)
    (needed,) = list_needed([], ["dots"])
    assert needed.built_in == "built in"
    with pytest.raises(
        InputError, match="data_path: expected no path beside dots, whose images are"
    ):
        check_dataset("dots", "elsewhere")


@pytest.mark.parametrize(
    ("added", "found"),
    [
        ("raise RuntimeError('no\\nluck')", "RuntimeError: no luck"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("import nothing_like_it", "ModuleNotFoundError: No module named 'nothing_like_it'"),
        ("del Birds", "AttributeError: module 'birds_data' has no attribute 'Birds'"),
        ("Birds = 3", "found int at birds_data:Birds"),
        ("def Birds(name, title): ...", "found function Birds at"),
        ("class Birds: ...", "extends engine.datasets.source.DatasetSource, found type Birds"),
        ("class Birds(DatasetSource): ...", "without count, load"),
        ("Birds.__init__ = lambda self: None", "Birds(name, title) to work, found TypeError"),
        ("Birds.check = lambda *_: 1 / 0", "check to work, found ZeroDivisionError"),
        ("Birds.check = lambda *_: None", "expected str from check, found NoneType"),
        ("Birds.count = lambda *_: (3,)", "above 0, from count, found (3,)"),
        ("Birds.count = lambda *_: (3, 0.5)", "above 0, from count, found (3, 0.5)"),
        ("Birds.load = lambda *_: 1 / 0", "load to work, found ZeroDivisionError: division by"),
        ("Birds.load = lambda _, request, tell, *more: tell(1)", "found TypeError"),
        ("Birds.load = lambda *_: None", "Dataset from load, found NoneType"),
        ("Birds.archive = 'birds.zip'", "Archive or NoneType from archive, found str"),
    ],
)
def test_what_is_no_data_set_is_one_line(added: str, found: str, packages: Path) -> None:
    assert found in rejected(added, packages)


@pytest.mark.parametrize(
    ("others", "found"),
    [
        ("train_images=np.zeros((30, 8, 8, 3))", "found float64 (30, 8, 8, 3)"),
        (
            "test_images=np.full((10, 8, 8, 3), np.nan)",
            "(N, height, width, 3), one or more in the test split, found float64 (10, 8, 8, 3)",
        ),
        ("train_images=np.zeros((30, 8, 8), np.uint8)", "found uint8 (30, 8, 8)"),
        ("train_images=np.zeros((30, 8, 8, 1), np.uint8)", "found uint8 (30, 8, 8, 1)"),
        ("train_images=np.zeros((0, 8, 8, 3), np.uint8)", "found uint8 (0, 8, 8, 3)"),
        ("train_images=[[0]]", "found list"),
        ("test_images=np.zeros((10, 9, 8, 3), np.uint8)", "found (8, 8, 3) and (9, 8, 3)"),
        ("train_labels=np.arange(30) % 3", "labels from 0 to 1 in the train split, found 0 to 2"),
        (
            "test_labels=np.arange(10) % 2 - 1",
            "labels from 0 to 1 in the test split, found -1 to 0",
        ),
        ("train_labels=np.full(30, np.nan)", "found float64 (30,) for 30 images"),
        ("train_labels=np.arange(29) % 2", "found int64 (29,) for 30 images"),
        ("test_labels=(np.arange(10) % 2)[:, None]", "found int64 (10, 1) for 10 images"),
        ("class_names=('gull',)", "2 to 1,000 different class names that can be shown, found 1"),
        ("class_names=('gull', 'gull')", "found one of them twice"),
        ("class_names=('gull', 3)", "found 3;"),
        ("class_names=('gull', 'tern\\x1b[2J')", "found 'tern\\x1b[2J'"),
        ("class_names='gt'", "found str"),
    ],
)
def test_arrays_that_are_wrong_are_one_line(others: str, found: str, packages: Path) -> None:
    line = rejected(f"Birds.load = lambda *_: arrays({others})", packages)
    assert found in line


def test_what_the_package_says_to_its_user_is_left_as_it_is(packages: Path) -> None:
    added = """
from engine.errors import InputError
def check(self, request):
    raise InputError("BIRDS_KEY", "a key", "none", "set it")
Birds.check = check
"""
    write_birds(packages, added)
    with pytest.raises(InputError, match=r"^BIRDS_KEY: expected a key, found none; set it$"):
        check_dataset("birds", None)


class StopError(Exception):
    """Ends a reading."""


@pytest.mark.parametrize(
    "handles", ["pass", "raise ValueError('hidden')"], ids=["swallowed", "turned into another"]
)
def test_what_ends_a_reading_gets_through_whatever_catches_it(handles: str, packages: Path) -> None:
    added = f"""
def load(self, request, progress, on_download):
    try:
        progress(1, 2, "images")
    except Exception:
        {handles}
    return arrays()
Birds.load = load
"""
    write_birds(packages, added)

    def stop(done: int, total: int | None, unit: str) -> None:
        raise StopError

    with pytest.raises(StopError):
        load_dataset("birds", None, stop)


def test_labels_names_and_lines_are_brought_into_form(
    packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = "class_names=['gull', 'tern'], test_labels=np.zeros(10, np.uint8)"
    write_birds(packages, f"Birds.load = lambda *_: arrays({others})")
    monkeypatch.chdir(tmp_path)
    os.mkdir("birds")
    data = load_dataset("birds", None, ignore_progress)
    assert data.class_names == ("gull", "tern")
    assert data.test_labels.dtype == np.int64
    assert data.warnings == (
        "no test image of tern",
        "the folder birds here is not read; ./birds as `dataset` takes it",
    )


def test_other_images_under_the_name_are_told_apart(packages: Path) -> None:
    write_birds(packages, "Birds.load = lambda self, *_: arrays(**getattr(self, 'others', {}))")
    first, again = (load_dataset("birds", None, ignore_progress) for _ in range(2))
    assert (first.identity, first.test_identity) == (again.identity, again.test_identity)
    birds_data = import_module("birds_data")

    birds_data.Birds.others = {"train_labels": np.arange(30) // 15}
    other = load_dataset("birds", None, ignore_progress)
    assert other.identity != first.identity
    assert other.test_identity == first.test_identity
    birds_data.Birds.others = {"test_images": first.test_images[::-1]}
    assert load_dataset("birds", None, ignore_progress).test_identity != first.test_identity


@pytest.fixture
def shapes(
    packages: Path, loopback: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> bytes:
    """The page's data set with a file, which a server of this machine publishes; its content."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_package(
        packages,
        {"shapes": "shapes_data:Shapes"},
        {"shapes_data.py": page_files()["shapes_data.py"]},
    )
    file = io.BytesIO()
    images = np.zeros((100, 8, 8, 3), np.uint8)
    labels = np.arange(100) % 2
    np.savez(file, x_train=images[:80], y_train=labels[:80], x_test=images[80:], y_test=labels[80:])
    content = file.getvalue()
    url = loopback.serve("/shapes", content)
    digest = hashlib.sha256(content).hexdigest()
    archive = Archive(url, "shapes-v1.npz", f"sha256:{digest}", len(content))
    shapes_data = import_module("shapes_data")

    assert bytes_to_download("shapes") == 12_345_678
    assert check_dataset("shapes", None) == "to download: 12 MB"
    monkeypatch.setattr(shapes_data.Shapes, "archive", archive)
    return content


def test_a_file_is_downloaded_once_and_verified(
    shapes: bytes, loopback: LoopbackServer, tmp_path: Path
) -> None:
    told: list[str] = []
    with pytest.raises(InputError, match="`cifar-tui fetch --dataset shapes` brings them"):
        report_on("shapes")
    for _ in range(2):
        data = load_dataset("shapes", None, ignore_progress, told.append)
        assert len(data.train_images) == 80
    assert [words.partition(" from ")[0] for words in told] == ["shapes, 0 MB"]
    assert loopback.requests == ["/shapes"]
    place = usual_folders()[1] / "shapes-v1.npz"
    assert bytes_to_download("shapes") == 0
    assert check_dataset("shapes", None) == str(place)
    assert report_on("shapes").classes[0].name == "circle"
    place.write_bytes(shapes[:-1] + b"x")
    for path in (None, str(place)):
        with pytest.raises(InputError, match="expected the official archive's sha256"):
            load_dataset("shapes", path, ignore_progress)
    place.write_bytes(shapes[:-1])
    with pytest.raises(InputError, match="bytes of the official archive, found"):
        check_dataset("shapes", None)
    other = tmp_path / "mine.npz"
    other.write_bytes(shapes)
    assert check_dataset("shapes", str(other)) == str(other)
    assert len(load_dataset("shapes", str(other), ignore_progress).test_images) == 20
    with pytest.raises(InputError, match=r"gone\.npz: expected shapes-v1\.npz, found no such"):
        check_dataset("shapes", str(tmp_path / "gone.npz"))


@pytest.mark.usefixtures("shapes")
def test_a_file_is_fetched_before_it_is_needed(loopback: LoopbackServer) -> None:
    wanted = list_needed([], ["shapes"])
    states = [[each.state for each in fetch_all(wanted)] for _ in range(2)]
    assert states == [["fetched"], ["here"]]
    assert loopback.requests == ["/shapes"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("url", "ftp://x/y"), ("file", "../y"), ("hash", "sha256:1"), ("bytes", 0), ("bytes", None)],
)
def test_an_archive_that_cannot_be_fetched_is_one_line(
    field: str, value: object, packages: Path
) -> None:
    usual = {"url": "http://x/y", "file": "y", "hash": f"md5:{'0' * 32}", "bytes": 1}
    fields = ", ".join(f"{key}={item!r}" for key, item in (usual | {field: value}).items())
    added = f"from engine.datasets.published import Archive\nBirds.archive = Archive({fields})"
    assert f"a value for {field} of its archive" in rejected(added, packages)


def test_a_path_that_is_none_is_one_line(packages: Path) -> None:
    added = f"""
from engine.datasets.published import Archive
Birds.archive = Archive("http://x/y", "y", "md5:{"0" * 32}", 1)
Birds.locate = lambda self: "y"
"""
    write_birds(packages, added)
    with pytest.raises(InputError, match=r"Path or NoneType from locate, found str"):
        bytes_to_download("birds")
