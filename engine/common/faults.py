"""Faults of this program where a record is read: told with their traceback, and none is fatal.

A damaged record gives no reason for one: its readers pass on what a run can have said, and a store
takes that in any order.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

LOG = logging.getLogger("cifar_tui.faults")
"""Where they are told, at the level of an error."""


class Faults:
    """Tells the first fault of a reading; what follows it has the same cause."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._is_told = False

    @contextmanager
    def told(self, doing: str) -> Iterator[None]:
        """Go on after what fails inside."""
        try:
            yield
        except Exception:
            if not self._is_told:
                self._is_told = True
                LOG.exception(
                    "%s: a fault of cifar-tui, not of the record, while %s", self._run_id, doing
                )


@contextmanager
def told_afterwards(out: TextIO | None, at_once: Callable[[], None]) -> Iterator[None]:
    """Keep what is told while a screen is drawn, and write it when that has gone.

    Args:
        out: where to; None for nowhere.
        at_once: called at each fault, from whatever thread meets it.
    """
    kept = _Kept(at_once)
    LOG.addHandler(kept)
    try:
        yield
    finally:
        LOG.removeHandler(kept)
        if out is not None and kept.texts:
            with suppress(OSError):
                out.write("\n".join([*kept.texts, ""]))
                out.flush()


class _Kept(logging.Handler):
    def __init__(self, at_once: Callable[[], None]) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._at_once = at_once

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))
        self._at_once()
