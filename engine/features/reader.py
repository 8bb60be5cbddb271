"""Read an entry of the feature cache, checked block by block."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from engine.features.file_format import BrokenEntryError, Index, Layout, read_index, remove_quietly

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class StoredFeatures:
    """An entry that claims to be the requested one; reading it shows whether it is intact."""

    path: Path
    layouts: tuple[Layout, ...]
    rows: int

    def read(self, arrays: Sequence[NDArray[Any]] | None = None) -> list[NDArray[Any]] | None:
        """Return the tensors (rows, *shape) after checking all of them.

        None if the entry is missing, or differs from what was written and is now removed.

        Args:
            arrays: where they go, C-contiguous, one per tensor; they hold anything where None is
                returned. None returns read-only memory maps, valid even when it is evicted.

        Raises:
            ValueError: the arrays are not of the entry's layouts.
        """
        import numpy as np

        if arrays is not None:
            self._check(arrays)
        with self._removed_if_broken(), self.path.open("rb") as file:
            index = self._index(file)
            if arrays is not None:
                index.read(file, [array.reshape(-1).view(np.uint8).data for array in arrays])
                return list(arrays)
            index.read(file)
            return [
                np.memmap(file, tensor.layout.dtype, "r", tensor.start, (self.rows, *layout.shape))
                for tensor, layout in zip(index.header.tensors(), self.layouts, strict=True)
            ]
        return None

    @contextmanager
    def _removed_if_broken(self) -> Iterator[None]:
        try:
            yield
        except BrokenEntryError:
            remove_quietly(self.path)
        except OSError as error:
            # A block that the disk cannot read; a shortage of memory or of files is no sign of it.
            if error.errno == errno.EIO:
                remove_quietly(self.path)

    def _index(self, file: BinaryIO) -> Index:
        """Read the index again: another process may have replaced the entry since it was found."""
        index = read_index(file)
        if index is None or not index.header.holds(self.layouts, self.rows):
            raise FileNotFoundError(errno.ENOENT, "replaced by another entry", str(self.path))
        return index

    def _check(self, arrays: Sequence[NDArray[Any]]) -> None:
        found = [(array.shape, array.dtype.name) for array in arrays]
        expected = [((self.rows, *layout.shape), layout.dtype) for layout in self.layouts]
        if found != expected or not all(array.flags.c_contiguous for array in arrays):
            raise ValueError(f"expected contiguous arrays of {expected}, found {found}")
