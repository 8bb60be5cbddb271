"""Where data sets come from: built in, the usual places, the network."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.common.progress import ignore_progress
from engine.datasets.archives import CIFAR10, CifarSet
from engine.datasets.cifar import Cifar10
from engine.datasets.dataset import Dataset
from engine.datasets.loading import load_dataset
from engine.datasets.published import Archive, usual_folders
from engine.errors import InputError
from tests.support.data_sets import check_dataset
from tests.support.images import SmallCifar10
from tests.support.loopback import LoopbackServer


@dataclasses.dataclass(frozen=True)
class Published:
    """Small archives that stand for the official ones, and the table that describes them."""

    binary: Path
    python: Path
    cifar: CifarSet


@pytest.fixture
def published(
    small_cifar10: SmallCifar10,
    loopback: LoopbackServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Published:
    entries = []
    archives = []
    for write, official in zip(
        (small_cifar10.write_binary, small_cifar10.write_python), CIFAR10.archives, strict=True
    ):
        folder = write(tmp_path / "published")
        archive = folder.parent / official.file
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(folder, folder.name)
        content = archive.read_bytes()
        url = loopback.serve(f"/{official.file}", content)
        md5 = hashlib.md5(content).hexdigest()
        entries.append(Archive(url, official.file, f"md5:{md5}", len(content)))
        archives.append(archive)
    small = dataclasses.replace(CIFAR10, archives=tuple(entries))
    monkeypatch.setattr(Cifar10, "published", small)
    return Published(archives[0], archives[1], small)


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Path, Path]:
    """Keras' folder and the cache, empty, in a home of their own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    folders = usual_folders()
    for folder in folders:
        folder.mkdir(parents=True)
    return folders


def load(on_download: Callable[[str], None] | None = None) -> Dataset:
    return load_dataset("cifar10", None, ignore_progress, on_download)


def test_the_digits_are_built_in_and_split_the_same_way_each_time() -> None:
    assert check_dataset("digits", None) == "built in"
    digits = load_dataset("digits", None, ignore_progress)
    assert digits.train_images.shape == (1297, 8, 8, 3)
    assert digits.test_images.shape == (500, 8, 8, 3)
    assert digits.train_images.dtype == np.uint8
    assert digits.train_labels.dtype == np.int64
    assert (digits.train_images.min(), digits.train_images.max()) == (0, 255)
    assert np.array_equal(digits.train_images[..., 0], digits.train_images[..., 2])
    assert digits.class_names == tuple("0123456789")
    counts = np.bincount(digits.test_labels)
    assert counts.min() >= 48
    assert counts.max() <= 51
    # fixed for good: a ranking compares runs of different days
    assert digits.fingerprint.startswith("5d13d284257c8859")


def test_the_digits_take_no_path() -> None:
    for ask in (
        lambda: check_dataset("digits", "here"),
        lambda: load_dataset("digits", "here", ignore_progress),
    ):
        with pytest.raises(
            InputError, match=r"^data_path: expected no path beside digits, .*'here'"
        ):
            ask()


def test_an_unknown_data_set_is_refused() -> None:
    for ask in (
        lambda: check_dataset("mnist", None),
        lambda: load_dataset("mnist", None, ignore_progress),
    ):
        with pytest.raises(InputError, match="or a folder of images, found 'mnist'"):
            ask()


def test_what_is_nowhere_is_downloaded_once(
    published: Published,
    places: tuple[Path, Path],
    loopback: LoopbackServer,
    small_cifar10: SmallCifar10,
) -> None:
    announced: list[str] = []
    size = f"to download: {published.cifar.archives[0].bytes / 1e6:.0f} MB"
    assert check_dataset("cifar10", None) == size

    first = load(announced.append)
    again = load(announced.append)

    assert announced == ["CIFAR-10, 0 MB from 127.0.0.1:" + loopback.url("").rsplit(":", 1)[1]]
    assert loopback.requests == ["/cifar-10-binary.tar.gz"]
    assert first.source == str(places[1] / "cifar-10-binary.tar.gz")
    assert first.fingerprint == again.fingerprint
    assert np.array_equal(first.train_images, small_cifar10.images[:100])


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize(
    "name",
    [
        "cifar-10-binary.tar.gz",
        "cifar-10-python.tar.gz",
        "cifar-10-batches-py.tar.gz",
        "cifar-10-batches-py-target.tar.gz",
        "cifar-10-batches-py-target_archive",
    ],
)
def test_archives_are_found_in_the_usual_places(
    published: Published, places: tuple[Path, Path], place: int, name: str
) -> None:
    archive = published.binary if "binary" in name else published.python
    shutil.copy(archive, places[place] / name)
    assert load().source == str(places[place] / name)
    expected = places[place].relative_to(places[0].parents[1]) / name
    assert check_dataset("cifar10", None) == f"~/{expected}"


@pytest.mark.parametrize("name", ["", "cifar-10-batches-py-target"])
def test_what_keras_extracted_is_found(
    published: Published, places: tuple[Path, Path], name: str
) -> None:
    shutil.copytree(
        published.python.parent / "cifar-10-batches-py", places[0] / name / "cifar-10-batches-py"
    )
    assert load().source == str(places[0] / name / "cifar-10-batches-py")


def test_an_extraction_cut_short_is_passed_over(
    published: Published, places: tuple[Path, Path]
) -> None:
    (places[0] / "cifar-10-batches-py").mkdir()
    assert check_dataset("cifar10", None).startswith("to download")
    assert load().source == str(places[1] / "cifar-10-binary.tar.gz")


def test_keras_home_is_honoured(
    published: Published, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "keras" / "datasets").mkdir(parents=True)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    archive = shutil.copy(published.python, tmp_path / "keras" / "datasets")
    assert load().source == str(archive)


@pytest.mark.parametrize("by_option", [True, False])
def test_a_wrong_hash_is_refused_wherever_it_lies(
    published: Published, places: tuple[Path, Path], by_option: bool
) -> None:
    content = bytearray(published.binary.read_bytes())
    content[-1] ^= 0xFF
    archive = places[0] / "cifar-10-binary.tar.gz"
    archive.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_dataset("cifar10", str(archive) if by_option else None, ignore_progress)
    line = str(caught.value)
    assert line.startswith(f"{archive}: expected the official archive's md5 ")
    assert published.cifar.archives[0].hash.removeprefix("md5:") in line
    assert hashlib.md5(content).hexdigest() in line
    assert "delete it and fetch it again, or extract it" in line


def test_an_official_name_on_a_truncated_archive_is_refused_at_once(
    published: Published, places: tuple[Path, Path]
) -> None:
    content = published.binary.read_bytes()
    (places[1] / "cifar-10-binary.tar.gz").write_bytes(content[:-100])
    for path in (None, str(places[1] / "cifar-10-binary.tar.gz")):
        with pytest.raises(
            InputError,
            match=f"expected the {len(content):,} bytes .*, found {len(content) - 100:,};",
        ):
            check_dataset("cifar10", path)


def test_a_download_that_fails_leaves_nothing(
    published: Published, places: tuple[Path, Path], loopback: LoopbackServer
) -> None:
    loopback.routes.clear()
    with pytest.raises(
        InputError, match=r"status 404 .* put the file at .* or name it with `data_path`"
    ):
        load()
    assert list(places[1].iterdir()) == []


def test_the_module_is_light() -> None:
    heavy = "{'numpy', 'sklearn', 'pandas', 'keras', 'tensorflow', 'urllib.request'}"
    check = f"import sys, engine.datasets; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
