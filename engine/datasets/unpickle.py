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
from typing import TYPE_CHECKING, Any

from engine.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NUMERIC = re.compile(r"[iuf][1248]|b1")


def load_plain(data: bytes, where: str) -> dict[str, Any]:
    """Return the pickled dictionary with its keys as text and its arrays as NumPy arrays.

    Args:
        data: the pickle, of any protocol, written by Python 2 or 3.
        where: names the file in errors.

    Raises:
        InputError: the pickle asks for anything but arrays and plain containers, or is damaged.
    """
    try:
        found = _Unpickler(io.BytesIO(data), encoding="bytes").load()
        if isinstance(found, dict):
            return {_text(key): _built(value) for key, value in found.items()}
    except _RejectedError as error:
        raise InputError(
            f"{where}: expected NumPy arrays and plain containers, found a pickle that asks for "
            f"{error}; nothing of it was run: get the file from its official place"
        ) from None
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise InputError(
            f"{where}: expected a pickled batch, found a damaged one ({_short(error)}); "
            "get the file again"
        ) from error
    raise InputError(
        f"{where}: expected a pickled dictionary, found {type(found).__name__}; "
        "get the file from its official place"
    )


class _RejectedError(Exception):
    """The name that the pickle asked for."""


class _Dtype:
    """A number's kind, width and byte order."""

    __slots__ = ("code", "order")

    def __init__(self, code: object, *_: object) -> None:
        self.code = _text(code)
        self.order = "|"
        if not _NUMERIC.fullmatch(self.code):
            raise _RejectedError(f"an array of dtype {self.code}")

    def __setstate__(self, state: tuple[object, ...]) -> None:
        self.order = _text(state[1])


class _Array:
    """An array's description; `_reconstruct` and `ndarray` both stand for it."""

    __slots__ = ("dtype", "fortran", "raw", "shape")

    def __init__(self, *_: object) -> None:
        """Accept the arguments of either; the state has what matters."""

    def __setstate__(self, state: tuple[object, ...]) -> None:
        _version, self.shape, self.dtype, self.fortran, self.raw = state

    def build(self) -> NDArray[Any]:
        import numpy as np

        if not (isinstance(self.dtype, _Dtype) and isinstance(self.raw, bytes)):
            raise _RejectedError("an array without its bytes")
        shape = self.shape
        if not (isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)):
            raise _RejectedError(f"an array of shape {self.shape!r:.60}")
        dtype: np.dtype[Any] = np.dtype(self.dtype.order + self.dtype.code)
        if math.prod(shape) * dtype.itemsize != len(self.raw):
            raise _RejectedError(f"an array of shape {shape} from {len(self.raw)} bytes")
        return np.frombuffer(self.raw, dtype).reshape(shape, order="F" if self.fortran else "C")


_ADMITTED: dict[tuple[str, str], type] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type:
        admitted = _ADMITTED.get((module, name))
        if admitted is None:
            raise _RejectedError(f"{module}.{name}"[:80])
        return admitted


def _built(value: object) -> object:
    return value.build() if isinstance(value, _Array) else value


def _text(value: object) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)


def _short(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:100]
