"""The forms of CIFAR-10 and CIFAR-100 on disk: archive, extracted folder, `.npz`."""

from __future__ import annotations

import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.common.progress import Progress
from engine.datasets.archives import CifarSet
from engine.datasets.dataset import kind_of, wrong_arrays
from engine.datasets.unpickle import load_plain
from engine.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE = 32
"""Pixels."""
_PLANES = 3 * SIDE * SIDE
"""Bytes of the red, the green and the blue plane of an image."""
MAX_BYTES = 512_000_000
"""Most bytes uncompressed: twice the 60,000 images with room for wide labels."""
_NPZ_KEYS = ("x_train", "y_train", "x_test", "y_test")
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError)
_AGAIN = "get it again"


class Batch(NamedTuple):
    """Images and labels that belong together."""

    images: NDArray[np.uint8]
    """(N, 32, 32, 3)."""
    labels: NDArray[np.int64]
    """(N,)."""


def find_layout(path: Path, cifar: CifarSet) -> Path:
    """Return the archive, the `.npz` or the folder of the batches at a path, by headers alone.

    Raises:
        InputError: nothing, or nothing that could be this data set.
    """
    with _told(path, cifar):
        if path.is_dir():
            return _batches_folder(path, cifar)
        if not path.is_file():
            found = "neither file nor folder" if path.exists() else "no such file or folder"
            raise InputError(path, _expected(cifar), found, "check the path")
        if zipfile.is_zipfile(path):
            return path
        with tarfile.open(path) as tar:
            tar.next()
        return path


def read_layout(path: Path, progress: Progress, cifar: CifarSet) -> tuple[Batch, Batch]:
    """Return the training and the test images.

    Args:
        path: from `find_layout`.
        progress: called with the number of images read.
        cifar: the data set.

    Raises:
        InputError: truncated, incomplete or of the wrong sizes.
    """
    import numpy as np

    with _told(path, cifar):
        if path.is_file() and zipfile.is_zipfile(path):
            return _read_npz(path, cifar)
        files = _folder_files(path, cifar) if path.is_dir() else _archive_files(path, cifar)
        *train, test = _read_batches(files, path, progress, cifar)
        return Batch(*map(np.concatenate, zip(*train, strict=True))), test


@contextmanager
def _told(path: Path, cifar: CifarSet) -> Iterator[None]:
    """Turn what is raised by reading a damaged file, or none, into one line."""
    try:
        yield
    except _DAMAGED as error:
        found = f"a truncated, damaged or other file of {path.stat().st_size:,} bytes"
        raise InputError(path, _expected(cifar), found, _AGAIN) from error
    except OSError as error:
        found = f"something that cannot be read ({error.strerror or error})"
        hint = "check the path and its permissions"
        raise InputError(path, _expected(cifar), found, hint) from error


def _expected(cifar: CifarSet) -> str:
    return f"a {cifar.title} archive (.tar.gz), its extracted folder or an .npz"


def _batches_folder(path: Path, cifar: CifarSet) -> Path:
    best: set[str] = set()
    for folder in (path, *(path / name for name in cifar.folders)):
        if folder.is_dir():
            names = {*os.listdir(folder)}
            if cifar.complete(names):
                return folder
            best = max(best, names & cifar.batch_names, key=len)
    if not any(path.iterdir()):
        raise InputError(path, _expected(cifar), "an empty folder", "check the path")
    raise _incomplete(path, best, cifar)


def _incomplete(path: Path, found: Iterable[str], cifar: CifarSet) -> InputError:
    """Return what to say of batches of which some are missing in either version."""
    present = cifar.batch_names.intersection(found)
    names = cifar.binary_batches if present & {*cifar.binary_batches} else cifar.python_batches
    missing = ", ".join(name for name in names if name not in present)
    *training, test = names
    words = " to ".join(dict.fromkeys((training[0], training[-1])))
    return InputError(
        path,
        f"the {cifar.title} batches {words} and {test} (or .bin)",
        f"all but {missing}" if present else "none of them",
        "name the official archive, its extracted folder or an .npz",
    )


def _folder_files(path: Path, cifar: CifarSet) -> Iterator[tuple[str, bytes]]:
    files = [path / name for name in cifar.complete(os.listdir(path))]
    _check_size(path, sum(file.stat().st_size for file in files))
    for file in files:
        yield file.name, file.read_bytes()


def _archive_files(path: Path, cifar: CifarSet) -> Iterator[tuple[str, bytes]]:
    size = 0
    with tarfile.open(path) as tar:
        for member in tar:
            _check_size(path, size := size + member.size)
            name = member.name.rpartition("/")[2]
            wanted = member.isfile() and name in cifar.batch_names
            file = tar.extractfile(member) if wanted else None
            if file is not None:
                yield name, file.read()
        # the checksum comes after the end of the tar, where tarfile does not look
        while tar.fileobj is not None and tar.fileobj.read(1 << 20):
            pass


