"""How long-running work reports its progress, without knowing who listens."""

from __future__ import annotations

from typing import Literal, Protocol


class Progress(Protocol):
    """A callback, called now and then with what is done of how much; may raise to cancel."""

    def __call__(self, done: int, total: int | None, unit: Literal["images", "bytes"]) -> None: ...


def ignore_progress(done: int, total: int | None, unit: Literal["images", "bytes"]) -> None:
    """Do nothing, for callers that show no progress."""
