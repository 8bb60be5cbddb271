"""Write one entry of the feature cache, invisible to others until it is complete."""

from __future__ import annotations

import errno
import os
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.common.locks import try_lock
from engine.features.file_format import Header, load_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

ENDING = ".part"


class FeatureWriter:
    """Appends rows to an entry; as a context manager it abandons what is not finished.

    Nothing is left on the disk after an error while writing or finishing.
    """

    def __init__(self, path: Path, header: Header) -> None:
        """Reserve the space of the whole entry beside `path`, where `finish` will put it.

        Raises:
            OSError: the folder cannot be written, or the disk is full.
        """
        self._path = path
        self._header = header
        descriptor, self._part = _locked_part(path)
        # Unbuffered, so that a full disk shows in the write and not again at the close.
        self._file = open(descriptor, "wb", buffering=0)  # noqa: SIM115
        self._tensors = header.tensors()
        self._checksums = [0] * len(self._tensors)
        self._rows = 0
        try:
            _reserve(descriptor, header.file_bytes)
            self._write_at(0, memoryview(header.line()))
        except BaseException:
            self.abandon()
            raise

    def write(self, arrays: Sequence[NDArray[Any]]) -> None:
        """Append rows: for each tensor an array (n, *shape), the same n for all.

        Raises:
            ValueError: the arrays are not of the entry's layouts, or too many.
            OSError: they could not be written; the writer is abandoned.
        """
        self._check(arrays)
        try:
            for i, (tensor, array) in enumerate(zip(self._tensors, arrays, strict=True)):
                data = _as_bytes(array)
                self._write_at(tensor.start + self._rows * tensor.layout.row_bytes, data)
                self._checksums[i] = zlib.crc32(data, self._checksums[i])
            self._rows += len(arrays[0])
        except BaseException:
            self.abandon()
            raise

    def finish(self) -> None:
        """Make the entry visible, unless another process has finished the same one by now.

        The writer cannot be used afterwards, whether it succeeds or not.

        Raises:
            ValueError: rows are missing.
            OSError: it could not be written.
        """
        try:
            if self._rows != self._header.rows:
                raise ValueError(f"expected {self._header.rows} rows, found fewer")
            checksums = self._header.pack(self._checksums)
            self._write_at(self._header.checksums_start, memoryview(checksums))
            os.fsync(self._file.fileno())
            other = load_index(self._path)
            header = self._header
            if other is None or not other.header.holds(header.layouts, header.rows):
                self._part.replace(self._path)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Remove what was written; does nothing after `finish`."""
        if not self._file.closed:
            # Before the lock is released with the file: no process should find it in between.
            self._part.unlink(missing_ok=True)
            self._file.close()

    def __enter__(self) -> FeatureWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self.abandon()

    def _check(self, arrays: Sequence[NDArray[Any]]) -> None:
        found = [(array.shape[1:], array.dtype.name) for array in arrays]
        counts = {len(array) for array in arrays}
        expected = [(layout.shape, layout.dtype) for layout in self._header.layouts]
        if found != expected or len(counts) != 1:
            raise ValueError(f"expected rows of {expected}, found {counts} of {found}")
        if self._rows + len(arrays[0]) > self._header.rows:
            raise ValueError(f"expected {self._header.rows} rows, found more")

    def _write_at(self, position: int, data: memoryview) -> None:
        self._file.seek(position)
        while len(data):
            data = data[self._file.write(data) :]


def remove_leftovers(folder: Path) -> int:
    """Remove the leftovers of writers whose process has ended; return their bytes.

    Raises:
        OSError: the folder cannot be written.
    """
    removed = 0
    for part in folder.glob("*" + ENDING):
        try:
            with part.open("r+b") as file:
                if try_lock(file.fileno(), where_unsupported=False):
                    size = os.fstat(file.fileno()).st_size
                    part.unlink()
                    removed += size
        except FileNotFoundError:
            continue
    return removed


def _locked_part(path: Path) -> tuple[int, Path]:
    while True:
        descriptor, name = tempfile.mkstemp(ENDING, path.stem + ".", path.parent)
        part = Path(name)
        if try_lock(descriptor) and part.exists():
            return descriptor, part
        # Another process took it for a leftover in the moment before it was locked.
        os.close(descriptor)


def _reserve(descriptor: int, size: int) -> None:
    """Reserve the space now, so that a full disk shows before the work is done."""
    try:
        if hasattr(os, "posix_fallocate"):  # macOS has none
            os.posix_fallocate(descriptor, 0, size)
            return
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
            raise
    os.truncate(descriptor, size)


def _as_bytes(array: NDArray[Any]) -> memoryview:
    import numpy as np

    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