def _check_size(path: Path, size: int) -> None:
    if size > MAX_BYTES:
        expected, found = f"{MAX_BYTES // 10**6} MB at most", f"{size / 1e6:,.0f} MB"
        raise InputError(path, expected, found, "get the data from their official place")


def _read_npz(path: Path, cifar: CifarSet) -> tuple[Batch, Batch]:
    import numpy as np

    with zipfile.ZipFile(path) as archive:
        _check_size(path, sum(member.file_size for member in archive.infolist()))
    try:
        with np.load(path, allow_pickle=False) as archive:
            if any(key not in archive for key in _NPZ_KEYS):
                raise InputError(
                    path,
                    f"the arrays {', '.join(_NPZ_KEYS)}",
                    ", ".join(archive.files)[:80] or "none",
                    "save them under these names",
                )
            x_train, y_train, x_test, y_test = (np.asarray(archive[key]) for key in _NPZ_KEYS)
    except (ValueError, RuntimeError, MemoryError) as error:  # objects, encryption, false headers
        hint = "save uint8 images and integer labels"
        raise InputError(path, "plain arrays of numbers", f"others ({error})", hint) from error
    return (
        _checked(x_train, y_train, f"{path}: x_train, y_train", cifar),
        _checked(x_test, y_test, f"{path}: x_test, y_test", cifar),
    )


def _read_batches(
    files: Iterable[tuple[str, bytes]], path: Path, progress: Progress, cifar: CifarSet
) -> list[Batch]:
    """Return all batches, training first, of whichever version is complete.

    Args:
        files: names of the data set's batches and their bytes, in any order.
        path: of their archive or folder, for errors.
        progress: called with the number of images read.
        cifar: the data set.

    Raises:
        InputError: a batch is missing or not what it should be.
    """
    batches: dict[str, Batch] = {}
    images = 0
    for name, data in files:
        parse = _parse_binary if name in cifar.binary_batches else _parse_python
        batches[name] = parse(data, f"{path}: {name}", cifar)
        images += len(batches[name].labels)
        progress(images, None, "images")
    if names := cifar.complete(batches):
        return [batches[name] for name in names]
    raise _incomplete(path, batches, cifar)


def _parse_binary(data: bytes, where: str, cifar: CifarSet) -> Batch:
    import numpy as np

    row_bytes = cifar.label_bytes + _PLANES
    if len(data) % row_bytes:
        expected, found = f"rows of {row_bytes} bytes", f"{len(data):,} bytes"
        raise InputError(
            "", expected, f"{found}, which is not a whole number of rows", _AGAIN, where
        )
    rows = np.frombuffer(data, np.uint8).reshape(-1, row_bytes)
    planes, labels = rows[:, cifar.label_bytes :], rows[:, cifar.label_bytes - 1]
    return _checked(_channels_last(planes), labels, where, cifar)


def _parse_python(data: bytes, where: str, cifar: CifarSet) -> Batch:
    import numpy as np

    batch = load_plain(data, where)
    planes: Any = batch.get("data")
    labels: Any = batch.get(cifar.label_key)
    is_array = isinstance(planes, np.ndarray) and planes.shape[1:] == (_PLANES,)
    if not is_array or cifar.label_key not in batch:
        found = ", ".join(f"{key}: {kind_of(value)}" for key, value in sorted(batch.items()))
        expected = f"an array 'data' of N×{_PLANES} and a list '{cifar.label_key}'"
        raise InputError("", expected, found[:100] or "nothing", _published(cifar), where)
    with suppress(ValueError):  # lists of several lengths
        labels = np.asarray(labels)
    return _checked(_channels_last(planes), labels, where, cifar)


def _channels_last(planes: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    images = np.empty((len(planes), SIDE * SIDE, 3), planes.dtype)
    for channel, plane in enumerate(np.split(planes, 3, axis=1)):
        images[..., channel] = plane  # twice as fast as one copy of the transposed array
    return images.reshape(-1, SIDE, SIDE, 3)


def _checked(images: NDArray[Any], labels: Any, where: str, cifar: CifarSet) -> Batch:
    """Return images and labels of one split or batch, after checking them."""
    import numpy as np

    if isinstance(labels, np.ndarray) and labels.shape[1:] == (1,):  # Keras keeps them as a column
        labels = labels[:, 0]
    expected, found = wrong_arrays(images, labels, len(cifar.class_names))
    if not expected and images.shape[1:3] != (SIDE, SIDE):
        expected, found = f"images of {SIDE}×{SIDE}", kind_of(images)
    if expected:
        raise InputError("", expected, found, _published(cifar), where)
    return Batch(images, labels.astype(np.int64))


def _published(cifar: CifarSet) -> str:
    return f"use {cifar.title} as published"
