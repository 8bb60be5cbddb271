"""A line of words and conditions that picks runs out of a ranking: `resnet recipe:gradual acc>85%`.

Conditions are joined by and. A word is found in a run's id, model, data set, recipe, status, tags,
note or timeline; `field:text` in that field, `field:=text` is all of it; `figure>number` compares.
Quotes hold words together. Upper and lower case are the same.
"""

from __future__ import annotations

import math
import operator
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import InputError
from engine.metrics.catalogue import METRICS

MAX_LENGTH = 1_000
TEXT_FIELDS = {
    "model": "model",
    "dataset": "dataset",
    "data": "dataset",
    "recipe": "recipe",
    "status": "status",
    "tag": "tags",
    "note": "note",
    "run": "run_id",
    "weights": "weights",
    "differs": "differs",
}
"""What may stand before a `:`, and its column."""
FIGURES = {
    "acc": "test_accuracy",
    "test": "test_accuracy",
    "val": "val_accuracy",
    "train": "train_seconds",
    "wall": "wall_seconds",
    "params": "parameters",
    "trainable": "trainable_parameters",
    "depth": "depth",
    "flops": "flops",
    "memory": "peak_memory_bytes",
    "px": "image_size",
    "size": "image_size",
    "epochs": "epochs",
    "speed": "images_per_second",
    "seed": "seed",
    "batch": "batch_size",
    "to80": "to_80",
    "to85": "to_85",
    **{metric.key: metric.key for metric in METRICS},
}
"""What may stand before a comparison, and its column; so may these columns themselves."""
STATES = {"pinned": "pinned", "ranked": "ranked"}
"""What may stand after `is:`, and its column."""
WORD_COLUMNS = ("run_id", "model", "dataset", "recipe", "status", "tags", "note", "timeline")
_COMPARISONS = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
}
_CONDITION = re.compile(r"([a-z_0-9]+)(>=|<=|>|<|=)(.*)")
_SUFFIXES = {"%": 0.01, "k": 1e3, "m": 1e6, "g": 1e9}

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RunFilter:
    """The rows of a ranking that a user asks for."""

    text: str
    conditions: tuple[Callable[[Row], bool], ...] = ()

    def matches(self, row: Row) -> bool:
        """Return whether a row, with the keys of `engine.ranking.row.KINDS`, meets all conditions.

        An unknown figure meets none.
        """
        return all(condition(row) for condition in self.conditions)


def parse_filter(text: str) -> RunFilter:
    """Read a filter; an empty one selects every run.

    Raises:
        InputError: an unknown condition, or no number where one belongs.
    """
    if len(text) > MAX_LENGTH:
        raise InputError("", f"at most {MAX_LENGTH} characters", str(len(text)))
    lexer = shlex.shlex(text.casefold(), posix=True)
    # A note may hold an apostrophe, and a path a backslash.
    lexer.quotes, lexer.escape, lexer.commenters, lexer.whitespace_split = '"', "", "", True
    try:
        words = list(lexer)
    except ValueError as error:
        raise InputError("", 'a second "', _shown(text)) from error
    return RunFilter(text, tuple(map(_condition, words)))


def _condition(word: str) -> Callable[[Row], bool]:
    compared = _CONDITION.fullmatch(word)
    if compared is not None:
        return _comparison(word, *compared.groups())
    field, colon, value = word.partition(":")
    if not colon:
        return lambda row: any(word in text for text in _texts(row, WORD_COLUMNS))
    if field == "is" and value in STATES:
        return lambda row: bool(row[STATES[value]])
    if field == "tag":
        return lambda row: value in _texts(row, ("tags",))
    if field not in TEXT_FIELDS:
        expected = f"one of {', '.join(TEXT_FIELDS)} before the colon, or is:pinned"
        raise InputError("", expected, _shown(word))
    column = TEXT_FIELDS[field]
    if value.startswith("="):
        return lambda row: value[1:] in _texts(row, (column,))
    return lambda row: any(value in text for text in _texts(row, (column,)))


def _comparison(word: str, name: str, sign: str, text: str) -> Callable[[Row], bool]:
    column = FIGURES.get(name, name if name in FIGURES.values() else None)
    if column is None:
        expected = f"one of {', '.join(FIGURES)} before {sign}"
        raise InputError("", expected, _shown(word))
    compare, number = _COMPARISONS[sign], _number(word, text)

    def condition(row: Row) -> bool:
        value = row[column]
        return isinstance(value, (int, float)) and bool(compare(value, number))

    return condition


def _number(word: str, text: str) -> float:
    factor = _SUFFIXES.get(text[-1:], 1.0)
    try:
        number = float(text[:-1] if factor != 1.0 else text) * factor
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError("", "a number like 0.85, 85%, 5e6 or 5M", _shown(word))
    return number


def _texts(row: Row, columns: tuple[str, ...]) -> list[str]:
    texts: list[str] = []
    for column in columns:
        value = row[column]
        texts += value if isinstance(value, (list, tuple)) else [str(value)]
    return [text.casefold() for text in texts]


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")
