"""Faults of this program where a record is read: logged with their traceback, never fatal.

A damaged record is no cause of one: its readers pass on only what a run can have recorded, and a
store takes that in any order.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

LOG = logging.getLogger("cifar_tui.faults")
"""The logger of faults, at the level of an error."""


class Faults:
    """Logs the first fault of a reading; those that follow have the same cause."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._is_told = False

    @contextmanager
    def told(self, doing: str) -> Iterator[None]:
        """Log what fails inside, and continue after it."""
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
    """Keep faults while a screen is drawn, and write them when it has closed.

    Args:
        out: where they are written; None for nowhere.
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
