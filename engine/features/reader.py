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
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class StoredFeatures:
    """An entry that claims to be the requested one; reading it shows whether it is intact."""

    path: Path
    layouts: tuple[Layout, ...]
    rows: int

    def read_into(self, arrays: Sequence[NDArray[Any]]) -> bool:
        """Fill arrays (rows, *shape), C-contiguous, one per tensor.

        Returns False if the entry is missing, or differs from what was written and is now removed;
        the arrays then hold anything.

        Raises:
            ValueError: the arrays are not of the entry's layouts.
        """
        targets = [self._target(i, array) for i, array in enumerate(arrays)]
        if len(targets) != len(self.layouts):
            raise ValueError(f"expected {len(self.layouts)} arrays, found {len(targets)}")
        with self._removed_if_broken(), self.path.open("rb") as file:
            self._index(file).read(file, targets)
            return True
        return False

    def map(self) -> list[np.memmap[Any, Any]] | None:
        """Return read-only memory maps (rows, *shape), one per tensor, after checking all of it.

        They stay valid when the entry is evicted. None if it is missing, or differs from what was
        written and is now removed.
        """
        import numpy as np

        with self._removed_if_broken(), self.path.open("rb") as file:
            index = self._index(file)
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

    def _target(self, i: int, array: NDArray[Any]) -> memoryview:
        import numpy as np

        layout = self.layouts[i]
        fits = array.shape == (self.rows, *layout.shape) and array.dtype == layout.dtype
        if not fits or not array.flags.c_contiguous:
            raise ValueError(f"expected {self.rows} contiguous rows of {layout}, found other ones")
        return array.reshape(-1).view(np.uint8).data
