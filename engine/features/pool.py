"""Features that are held: of a cut, for a pool of images, in memory or memory-mapped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from engine.features.file_format import Layout

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Pool:
    """Images whose features are computed and kept together, however a run splits them."""

    name: Literal["train", "test"]
    images: NDArray[np.uint8]
    """(n, height, width, 3)."""
    labels: NDArray[np.int64]
    views: int
    """Views of each image, the image itself included."""
    fingerprint: str
    """Hash of the images."""
    flip: bool = False
    """Whether its odd views are mirrored; see `engine.datasets.augmentation`."""

    @property
    def rows(self) -> int:
        """Images times views: row `view * images + image`."""
        return len(self.images) * self.views


@dataclass(eq=False)
class Features:
    """The cut tensors of all views of the images of some pools."""

    cut: tuple[Any, ...]
    """The network's tensors (KerasTensor) whose values they are."""
    prefix: frozenset[str]
    """The operations before the cut, all frozen."""
    layouts: tuple[Layout, ...]
    dtypes: tuple[str, ...]
    """Dtypes in which the network computes; bfloat16 is held as uint16."""
    held: Literal["memory", "disk"]
    views: dict[str, list[list[Any]]] = field(default_factory=dict)
    """By pool: the arrays of each view, one (images, ...) per tensor."""
    whole: dict[str, list[Any]] = field(default_factory=dict)
    """By pool, in memory only: the same over all views, (rows, ...)."""

    @property
    def bytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for views in self.views.values() for v in views for array in v)

    def take(self, pool: str, rows: NDArray[np.int64]) -> list[Any]:
        """Return the features of some rows of a pool, in any of its views."""
        import numpy as np

        views = self.views[pool]
        if len(views) == 1:
            return [array[rows] for array in views[0]]
        images = len(views[0][0])
        found = [np.empty((len(rows), *array.shape[1:]), array.dtype) for array in views[0]]
        for number, arrays in enumerate(views):
            chosen = np.flatnonzero(rows // images == number)
            for target, array in zip(found, arrays, strict=True):
                target[chosen] = array[rows[chosen] - number * images]
        return found


def layouts_of(cut: Sequence[Any]) -> tuple[tuple[Layout, ...], tuple[str, ...]]:
    """Return the cut tensors' layouts on disk, and their dtypes in the network."""
    dtypes = tuple(str(tensor.dtype) for tensor in cut)
    layouts = tuple(
        Layout(tuple(tensor.shape[1:]), "uint16" if dtype == "bfloat16" else dtype)
        for tensor, dtype in zip(cut, dtypes, strict=True)
    )
    return layouts, dtypes
