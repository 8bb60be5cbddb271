"""Frozen dataclasses to plain JSON values and back, driven by their type hints."""

from __future__ import annotations

import dataclasses
import functools
import math
import reprlib
import types
import typing
from collections.abc import Hashable
from typing import Any, Union

from engine.errors import InputError

LARGEST_INTEGER = 2**63 - 1
"""What a table of 64-bit integers holds; no count of a run comes near."""
_shown = reprlib.Repr()
_shown.maxstring = _shown.maxother = _shown.maxlong = 80


def to_plain(value: Any) -> Any:
    """Turn dataclasses, tuples and mappings into JSON values; NaN and infinities become None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: to_plain(getattr(value, field.name)) for field in fields}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    return value


def from_plain(kind: Any, value: Any, where: str = "value") -> Any:
    """Rebuild a `kind` (a type hint) from JSON values.

    Unknown keys of a dataclass are ignored, so that an older program reads a newer record. A null
    where a float belongs is NaN.

    Raises:
        InputError: the value does not fit; names the place as `where`.
    """
    try:
        return _from_plain(kind, value, where)
    except RecursionError as error:
        raise InputError(f"{where}: expected {_name(kind)}, found it nested too deeply") from error


def _from_plain(kind: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(kind)
    if origin in (Union, types.UnionType):
        return _from_union(kind, value, where)
    if origin is typing.Literal:
        if value in typing.get_args(kind):
            return value
    elif origin is tuple:
        if isinstance(value, list):
            item = typing.get_args(kind)[0]
            return tuple(_from_plain(item, v, f"{where}[{i}]") for i, v in enumerate(value))
    elif origin is dict:
        if isinstance(value, dict):
            item = typing.get_args(kind)[1]
            return {_text(k, where): _from_plain(item, v, f"{where}.{k}") for k, v in value.items()}
    elif dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if isinstance(value, dict):
            return _from_object(kind, value, where)
    elif kind is float:
        if value is None:
            return math.nan
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return _number(value, where)
    elif kind is str and isinstance(value, str):
        return _text(value, where)
    elif kind is int and type(value) is int and abs(value) > LARGEST_INTEGER:
        raise InputError(f"{where}: expected a number of 64 bits, found a longer one")
    elif kind is Any or type(value) is kind:
        return value
    raise _misfit(kind, value, where)


def _misfit(kind: Any, value: Any, where: str) -> InputError:
    return InputError(f"{where}: expected {_name(kind)}, found {_shown.repr(value):.80}")


def _number(value: float, where: str) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise InputError(f"{where}: expected a number of 64 bits, found a longer one") from error


def _text(value: str, where: str) -> str:
    """The text itself, as far as a terminal or a file can take it: no halves of a character."""
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"{where}: expected text, found half a character in it") from error
    return value


def _from_union(kind: Any, value: Any, where: str) -> Any:
    options = typing.get_args(kind)
    if value is None and type(None) in options:
        return None
    for option in options:
        if option is type(None):
            continue
        try:
            return _from_plain(option, value, where)
        except InputError:
            continue
    raise _misfit(kind, value, where)


def _from_object(kind: type[Any], value: dict[str, Any], where: str) -> Any:
    arguments = {}
    for name, (hint, required) in _fields(typing.cast(Hashable, kind)).items():
        if name in value:
            arguments[name] = _from_plain(hint, value[name], f"{where}.{name}")
        elif required:
            raise InputError(f"{where}: {kind.__name__} without its field {name!r}")
    return kind(**arguments)


@functools.cache
def _fields(kind: Hashable) -> dict[str, tuple[Any, bool]]:
    cls = typing.cast(type[Any], kind)
    hints = typing.get_type_hints(cls)
    missing = dataclasses.MISSING
    return {
        field.name: (
            hints[field.name],
            field.default is missing and field.default_factory is missing,
        )
        for field in dataclasses.fields(cls)
        if field.init
    }


def _name(kind: Any) -> str:
    return getattr(kind, "__name__", None) or str(kind).replace("typing.", "")
