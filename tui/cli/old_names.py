"""Former names of options, accepted until the next version with a notice for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

OLD_NAMES: Mapping[str, Mapping[str, str]] = {
    "train": {"--views": "--crops", "--flip yes": "--flip", "--flip no": "--no-flip"},
    "rank": {"--to": "--time-to"},
    "report": {"--out": "--output"},
    "export": {"--to": "--output"},
}
"""By command: a former option, alone or with a value, and its replacement."""


def with_new_names(
    words: Iterable[str], old: Mapping[str, str]
) -> tuple[list[str], tuple[str, ...]]:
    """Return the arguments of a command under current names, and a notice for each old name.

    Args:
        words: the arguments.
        old: the command's row of `OLD_NAMES`.
    """
    renamed: list[str] = []
    found: dict[str, None] = {}
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            renamed += [word, *left]
            break
        flag, equals, value = word.partition("=")
        with_value = f"{flag} {value}" if equals else f"{flag} {left[0] if left else ''}"
        if flag in old:
            found[flag] = None
            word = f"{old[flag]}{equals}{value}"
        elif with_value in old:
            found[with_value] = None
            word = old[with_value]
            left = left if equals else left[1:]
        renamed.append(word)
    return renamed, tuple(
        f"{name} is now {old[name]}; the old name goes away in the next version" for name in found
    )
