"""Frozen dataclasses to plain JSON values and back, driven by their type hints."""

from __future__ import annotations

import dataclasses
import functools
import math
import reprlib
import types
import typing
from collections.abc import Callable
from typing import Any, Union

from engine.errors import InputError

LARGEST_INTEGER = 2**63 - 1
"""The largest 64-bit integer; no count of a run comes near."""
Reader = Callable[[Any], Any]
"""Makes a value of one kind from JSON values; raises `_MisfitError`."""
_shown = reprlib.Repr()
_shown.maxstring = _shown.maxother = _shown.maxlong = 80


def to_plain(value: Any) -> Any:
    """Turn dataclasses, tuples and mappings into JSON values; NaN and infinities become None.

    An object of a class with a `TAG`, such as an event, begins with its class's name under that;
    from it `from_plain` finds the class below the one asked for.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        tag = getattr(value, "TAG", None)
        fields = dataclasses.fields(value)
        plain = {field.name: to_plain(getattr(value, field.name)) for field in fields}
        return {tag: type(value).__name__, **plain} if tag else plain
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
        return _reader(kind)(value)
    except _MisfitError as misfit:
        place = where + misfit.place
        raise InputError("", misfit.expected, misfit.found, place=place) from misfit
    except RecursionError as error:
        raise InputError("", _name(kind), "it nested too deeply", place=where) from error


class _MisfitError(Exception):
    """What does not fit, and where in the whole; the place grows on the way out."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(expected, found)
        self.expected, self.found, self.place = expected, found, ""


@functools.cache
def _reader(kind: Any) -> Reader:
    """Return the function that rebuilds a kind: inspecting a type hint takes longer than reading.

    Ten thousand runs hold more than a million values.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return _union_reader(kind, arguments)
    if origin is typing.Literal:
        return functools.partial(_read_literal, kind, arguments)
    if origin is tuple:
        return functools.partial(_read_tuple, kind, _reader(arguments[0]))
    if origin is dict:
        return functools.partial(_read_mapping, kind, _reader(arguments[1]))
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if hasattr(kind, "TAG") and (kinds := kind.__subclasses__()):
            by_name = {each.__name__: each for each in kinds}
            return functools.partial(_read_tagged, kind.TAG, by_name)
        return functools.partial(_read_object, kind)
    plain: dict[Any, Reader] = {float: _read_float, str: _read_text, int: _read_integer}
    return plain.get(kind) or functools.partial(_read_exactly, kind)


def _union_reader(kind: Any, arguments: tuple[Any, ...]) -> Reader:
    has_none = type(None) in arguments
    readers = [_reader(option) for option in arguments if option is not type(None)]

    def read(value: Any) -> Any:
        if value is None and has_none:
            return None
        for reader in readers:
            try:
                return reader(value)
            except _MisfitError:
                continue
        raise _misfit(kind, value)

    return read


def _read_tagged(tag: str, kinds: dict[str, type[Any]], value: Any) -> Any:
    name = value.get(tag) if isinstance(value, dict) else None
    if not isinstance(name, str) or name not in kinds:
        raise _MisfitError(f"one of {', '.join(kinds)} as {tag!r}", f"{_shown.repr(value):.80}")
    return _read_object(kinds[name], value)


def _read_literal(kind: Any, options: tuple[Any, ...], value: Any) -> Any:
    if value in options:
        return value
    raise _misfit(kind, value)


def _read_tuple(kind: Any, reader: Reader, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _misfit(kind, value)
    return tuple([_read_part(index, reader, item) for index, item in enumerate(value)])


def _read_mapping(kind: Any, reader: Reader, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _misfit(kind, value)
    return {_read_text(key): _read_part(key, reader, item) for key, item in value.items()}


def _read_object(kind: Any, value: Any) -> Any:
    if not isinstance(value, dict):
        raise _misfit(kind, value)
    arguments = {}
    for name, reader, is_required in _fields(kind):
        if name in value:
            arguments[name] = _read_part(name, reader, value[name])
        elif is_required:
            raise _MisfitError(f"{kind.__name__} with its field {name!r}", "none")
    return kind(**arguments)


def _read_part(key: str | int, reader: Reader, value: Any) -> Any:
    try:
        return reader(value)
    except _MisfitError as misfit:
        misfit.place = (f".{key}" if isinstance(key, str) else f"[{key}]") + misfit.place
        raise


@functools.cache
def _fields(kind: Any) -> tuple[tuple[str, Reader, bool], ...]:
    """Return the names of the fields of `kind`, what reads each, and whether it is required."""
    hints, missing = typing.get_type_hints(kind), dataclasses.MISSING
    return tuple(
        (
            field.name,
            _reader(hints[field.name]),
            field.default is missing and field.default_factory is missing,
        )
        for field in dataclasses.fields(kind)
        if field.init
    )


def _read_float(value: Any) -> float:
    if type(value) is float:
        return value
    if value is None:
        return math.nan
    if type(value) is not int:
        raise _misfit(float, value)
    try:
        return float(value)
    except OverflowError as error:
        raise _too_long() from error


def _read_integer(value: Any) -> int:
    if type(value) is not int:
        raise _misfit(int, value)
    if abs(value) > LARGEST_INTEGER:
        raise _too_long()
    return value


def _read_text(value: Any) -> str:
    """Return the text if a terminal or a file can take it: no halves of a character."""
    if not isinstance(value, str):
        raise _misfit(str, value)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise _MisfitError("text", "half a character in it") from error
    return value


def _read_exactly(kind: Any, value: Any) -> Any:
    if kind is Any or type(value) is kind:
        return value
    raise _misfit(kind, value)


def _misfit(kind: Any, value: Any) -> _MisfitError:
    return _MisfitError(_name(kind), f"{_shown.repr(value):.80}")


def _too_long() -> _MisfitError:
    return _MisfitError("a number of 64 bits", "a longer one")


def _name(kind: Any) -> str:
    return getattr(kind, "__name__", None) or str(kind).replace("typing.", "")
