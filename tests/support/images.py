"""A small CIFAR-10 in the layouts of the published one."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SmallCifar10:
    """Random images with balanced labels, to write in the layouts of CIFAR-10."""

    per_batch: int = 20

    @cached_property
    def images(self) -> NDArray[np.uint8]:
        """(6 × per_batch, 32, 32, 3); the last batch is the test split."""
        shape = (6 * self.per_batch, 32, 32, 3)
        return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """(6 × per_batch,)."""
        return np.arange(6 * self.per_batch) % 10

    def rows(self) -> Iterator[tuple[str, NDArray[np.uint8], NDArray[np.int64]]]:
        """Yield the name, the images as rows of planes, and the labels of each batch."""
        planes = self.images.transpose(0, 3, 1, 2).reshape(-1, 3072)
        for i in range(6):
            part = slice(i * self.per_batch, (i + 1) * self.per_batch)
            name = f"data_batch_{i + 1}" if i < 5 else "test_batch"
            yield name, planes[part].copy(), self.labels[part]

    def write_python(self, parent: Path) -> Path:
        """Write `parent/cifar-10-batches-py`; return that folder."""
        folder = parent / "cifar-10-batches-py"
        folder.mkdir(parents=True)
        for name, data, labels in self.rows():
            batch = {b"batch_label": b"", b"labels": labels.tolist(), b"data": data}
            (folder / name).write_bytes(pickle.dumps(batch, protocol=3))
        return folder

    def write_binary(self, parent: Path) -> Path:
        """Write `parent/cifar-10-batches-bin`; return that folder."""
        folder = parent / "cifar-10-batches-bin"
        folder.mkdir(parents=True)
        for name, data, labels in self.rows():
            rows = np.concatenate([labels[:, np.newaxis].astype(np.uint8), data], axis=1)
            (folder / f"{name}.bin").write_bytes(rows.tobytes())
        return folder
