"""The forms in which CIFAR-10 lies on disk: archive, extracted folder, `.npz`."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engine.datasets.batches import (
    BATCH_NAMES,
    BINARY_BATCHES,
    PYTHON_BATCHES,
    Batch,
    checked,
    missing_batches,
    read_batches,
)
from engine.errors import InputError
from engine.progress import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_BATCH_BYTES = 64_000_000
"""Twice an official batch of 10,000 images."""
MAX_NPZ_BYTES = 512_000_000
"""Uncompressed, twice the 60,000 images with room for wide labels."""
FOLDERS = (
    "cifar-10-batches-bin",
    "cifar-10-batches-py",
    "cifar-10-batches-py-target/cifar-10-batches-py",
)
"""Where the archives and Keras put the batches; the version without pickles first."""
_EXPECTED = "a CIFAR-10 archive (.tar.gz), its extracted folder or an .npz"
_NPZ_KEYS = ("x_train", "y_train", "x_test", "y_test")
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError)


@dataclass(frozen=True, slots=True)
class Layout:
    """A form and where it lies."""

    kind: Literal["archive", "folder", "npz"]
    path: Path


def find_layout(path: Path) -> Layout:
    """What lies at a path, told from names and headers alone.

    Raises:
        InputError: nothing, or nothing that could be CIFAR-10.
    """
    try:
        if path.is_dir():
            return Layout("folder", _batches_folder(path))
        if path.is_file():
            return _file_layout(path)
        found = "no such file or folder" if not path.exists() else "neither file nor folder"
    except OSError as error:
        raise _unreadable(path, error) from error
    raise InputError(f"{path}: expected {_EXPECTED}, found {found}; check the path")


def read_layout(layout: Layout, progress: Progress) -> tuple[Batch, Batch]:
    """The training and the test images.

    Raises:
        InputError: truncated, incomplete or of the wrong sizes.
    """
    path = layout.path
    try:
        if layout.kind == "npz":
            return _read_npz(path)
        files = _folder_files(path) if layout.kind == "folder" else _archive_files(path)
        *train, test = read_batches(files, str(path), progress)
    except _DAMAGED as error:
        raise InputError(
            f"{path}: expected a whole archive, found a truncated or damaged one ({error}); "
            "get it again"
        ) from error
    except OSError as error:
        raise _unreadable(path, error) from error
    return _joined(train), _joined([test])


def _file_layout(path: Path) -> Layout:
    if path.suffix == ".npz" or zipfile.is_zipfile(path):
        if not zipfile.is_zipfile(path):
            raise InputError(
                f"{path}: expected an .npz, found a truncated or damaged one; get it again"
            )
        return Layout("npz", path)
    try:
        with tarfile.open(path) as tar:
            tar.next()
    except _DAMAGED as error:
        raise InputError(
            f"{path}: expected {_EXPECTED}, found a file of {path.stat().st_size:,} bytes that is "
            "none of them or is cut short; get it again"
        ) from error
    return Layout("archive", path)


def _batches_folder(path: Path) -> Path:
    best: set[str] = set()
    for folder in (path, *(path / name for name in FOLDERS)):
        if not folder.is_dir():
            continue
        names = {entry.name for entry in folder.iterdir()}
        if names >= set(BINARY_BATCHES) or names >= set(PYTHON_BATCHES):
            return folder
        best = max(best, names & BATCH_NAMES, key=len)
    if not any(path.iterdir()):
        raise InputError(f"{path}: expected {_EXPECTED}, found an empty folder; check the path")
    raise InputError(f"{path}: {missing_batches(best)}")


def _folder_files(path: Path) -> Iterator[tuple[str, bytes]]:
    names = {entry.name for entry in path.iterdir()}
    complete = BINARY_BATCHES if names >= set(BINARY_BATCHES) else PYTHON_BATCHES
    for name in complete:
        _check_size(f"{path}: {name}", (path / name).stat().st_size, MAX_BATCH_BYTES)
        yield name, (path / name).read_bytes()


def _archive_files(path: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path) as tar:
        for member in tar:
            _check_size(f"{path}: {member.name}", member.size, MAX_BATCH_BYTES)
            name = member.name.rpartition("/")[2]
            file = tar.extractfile(member) if member.isfile() and name in BATCH_NAMES else None
            if file is not None:
                yield name, file.read()
        # the checksum stands behind the end of the tar, where tarfile does not look
        while tar.fileobj is not None and tar.fileobj.read(1 << 20):
            pass


def _read_npz(path: Path) -> tuple[Batch, Batch]:
    import numpy as np

    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    _check_size(str(path), size, MAX_NPZ_BYTES)
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = [key for key in _NPZ_KEYS if key not in archive]
            if missing:
                raise InputError(
                    f"{path}: expected the arrays {', '.join(_NPZ_KEYS)}, "
                    f"found {', '.join(archive.files)[:80] or 'none'}; save them under these names"
                )
            arrays = [np.asarray(archive[key]) for key in _NPZ_KEYS]
    except (ValueError, RuntimeError, MemoryError) as error:  # objects, encryption, false headers
        raise InputError(
            f"{path}: expected plain arrays of numbers, found others ({error}); "
            "save uint8 images and integer labels"
        ) from error
    x_train, y_train, x_test, y_test = arrays
    return (
        checked(x_train, _flat(y_train), f"{path}: x_train, y_train"),
        checked(x_test, _flat(y_test), f"{path}: x_test, y_test"),
    )


def _flat(labels: NDArray[Any]) -> NDArray[Any]:
    """Keras keeps labels as a column."""
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels


def _joined(batches: list[Batch]) -> Batch:
    import numpy as np

    images, labels = zip(*batches, strict=True)
    return Batch(np.concatenate(images), np.concatenate(labels))


def _check_size(where: str, size: int, limit: int) -> None:
    if size > limit:
        raise InputError(
            f"{where}: expected {limit // 10**6} MB at most, found {size / 1e6:,.0f} MB; "
            "get the data from their official place"
        )


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path}: expected {_EXPECTED}, found something that cannot be read "
        f"({error.strerror or error}); check the path and its permissions"
    )
