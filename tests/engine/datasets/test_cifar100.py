"""CIFAR-100 in its published layouts."""

from __future__ import annotations

import dataclasses
import hashlib
import pickle
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine.common.progress import ignore_progress
from engine.datasets.archives import CIFAR100
from engine.datasets.cifar import Cifar100
from engine.datasets.loading import load_dataset
from engine.datasets.published import Archive
from engine.errors import InputError
from tests.support.data_sets import check_dataset

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.support.loopback import LoopbackServer

IMAGES = np.random.default_rng(0).integers(0, 256, (220, 32, 32, 3), dtype=np.uint8)
FINE = np.arange(220) % 100
COARSE = FINE // 5
TRAIN, TEST = slice(0, 200), slice(200, 220)


def planes(part: slice) -> NDArray[np.uint8]:
    return IMAGES[part].transpose(0, 3, 1, 2).reshape(-1, 3072)


def write_python(parent: Path) -> Path:
    folder = parent / "cifar-100-python"
    folder.mkdir(parents=True)
    for name, part in (("train", TRAIN), ("test", TEST)):
        batch = {
            b"fine_labels": FINE[part].tolist(),
            b"coarse_labels": COARSE[part].tolist(),
            b"data": planes(part).copy(),
        }
        (folder / name).write_bytes(pickle.dumps(batch, protocol=3))
    (folder / "meta").write_bytes(pickle.dumps({b"fine_label_names": []}, protocol=3))
    return folder


def write_binary(parent: Path) -> Path:
    folder = parent / "cifar-100-binary"
    folder.mkdir(parents=True)
    for name, part in (("train.bin", TRAIN), ("test.bin", TEST)):
        labels = np.stack([COARSE[part], FINE[part]], axis=1).astype(np.uint8)
        (folder / name).write_bytes(np.concatenate([labels, planes(part)], axis=1).tobytes())
    return folder


def pack(folder: Path) -> Path:
    archive = folder.parent / f"{folder.name}-mine.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, folder.name)
    return archive


def test_every_layout_gives_the_same_images_and_the_fine_labels(tmp_path: Path) -> None:
    python, binary = write_python(tmp_path), write_binary(tmp_path)
    arrays = tmp_path / "mine.npz"
    np.savez(
        arrays, x_train=IMAGES[TRAIN], y_train=FINE[TRAIN], x_test=IMAGES[TEST], y_test=FINE[TEST]
    )
    paths = [python, binary, tmp_path, pack(python), pack(binary), arrays]
    prints = set()
    for path in paths:
        assert check_dataset("cifar100", str(path)) == str(path)
        dataset = load_dataset("cifar100", str(path), ignore_progress)
        assert np.array_equal(dataset.train_images, IMAGES[TRAIN])
        assert np.array_equal(dataset.test_images, IMAGES[TEST])
        assert dataset.train_labels.tolist() == FINE[TRAIN].tolist()
        assert dataset.test_labels.tolist() == FINE[TEST].tolist()
        assert len(dataset.class_names) == 100
        prints.add(dataset.fingerprint)
    assert len(prints) == 1
    assert (CIFAR100.class_names[0], CIFAR100.class_names[-1]) == ("apple", "worm")
    assert sorted(set(CIFAR100.class_names)) == list(CIFAR100.class_names)


def test_the_other_data_set_is_not_taken_for_it(tmp_path: Path) -> None:
    folder = write_binary(tmp_path)
    with pytest.raises(InputError, match="expected the CIFAR-10 batches data_batch_1 to"):
        load_dataset("cifar10", str(folder), ignore_progress)
    (folder / "test.bin").unlink()
    with pytest.raises(
        InputError, match=r"train\.bin and test\.bin \(or \.bin\), found all but test\.bin"
    ):
        load_dataset("cifar100", str(folder), ignore_progress)


def test_it_is_downloaded_where_it_is_nowhere(
    tmp_path: Path, loopback: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert check_dataset("cifar100", None) == "to download: 169 MB"
    content = pack(write_binary(tmp_path / "published")).read_bytes()
    md5 = hashlib.md5(content).hexdigest()
    url = loopback.serve("/archive", content)
    archive = Archive(url, CIFAR100.archives[0].file, f"md5:{md5}", len(content))
    small = dataclasses.replace(CIFAR100, archives=(archive, CIFAR100.archives[1]))
    monkeypatch.setattr(Cifar100, "published", small)
    told: list[str] = []
    for _ in range(2):
        dataset = load_dataset("cifar100", None, ignore_progress, told.append)
        assert np.array_equal(dataset.train_images, IMAGES[TRAIN])
    assert loopback.requests == ["/archive"]
    assert told[0].startswith("CIFAR-100, 1 MB from 127.0.0.1")
