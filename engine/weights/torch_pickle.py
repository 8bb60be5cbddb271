"""Reads the tensors of a legacy PyTorch weights file without PyTorch, and without running it.

The file is five pickles (magic number, protocol, system, the tensors by name, the storage keys),
then for each key in that order an int64 count and that many little-endian numbers.
"""

from __future__ import annotations

import math
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from engine.errors import InputError

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
_DTYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "|i1",
    "ByteStorage": "|u1",
}


class _Unreadable(Exception):
    """What is wrong with the file, in a phrase."""


# Named tuples: a pickle can write into the attributes of nearly any other object, past its checks.
class _Storage(NamedTuple):
    key: str
    dtype: str
    size: int


class _Recipe(NamedTuple):
    """How to cut one tensor out of its storage; sizes and strides in elements."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Return the tensors of a legacy PyTorch file by name, in its order.

    Raises:
        InputError: not such a file, truncated, altered, or one that names anything but tensors.
    """
    try:
        with path.open("rb") as file:
            return _read(file, path.stat().st_size)
    except (OSError, ValueError, OverflowError, _Unreadable) as error:
        reason = "cut short or altered"
        if isinstance(error, _Unreadable):
            reason = str(error)
        elif isinstance(error, OSError):
            reason = error.strerror or "unreadable"
        raise InputError(
            f"expected a legacy PyTorch weights file, found {path}: {reason}; "
            "fetch the file again or give another one"
        ) from error


def _read(file: BinaryIO, size: int) -> dict[str, np.ndarray]:
    if file.read(2) == b"PK":
        raise _Unreadable("a zip archive, which newer versions of PyTorch write")
    file.seek(0)
    if _load(file) != MAGIC or _load(file) != PROTOCOL:
        raise _Unreadable("no magic number of PyTorch")
    system = _load(file)
    if type(system) is not dict or system.get("little_endian") is not True:
        raise _Unreadable("not written in little-endian order")
    recipes, keys = _load(file), _load(file)
    if not isinstance(recipes, dict) or not isinstance(keys, list):
        raise _Unreadable("no table of tensors")
    # Not its own `items`: the pickle may have put anything there.
    table = dict(dict.items(recipes))
    storages = _read_storages(file, size, _storages_by_key(table), keys)
    return {name: _cut(name, recipe, storages) for name, recipe in table.items()}


class _Unpickler(pickle.Unpickler):
    """An unpickler that admits only what a table of tensors needs, and runs none of it."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _make_recipe
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise _Unreadable(f"names {module}.{name}, which no weights file needs".replace("\n", " "))

    def persistent_load(self, pid: Any) -> _Storage:
        match pid:
            case ("storage", str(dtype), str(key), str(), int(count), None) if count >= 0:
                if dtype in _DTYPES.values():
                    return _Storage(key, dtype, count)
        raise _Unreadable("a storage without key, type and count")


def _make_recipe(*arguments: Any) -> _Recipe:
    match arguments:
        case (_Storage() as storage, int(offset), tuple(shape), tuple(strides), *_) if len(
            shape
        ) == len(strides) <= 8 and all(
            isinstance(x, int) and x >= 0 for x in (offset, *shape, *strides)
        ):
            return _Recipe(storage, offset, shape, strides)
    raise _Unreadable("a tensor without storage, shape and strides")


def _load(file: BinaryIO) -> Any:
    try:
        return _Unpickler(file).load()
    except _Unreadable:
        raise
    except Exception as error:  # broken pickles raise nearly anything, even MemoryError
        raise _Unreadable("cut short or altered") from error


def _storages_by_key(recipes: dict[Any, Any]) -> dict[str, _Storage]:
    found: dict[str, _Storage] = {}
    for name, recipe in recipes.items():
        if not isinstance(name, str) or not isinstance(recipe, _Recipe):
            raise _Unreadable("something else than tensors by name")
        if found.setdefault(recipe.storage.key, recipe.storage) != recipe.storage:
            raise _Unreadable("two storages under one key")
    return found


def _read_storages(
    file: BinaryIO, size: int, expected: dict[str, _Storage], keys: list[Any]
) -> dict[str, np.ndarray]:
    if not all(isinstance(key, str) for key in keys) or sorted(keys) != sorted(expected):
        raise _Unreadable("storage keys that are not those of its tensors")
    storages = {}
    for key in keys:
        storage = expected[key]
        count = int.from_bytes(file.read(8), "little", signed=True)
        length = storage.size * np.dtype(storage.dtype).itemsize
        if count != storage.size or length > size - file.tell():
            raise _Unreadable("cut short or altered")
        storages[key] = np.frombuffer(file.read(length), storage.dtype)
    if file.tell() != size:
        raise _Unreadable(f"{size - file.tell()} bytes too long")
    return storages


def _cut(name: str, recipe: _Recipe, storages: dict[str, np.ndarray]) -> np.ndarray:
    buffer = storages[recipe.storage.key]
    steps = [(n, s if n > 1 else 0) for n, s in zip(recipe.shape, recipe.strides, strict=True)]
    count = math.prod(recipe.shape)
    if count == 0:
        return np.empty(recipe.shape, buffer.dtype)
    last = recipe.offset + sum((n - 1) * stride for n, stride in steps)
    if last >= buffer.size or count > buffer.size:
        raise _Unreadable(f"tensor {name[:60]!r} reaches past its storage")
    strides = [stride * buffer.itemsize for _, stride in steps]
    view = np.lib.stride_tricks.as_strided(buffer[recipe.offset :], recipe.shape, strides)
    return view.copy()
