"""The file of one cache entry: a header, tensors, a checksum for each of them.

The first line is JSON (`Header`, padded with spaces to a multiple of 64 bytes). Then the tensors
one after the other, each row-major and starting at a multiple of 64 bytes. Then CRC-32 values as
little-endian uint32: one for each tensor, and last one over the first line and those.
All sizes follow from the first line: a truncated file is recognized without being read.
"""

from __future__ import annotations

import json
import math
import os
import struct
import time
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from engine.common.codec import from_plain, to_plain
from engine.errors import InputError

BLOCK_BYTES = 1 << 20
"""Small enough to stay in a processor's cache between reading and checking."""
_ALIGNMENT = 64
_FORMAT = {"format": "cifar-tui features 2"}
_MARK = json.dumps(_FORMAT)[:-1].encode()


class BrokenEntryError(Exception):
    """A file of this format that is truncated or altered."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of one row of a tensor."""

    shape: tuple[int, ...]
    dtype: str
    """NumPy's name of its dtype, such as `float32` or `uint16`."""

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        import numpy as np

        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True, slots=True)
class Tensor:
    """The place of one tensor in the file."""

    layout: Layout
    start: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Header:
    """The content of the first line."""

    layouts: tuple[Layout, ...]
    rows: int
    about: dict[str, str | int]
    created: float = field(default_factory=time.time)
    """Unix seconds."""

    def __post_init__(self) -> None:
        sizes = [self.rows, *(layout.row_bytes for layout in self.layouts)]
        if min(sizes) < 1 or not self.layouts:
            raise ValueError(f"expected rows that hold something, found {self.rows} {self.layouts}")

    def holds(self, layouts: Sequence[Layout], rows: int) -> bool:
        """Return whether the entry has exactly these layouts and rows."""
        return (self.layouts, self.rows) == (tuple(layouts), rows)

    def line(self) -> bytes:
        """Return the first line, its newline included."""
        text = json.dumps(_FORMAT | to_plain(self)).encode()
        return text.ljust(_aligned(len(text) + 1) - 1) + b"\n"

    def tensors(self) -> list[Tensor]:
        """Return the place of each tensor."""
        found, start = [], len(self.line())
        for layout in self.layouts:
            tensor = Tensor(layout, start, self.rows * layout.row_bytes)
            found.append(tensor)
            start = _aligned(start + tensor.bytes)
        return found

    @property
    def checksums_start(self) -> int:
        """Where the checksums begin."""
        last = self.tensors()[-1]
        return _aligned(last.start + last.bytes)

    @property
    def file_bytes(self) -> int:
        """Bytes of the whole file."""
        return self.checksums_start + 4 * (len(self.layouts) + 1)

    def pack(self, checksums: Sequence[int]) -> bytes:
        """Return the end of the file, for the checksum of each tensor."""
        packed = struct.pack(f"<{len(checksums)}I", *checksums)
        return packed + struct.pack("<I", zlib.crc32(packed, zlib.crc32(self.line())))


@dataclass(frozen=True, slots=True)
class Index:
    """All of a file except its tensors."""

    header: Header
    checksums: tuple[int, ...]

    def read(self, file: BinaryIO, targets: list[memoryview] | None = None) -> None:
        """Read every tensor, into `targets` (bytes) or only to check it.

        Raises:
            BrokenEntryError: a tensor is not what was written.
        """
        scratch = memoryview(bytearray(BLOCK_BYTES))
        for i, (tensor, written) in enumerate(
            zip(self.header.tensors(), self.checksums, strict=True)
        ):
            file.seek(tensor.start)
            found = 0
            for start in range(0, tensor.bytes, BLOCK_BYTES):
                size = min(BLOCK_BYTES, tensor.bytes - start)
                block = targets[i][start : start + size] if targets else scratch[:size]
                file.readinto(block)  # type: ignore[attr-defined]
                found = zlib.crc32(block, found)
            if found != written:
                raise BrokenEntryError(f"tensor {i}")


def read_index(file: BinaryIO) -> Index | None:
    """Read all but the tensors; None if the file is of another format.

    Raises:
        BrokenEntryError: it is of this format, and truncated or altered.
    """
    line = file.readline(1 << 20)
    if not line.startswith(_MARK):
        if _MARK.startswith(line):
            raise BrokenEntryError("cut short in its first line")
        return None
    try:
        header: Header = from_plain(Header, json.loads(line), "header")
    except (ValueError, TypeError, InputError) as error:
        raise BrokenEntryError(str(error)) from None
    size = os.fstat(file.fileno()).st_size
    if header.file_bytes != size:
        raise BrokenEntryError(f"expected {header.file_bytes} bytes, found {size}")
    file.seek(header.checksums_start)
    packed = file.read()
    (*checksums, own) = struct.unpack(f"<{len(packed) // 4}I", packed)
    if zlib.crc32(packed[:-4], zlib.crc32(line)) != own:
        raise BrokenEntryError("its header or its checksums were altered")
    return Index(header, tuple(checksums))


def load_index(path: Path) -> Index | None:
    """Return the index of the file; None if it is missing, unreadable, broken or in another format.

    A broken one is removed.
    """
    try:
        with path.open("rb") as file:
            return read_index(file)
    except BrokenEntryError:
        remove_quietly(path)
    except OSError:
        pass
    return None


def remove_quietly(path: Path) -> None:
    """Remove a useless entry; it stays if the folder cannot be written."""
    with suppress(OSError):
        path.unlink()


def _aligned(position: int) -> int:
    return -(-position // _ALIGNMENT) * _ALIGNMENT
