"""The kinds of value that options have: how each is read from text, and its limits.

A kind knows neither its option nor a front end. `read` takes what was typed, `check` a value that
already has its type, as in a recipe's file; both return the value or raise InputError, whose field
is `where`: the name of an option or the key of a file. `text` is the way back from `read`.

These are plain classes: defining a dataclass costs every start most of a millisecond.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from engine.config.stage import Unfreeze
from engine.errors import InputError

YES_NO = ("yes", "no")


def unexpected(where: str, expected: str, value: Any) -> InputError:
    """Return the error about a value that is not as expected."""
    if isinstance(value, str):
        found = repr(value if len(value) <= 40 else value[:39] + "…")
    else:
        import json

        found = json.dumps(value, default=str, ensure_ascii=False)[:60]
    return InputError(where, expected, found)


class Kind:
    """A kind of value."""

    form = ""
    """What such a value looks like, for errors."""
    limits = ""
    """Its limits in a phrase; empty where it has none."""
    stored = "string"
    """Its type in a file of TOML."""
    metavar = ""
    """How it is written in the usage of an option; empty for no value."""

    def read(self, where: str, text: str) -> Any:
        """Return the value that a text holds.

        Raises:
            InputError: it does not hold a value of this kind.
        """
        try:
            value = self._parse(text)
        except ValueError as error:
            raise unexpected(where, self.form, text) from error
        return self.check(where, value)

    def check(self, where: str, value: Any) -> Any:
        """Return the value if it is of this kind and within its limits.

        Raises:
            InputError: it is not.
        """
        raise NotImplementedError

    def text(self, value: Any) -> str:
        """Return a value as it is written, which `read` takes."""
        return str(value)

    def _parse(self, text: str) -> Any:
        """Return the value of a text, its limits aside; ValueError where there is none."""
        return text


class Whole(Kind):
    """A whole number between two limits, both included."""

    form, stored, metavar = "a whole number", "integer", "N"

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high
        self.limits = f"{low} to {high}"

    def check(self, where: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise unexpected(where, self.form, value)
        if not self.low <= value <= self.high:
            raise InputError(where, self.limits, str(value))
        return value

    def text(self, value: int) -> str:
        return str(value) if value >= self.low else "none"

    def _parse(self, text: str) -> int:
        return int(text)


class Layers(Whole):
    """How many of the last layers train; in a recipe None stands for all."""

    def text(self, value: int | None) -> str:
        return "all" if value is None else super().text(value)


class Number(Kind):
    """A number between two limits.

    Args:
        limits: what is expected, for errors.
        low: the least.
        high: the greatest.
        excluded: those of the two that are themselves too little or too much.
        hint: what else the error says.
    """

    form, stored, metavar = "a number", "number", "N"

    def __init__(
        self,
        limits: str,
        low: float,
        high: float,
        *,
        excluded: tuple[float, ...] = (),
        hint: str = "",
    ) -> None:
        self.limits, self.low, self.high = limits, low, high
        self.excluded, self.hint = excluded, hint

    def check(self, where: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise unexpected(where, self.form, value)
        if not self.low <= value <= self.high or value in self.excluded:
            found = str(value).removesuffix(".0")
            raise InputError(where, self.limits, found, self.hint)
        return float(value)

    def text(self, value: float) -> str:
        return f"{value:g}"

    def _parse(self, text: str) -> float:
        return float(text)


class NumberOr(Number):
    """A number, or a word in its place."""

    def __init__(self, word: str, number: Number, form: str) -> None:
        limits = f"{number.limits}, or '{word}'"
        super().__init__(limits, number.low, number.high, excluded=number.excluded)
        self.word, self.form = word, form

    def check(self, where: str, value: Any) -> Any:
        return value if value == self.word else super().check(where, value)

    def text(self, value: float | str) -> str:
        return value if isinstance(value, str) else super().text(value)

    def _parse(self, text: str) -> Any:
        return text if text == self.word else float(text)


class Listed(Kind):
    """One or more numbers with commas between them.

    Args:
        item: the kind of each.
        example: a list as it is written.
    """

    metavar = "A,B"

    def __init__(self, item: Whole | Number, example: str) -> None:
        self.item = item
        self.form = f"{item.form.removeprefix('a ')}s like {example}"
        self.limits = f"each {item.limits}"

    def check(self, where: str, value: Any) -> tuple[Any, ...]:
        return tuple(self.item.check(where, each) for each in value)

    def text(self, value: Iterable[Any]) -> str:
        return ",".join(map(self.item.text, value))

    def _parse(self, text: str) -> tuple[Any, ...]:
        return tuple(self.item._parse(part) for part in text.split(","))


class Choice(Kind):
    """One of a few words."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self.words, self.form, self.metavar = words, " or ".join(words), "|".join(words)

    def check(self, where: str, value: Any) -> str:
        if value not in self.words:
            raise unexpected(where, self.form, value)
        word: str = value
        return word


class YesNo(Kind):
    """A choice of yes or no: a flag and its `--no-` form on the command line."""

    form, stored = " or ".join(YES_NO), "boolean"

    def check(self, where: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise unexpected(where, "true or false", value)
        return value

    def text(self, value: bool) -> str:
        return "yes" if value else "no"

    def _parse(self, text: str) -> bool:
        if text not in YES_NO:
            raise ValueError(text)
        return text == "yes"


class Text(Kind):
    """Any text that is not empty; a leading `~` is the home folder."""

    form = "a text"

    def check(self, where: str, value: Any) -> str:
        if not isinstance(value, str):
            raise unexpected(where, self.form, value)
        if not value.strip():
            raise InputError(where, "a value", "nothing", "leave the option out instead")
        return value

    def _parse(self, text: str) -> str:
        return os.path.expanduser(text)


class FilePath(Text):
    """The path of a file or folder."""


class DatasetName(FilePath):
    """The name of a data set, or the path of a folder of images."""


class RecipeName(Text):
    """The name of a recipe, or the path of its file."""


class Device(Text):
    """Where to train."""

    form = "auto, cpu, gpu or gpu:N"

    def check(self, where: str, value: Any) -> str:
        name = super().check(where, value)
        kind, _, index = name.partition(":")
        if name not in ("auto", "cpu", "gpu") and not (kind == "gpu" and index.isdecimal()):
            raise unexpected(where, self.form, name)
        return name


class Unfreezes(Kind):
    """Epochs and how many layers train after each; the stage checks whether they fit."""

    form = "epoch:layers like 2:60,4:all"

    def check(self, where: str, value: Any) -> tuple[Unfreeze, ...]:
        return tuple(value)

    def text(self, value: Iterable[Unfreeze]) -> str:
        joins = [(join.after_epoch, "all" if join.last is None else join.last) for join in value]
        return ",".join(f"{epoch}:{last}" for epoch, last in joins) or "none"

    def _parse(self, text: str) -> tuple[Unfreeze, ...]:
        joins = (part.partition(":")[::2] for part in text.split(","))
        return tuple(
            Unfreeze(int(epoch), None if last.strip() == "all" else int(last))
            for epoch, last in joins
        )
