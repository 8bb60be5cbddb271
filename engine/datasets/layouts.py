"""The forms of CIFAR-10 and CIFAR-100 on disk: archive, extracted folder, `.npz`."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engine.common.progress import Progress
from engine.datasets.archives import CifarSet
from engine.datasets.batches import IMAGE_BYTES, Batch, checked, missing_batches, read_batches
from engine.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_IMAGES = 60_000
"""Number of training and test images of each data set."""
MAX_NPZ_BYTES = 512_000_000
"""Most bytes uncompressed: twice the 60,000 images with room for wide labels."""
_NPZ_KEYS = ("x_train", "y_train", "x_test", "y_test")
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError)


@dataclass(frozen=True, slots=True)
class Layout:
    """A form and its path."""

    kind: Literal["archive", "folder", "npz"]
    path: Path
    cifar: CifarSet


def find_layout(path: Path, cifar: CifarSet) -> Layout:
    """Return the form of what is at a path, by names and headers alone.

    Raises:
        InputError: nothing, or nothing that could be this data set.
    """
    try:
        if path.is_dir():
            return Layout("folder", _batches_folder(path, cifar), cifar)
        if path.is_file():
            return _file_layout(path, cifar)
        found = "no such file or folder" if not path.exists() else "neither file nor folder"
    except OSError as error:
        raise _unreadable(path, error, cifar) from error
    raise InputError(f"{path}: expected {_expected(cifar)}, found {found}; check the path")


def read_layout(layout: Layout, progress: Progress) -> tuple[Batch, Batch]:
    """Return the training and the test images.

    Raises:
        InputError: truncated, incomplete or of the wrong sizes.
    """
    path, cifar = layout.path, layout.cifar
    try:
        if layout.kind == "npz":
            return _read_npz(path, cifar)
        list_files = _folder_files if layout.kind == "folder" else _archive_files
        *train, test = read_batches(list_files(path, cifar), str(path), progress, cifar)
    except _DAMAGED as error:
        raise InputError(
            f"{path}: expected a whole archive, found a truncated or damaged one ({error}); "
            "get it again"
        ) from error
    except OSError as error:
        raise _unreadable(path, error, cifar) from error
    return _joined(train), _joined([test])


def _file_layout(path: Path, cifar: CifarSet) -> Layout:
    if path.suffix == ".npz" or zipfile.is_zipfile(path):
        if not zipfile.is_zipfile(path):
            raise InputError(
                f"{path}: expected an .npz, found a truncated or damaged one; get it again"
            )
        return Layout("npz", path, cifar)
    try:
        with tarfile.open(path) as tar:
            tar.next()
    except _DAMAGED as error:
        raise InputError(
            f"{path}: expected {_expected(cifar)}, found a file of "
            f"{path.stat().st_size:,} bytes that is none of them or is truncated; get it again"
        ) from error
    return Layout("archive", path, cifar)


def _batches_folder(path: Path, cifar: CifarSet) -> Path:
    best: set[str] = set()
    for folder in (path, *(path / name for name in cifar.folders)):
        if not folder.is_dir():
            continue
        names = {entry.name for entry in folder.iterdir()}
        if names >= set(cifar.binary_batches) or names >= set(cifar.python_batches):
            return folder
        best = max(best, names & cifar.batch_names, key=len)
    if not any(path.iterdir()):
        raise InputError(
            f"{path}: expected {_expected(cifar)}, found an empty folder; check the path"
        )
    raise InputError(f"{path}: {missing_batches(best, cifar)}")


def _folder_files(path: Path, cifar: CifarSet) -> Iterator[tuple[str, bytes]]:
    names = {entry.name for entry in path.iterdir()}
    binary = cifar.binary_batches
    complete = binary if names >= set(binary) else cifar.python_batches
    for name in complete:
        _check_size(f"{path}: {name}", (path / name).stat().st_size, _most_bytes(cifar))
        yield name, (path / name).read_bytes()


def _archive_files(path: Path, cifar: CifarSet) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path) as tar:
        for member in tar:
            _check_size(f"{path}: {member.name}", member.size, _most_bytes(cifar))
            name = member.name.rpartition("/")[2]
            wanted = member.isfile() and name in cifar.batch_names
            file = tar.extractfile(member) if wanted else None
            if file is not None:
                yield name, file.read()
        # the checksum comes after the end of the tar, where tarfile does not look
        while tar.fileobj is not None and tar.fileobj.read(1 << 20):
            pass


def _read_npz(path: Path, cifar: CifarSet) -> tuple[Batch, Batch]:
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
        checked(x_train, _flat(y_train), f"{path}: x_train, y_train", cifar),
        checked(x_test, _flat(y_test), f"{path}: x_test, y_test", cifar),
    )


def _flat(labels: NDArray[Any]) -> NDArray[Any]:
    """Return labels as (N,): Keras keeps them as a column."""
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


def _expected(cifar: CifarSet) -> str:
    return f"a {cifar.title} archive (.tar.gz), its extracted folder or an .npz"


def _most_bytes(cifar: CifarSet) -> int:
    """Return the most bytes of a batch, with extra room: CIFAR-100 has one for all training."""
    return 2 * _IMAGES // len(cifar.python_batches) * (IMAGE_BYTES + 100)


def _unreadable(path: Path, error: OSError, cifar: CifarSet) -> InputError:
    return InputError(
        f"{path}: expected {_expected(cifar)}, found something that cannot be read "
        f"({error.strerror or error}); check the path and its permissions"
    )
