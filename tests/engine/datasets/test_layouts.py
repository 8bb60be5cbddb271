"""Every layout of CIFAR-10, whole and broken."""

from __future__ import annotations

import os
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.common.progress import ignore_progress
from engine.datasets.dataset import Dataset
from engine.datasets.loading import load_dataset
from engine.errors import InputError
from tests.support.data_sets import check_dataset
from tests.support.images import SmallCifar10


def load(path: Path) -> Dataset:
    return load_dataset("cifar10", str(path), ignore_progress)


def refused(path: Path) -> str:
    """The one line with which a path is refused."""
    with pytest.raises(InputError) as caught:
        load(path)
    line = str(caught.value)
    assert line.startswith(str(path))
    assert "\n" not in line
    return line


def refused_at_once(path: Path) -> str:
    """The same, where the quick check must already refuse it."""
    with pytest.raises(InputError) as caught:
        check_dataset("cifar10", str(path))
    assert str(caught.value) == refused(path)
    return str(caught.value)


def pack(folder: Path, name: str) -> Path:
    """The folder as an archive beside it."""
    with tarfile.open(folder.parent / name, "w:gz") as tar:
        tar.add(folder, folder.name)
    return folder.parent / name


def npz(path: Path, small: SmallCifar10, **changes: Any) -> Path:
    """The images as an .npz, as Keras would hand them out."""
    arrays: dict[str, Any] = {
        "x_train": small.images[:100],
        "y_train": small.labels[:100, np.newaxis].astype(np.uint8),
        "x_test": small.images[100:],
        "y_test": small.labels[100:],
    }
    np.savez(path, **{k: v for k, v in (arrays | changes).items() if v is not None})
    return path


def test_every_layout_gives_the_same_images(small_cifar10: SmallCifar10, tmp_path: Path) -> None:
    python, binary = small_cifar10.write_python(tmp_path), small_cifar10.write_binary(tmp_path)
    keras = small_cifar10.write_python(tmp_path / "datasets" / "cifar-10-batches-py-target")
    paths = [
        python,
        binary,
        tmp_path,
        keras.parent,
        keras.parent.parent,
        pack(python, "mine-py.tar.gz"),
        pack(binary, "mine-bin.tgz"),
        npz(tmp_path / "mine.npz", small_cifar10),
    ]
    for path in paths:
        assert check_dataset("cifar10", str(path)) == str(path)
        dataset = load(path)
        assert np.array_equal(dataset.train_images, small_cifar10.images[:100])
        assert np.array_equal(dataset.test_images, small_cifar10.images[100:])
        assert dataset.train_labels.tolist() == small_cifar10.labels[:100].tolist()
        assert dataset.test_labels.tolist() == small_cifar10.labels[100:].tolist()
        assert dataset.train_images.dtype == np.uint8
        assert dataset.train_labels.dtype == np.int64
    assert len({load(path).fingerprint for path in paths}) == 1


def test_a_class_without_a_test_image_is_told(small_cifar10: SmallCifar10, tmp_path: Path) -> None:
    labels = small_cifar10.labels[100:].copy()
    assert load(npz(tmp_path / "a.npz", small_cifar10)).warnings == ()
    labels[labels == 3] = 0
    lacking = load(npz(tmp_path / "b.npz", small_cifar10, y_test=labels))
    assert lacking.warnings == ("no test image of cat",)


def test_the_fingerprint_sees_one_label(small_cifar10: SmallCifar10, tmp_path: Path) -> None:
    labels = small_cifar10.labels[:100].copy()
    labels[3] = 9
    first = load(npz(tmp_path / "a.npz", small_cifar10))
    other = load(npz(tmp_path / "b.npz", small_cifar10, y_train=labels))
    assert first.fingerprint != other.fingerprint


@pytest.mark.parametrize("kind", ["py", "bin"])
def test_the_real_images_are_read(cifar10_dir: Path, kind: str) -> None:
    folder = cifar10_dir / f"cifar-10-batches-{kind}"
    if not folder.is_dir():
        pytest.skip(f"CIFAR_TUI_DATA holds no {folder.name}")
    dataset = load(folder)
    assert dataset.train_images.shape == (50_000, 32, 32, 3)
    assert dataset.test_images.shape == (10_000, 32, 32, 3)
    assert np.bincount(dataset.train_labels).tolist() == [5_000] * 10
    assert np.bincount(dataset.test_labels).tolist() == [1_000] * 10
    means = dataset.train_images[::5].mean(axis=(0, 1, 2)) / 255
    assert means == pytest.approx([0.4914, 0.4822, 0.4465], abs=5e-3)  # red, green, blue


def test_progress_counts_images(small_cifar10: SmallCifar10, tmp_path: Path) -> None:
    seen: list[tuple[int, str]] = []

    def note(done: int, total: int | None, unit: str) -> None:
        seen.append((done, unit))

    load_dataset("cifar10", str(small_cifar10.write_binary(tmp_path)), note)
    assert seen == [(n, "images") for n in range(20, 121, 20)]


def test_a_missing_path(tmp_path: Path) -> None:
    assert "found no such file or folder; check the path" in refused_at_once(tmp_path / "absent")


def test_an_empty_folder(tmp_path: Path) -> None:
    assert "found an empty folder" in refused_at_once(tmp_path)


