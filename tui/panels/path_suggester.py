"""Completion of a path while it is typed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence

from textual.suggester import Suggester

_MOST_ENTRIES = 2_000
"""Of a folder that is looked through."""


class PathSuggester(Suggester):
    """Completes the path of an existing file or folder, or one of some words."""

    def __init__(self, words: Callable[[], Sequence[str]] = tuple) -> None:
        """Suggest before paths what `words` gives, which is asked in a thread."""
        super().__init__(use_cache=False, case_sensitive=True)
        self._words = words

    async def get_suggestion(self, value: str) -> str | None:
        """The first path, by name, that begins with what was typed."""
        return await asyncio.to_thread(self._completed, value) if value else None

    def _completed(self, value: str) -> str | None:
        word = next((word for word in self._words() if word.startswith(value)), None)
        return word if word is not None else completed_path(value)


def completed_path(typed: str) -> str | None:
    """Find the first path that begins with `typed`, a folder with its separator; None without any.

    Hidden ones are skipped unless their dot was typed.
    """
    folder, start = os.path.split(typed)
    try:
        with os.scandir(os.path.expanduser(folder) or ".") as entries:
            names = sorted(
                entry.name + (os.sep if entry.is_dir() else "")
                for _, entry in zip(range(_MOST_ENTRIES), entries, strict=False)
                if entry.name.startswith(start) and entry.name.startswith(".") <= (start[:1] == ".")
            )
    except (OSError, ValueError):
        return None
    return typed + names[0][len(start) :] if names else None
