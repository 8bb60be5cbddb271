"""How long work reports how far it has come, without knowing who listens."""

from __future__ import annotations

from typing import Literal, Protocol


class Progress(Protocol):
    """Called now and then with what is done of what there is; may raise to cancel the work."""

    def __call__(self, done: int, total: int | None, unit: Literal["images", "bytes"]) -> None: ...


def ignore_progress(done: int, total: int | None, unit: Literal["images", "bytes"]) -> None:
    """For callers that show nothing."""
