"""How the values of options are read; which of them make sense is `engine.config`'s to say.

All raise InputError where a text cannot be read; it names the flag.
"""

from __future__ import annotations

import os
from pathlib import Path

from engine.config.spec import Unfreeze
from engine.errors import InputError

YES_NO = ("yes", "no")
UNFREEZES_EXAMPLE = "2:60,4:all"


def _found(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")


def parse_whole(flag: str, text: str) -> int:
    """One whole number.

    Raises:
        InputError: it is none; names the flag. So do all the parsers here.
    """
    try:
        return int(text)
    except ValueError as error:
        raise InputError(f"{flag}: expected a whole number, found {_found(text)}") from error


def parse_wholes(example: str, flag: str, text: str) -> tuple[int, ...]:
    """Whole numbers with commas between them."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            f"{flag}: expected whole numbers like {example}, found {_found(text)}"
        ) from error


def parse_numbers(example: str, flag: str, text: str) -> tuple[float, ...]:
    """Numbers with commas between them; `check_options` refuses those that make no sense."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            f"{flag}: expected numbers like {example}, found {_found(text)}"
        ) from error


def parse_number(flag: str, text: str) -> float:
    """One number; `check_options` refuses one that makes no sense."""
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"{flag}: expected a number, found {_found(text)}") from error


def parse_share(flag: str, text: str) -> float | str:
    """A share, or the word `test`."""
    if text == "test":
        return text
    try:
        return float(text)
    except ValueError as error:
        raise InputError(
            f"{flag}: expected a share like 0.1, or 'test', found {_found(text)}"
        ) from error


def parse_shares(flag: str, text: str) -> tuple[float, ...]:
    """Shares above 0 and up to 1, with commas between them."""
    shares = parse_numbers("0.8,0.9", flag, text)
    if not all(0 < share <= 1 for share in shares) or len({*shares}) < len(shares):
        raise InputError(f"{flag}: expected different shares of 0 to 1, found {_found(text)}")
    return shares


def parse_choice(choices: tuple[str, ...], flag: str, text: str) -> str:
    """One of a few words."""
    if text not in choices:
        raise InputError(f"{flag}: expected {' or '.join(choices)}, found {_found(text)}")
    return text


def parse_yes_no(flag: str, text: str) -> bool:
    """`yes` or `no`."""
    return parse_choice(YES_NO, flag, text) == "yes"


def parse_text(flag: str, text: str) -> str:
    """Anything but nothing; a leading `~` is the home folder."""
    if not text.strip():
        raise InputError(f"{flag}: expected a value, found nothing; leave the option out instead")
    return os.path.expanduser(text)


def parse_path(flag: str, text: str) -> Path:
    """A path."""
    return Path(parse_text(flag, text))


def parse_unfreezes(flag: str, text: str) -> tuple[Unfreeze, ...]:
    """Epochs and how many layers train after each, like `2:60,4:all`."""
    try:
        return tuple(_unfreeze(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            f"{flag}: expected epoch:layers like {UNFREEZES_EXAMPLE}, found {_found(text)}"
        ) from error


def _unfreeze(text: str) -> Unfreeze:
    epoch, _, last = text.partition(":")
    return Unfreeze(int(epoch), None if last.strip() == "all" else int(last))


def unfreezes_text(unfreezes: tuple[Unfreeze, ...]) -> str:
    """What `parse_unfreezes` reads; empty for none."""
    return ",".join(f"{entry.after_epoch}:{layers_text(entry.last)}" for entry in unfreezes)


def layers_text(last: int | None) -> str:
    """How many of the last layers train, as it is asked for."""
    return "all" if last is None else str(last)