def test_a_folder_of_other_things(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    assert "expected the CIFAR-10 batches data_batch_1 to data_batch_5" in refused_at_once(tmp_path)


def test_a_folder_that_lacks_a_batch(small_cifar10: SmallCifar10, tmp_path: Path) -> None:
    (small_cifar10.write_python(tmp_path) / "data_batch_3").unlink()
    assert (
        "data_batch_5 and test_batch (or .bin), found all but data_batch_3; name"
        in refused_at_once(tmp_path)
    )


def test_neither_file_nor_folder(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "found neither file nor folder" in refused_at_once(tmp_path / "pipe")


@pytest.mark.parametrize("name", ["mine.tar.gz", "mine.npz", "mine"])
@pytest.mark.parametrize("content", [b"", b"not an archive", b"\x1f\x8b\x08\x00"])
def test_a_file_that_is_none_of_them(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert "get it again" in refused_at_once(tmp_path / name)


def test_an_archive_of_other_things(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes").write_text("no images")
    assert "found none of them" in refused(pack(tmp_path / "other", "mine.tar.gz"))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_a_truncated_archive(small_cifar10: SmallCifar10, tmp_path: Path, share: float) -> None:
    archive = pack(small_cifar10.write_python(tmp_path), "mine.tar.gz")
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(len(whole) * share)])
    assert "found a truncated, damaged or other file of" in refused(archive)


def test_a_damaged_archive(small_cifar10: SmallCifar10, tmp_path: Path) -> None:
    archive = pack(small_cifar10.write_binary(tmp_path), "mine.tar.gz")
    damaged = bytearray(archive.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    archive.write_bytes(damaged)
    assert "damaged" in refused(archive)


def test_an_archive_that_would_fill_the_memory(tmp_path: Path) -> None:
    member = tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin")
    member.size = 10**12
    (tmp_path / "mine.tar").write_bytes(member.tobuf() + bytes(10_240))
    assert "expected 512 MB at most, found 1,000,000 MB" in refused(tmp_path / "mine.tar")


def test_rows_that_do_not_come_out_even(small_cifar10: SmallCifar10, tmp_path: Path) -> None:
    batch = small_cifar10.write_binary(tmp_path) / "data_batch_2.bin"
    batch.write_bytes(batch.read_bytes()[:-1])
    line = refused(batch.parent)
    assert "data_batch_2.bin: expected rows of 3073 bytes, found 61,459 bytes" in line


def test_a_label_above_nine(small_cifar10: SmallCifar10, tmp_path: Path) -> None:
    batch = small_cifar10.write_binary(tmp_path) / "test_batch.bin"
    batch.write_bytes(b"\x0a" + batch.read_bytes()[1:])
    assert "test_batch.bin: expected labels from 0 to 9, found 0 to 10" in refused(batch.parent)


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [1]}, "found int64 (1,) for 2 images"),
        (
            {"data": np.zeros((0, 3072), np.uint8), "labels": []},
            "one or more, found uint8 (0, 32, 32, 3)",
        ),
        (
            {"data": np.zeros((2, 3071), np.uint8), "labels": [1, 2]},
            "N×3072 and a list 'labels', found data: uint8 (2, 3071)",
        ),
        (
            {"data": np.zeros((2, 3072)), "labels": [1, 2]},
            "expected uint8 images (N, height, width, 3), one or more, found float64",
        ),
        (
            {"data": np.zeros((1, 3072), np.uint8), "labels": [-1]},
            "labels from 0 to 9, found -1 to -1",
        ),
        (
            {"data": np.zeros((1, 3072), np.uint8), "labels": ["cat"]},
            "one integer label per image, found <U3 (1,)",
        ),
        (
            {"data": np.zeros((1, 3072), np.uint8), "labels": [10**30]},
            "found object (1,) for 1 images",
        ),
        (
            {"data": np.zeros((1, 3072), np.uint8), "fine_labels": [1]},
            "(1, 3072), fine_labels: list",
        ),
        (
            {"data": np.zeros((2, 3072), np.uint8), "labels": [[0], [1, 2]]},
            "one integer label per image, found list",
        ),
        ({}, "found nothing"),
    ],
)
def test_pickled_batches_that_do_not_hold_together(
    small_cifar10: SmallCifar10, tmp_path: Path, batch: dict[str, Any], words: str
) -> None:
    folder = small_cifar10.write_python(tmp_path)
    (folder / "data_batch_1").write_bytes(pickle.dumps(batch, 4))
    line = refused(folder)
    assert line.startswith(f"{folder}: data_batch_1: ")
    assert words in line


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"y_test": None, "z": np.zeros(1)}, "found x_train, y_train, x_test, z"),
        ({"x_test": np.zeros((20, 3, 32, 32), np.uint8)}, "found uint8 (20, 3, 32, 32)"),
        ({"x_test": np.zeros((20, 32, 32, 3))}, "found float64"),
        ({"y_test": np.zeros((20, 10), np.int64)}, "one integer label per image, found int64 (20,"),
        ({"y_test": np.zeros(20)}, "one integer label per image, found float64"),
        ({"y_test": np.full(20, 10)}, "labels from 0 to 9, found 10 to 10"),
        ({"y_test": np.zeros(19, np.int64)}, "found int64 (19,) for 20 images"),
        ({"y_train": np.array([{}] * 100)}, "expected plain arrays of numbers"),
    ],
)
def test_npz_files_of_other_arrays(
    small_cifar10: SmallCifar10, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    assert words in refused(npz(tmp_path / "mine.npz", small_cifar10, **changes))


def test_a_damaged_npz(small_cifar10: SmallCifar10, tmp_path: Path) -> None:
    path = npz(tmp_path / "mine.npz", small_cifar10)
    damaged = bytearray(path.read_bytes())
    damaged[5_000] ^= 0xFF
    path.write_bytes(damaged)
    assert "damaged" in refused(path)
