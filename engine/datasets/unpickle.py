"""Read a pickled CIFAR-10 batch without letting the pickle call anything.

A batch may only ask for NumPy's names, and even these are not NumPy's own: they stand for a small
class that records the array, checks it, and builds it from its bytes. The pickle can thus neither
run code nor describe an array that its bytes do not hold.
"""

from __future__ import annotations

import io
import math
import pickle
import re
from typing import Any

from engine.errors import InputError

_NUMERIC = re.compile(r"[<>|=]([iuf][1248]|b1)")
"""Byte order, kind and width of numbers."""


def load_plain(data: bytes, where: str) -> dict[str, Any]:
    """Return the pickled dictionary with its keys as text and its arrays as NumPy arrays.

    Args:
        data: the pickle, of any protocol, written by Python 2 or 3.
        where: names the file in errors.

    Raises:
        InputError: the pickle asks for anything but arrays and plain containers, or is damaged.
    """
    expected = "a pickled dictionary of arrays and plain containers"
    try:
        found = _Unpickler(io.BytesIO(data), encoding="bytes").load()
        if isinstance(found, dict):
            return {_text(key): _built(value) for key, value in found.items()}
        kind = type(found).__name__
    except _RejectedError as error:
        kind = f"one that asks for {error}, of which nothing was run"
    except Exception as error:  # a damaged pickle can raise nearly anything
        raised = f"{type(error).__name__}: {error}"
        kind = f"a damaged one ({' '.join(raised.split())[:100]})"
    raise InputError("", expected, kind, "get the file from its official place", where)


class _RejectedError(Exception):
    """The name that the pickle asked for."""


class _Record:
    """What the pickle says of an array or of the type of its numbers; nothing of it is true yet."""

    __slots__ = ("args", "state")

    def __init__(self, *args: object) -> None:
        self.args = args
        self.state: tuple[object, ...] = ()

    def __setstate__(self, state: tuple[object, ...]) -> None:
        self.state = state


_ADMITTED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type:
        if (module, name) not in _ADMITTED:
            raise _RejectedError(f"{module}.{name}"[:80])
        return _Record


def _built(value: object) -> object:
    """Return the array that a record describes, after checking it; anything else as it is."""
    import numpy as np

    if not isinstance(value, _Record):
        return value
    _version, shape, kind, is_fortran, raw = value.state
    dtype = f"{_text(kind.state[1])}{_text(kind.args[0])}" if isinstance(kind, _Record) else ""
    if dtype and not _NUMERIC.fullmatch(dtype):
        raise _RejectedError(f"an array of dtype {dtype}")
    if not (dtype and isinstance(raw, bytes)):
        raise _RejectedError("an array without its bytes")
    if not (isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)):
        raise _RejectedError(f"an array of shape {shape!r:.60}")
    if math.prod(shape) * np.dtype(dtype).itemsize != len(raw):
        raise _RejectedError(f"an array of shape {shape} from {len(raw)} bytes")
    return np.frombuffer(raw, dtype).reshape(shape, order="F" if is_fortran else "C")


def _text(value: object) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
