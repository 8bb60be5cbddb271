"""Where the session on the screen comes from, and what can be done with it from here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.config.spec import RunSpec
    from engine.runs.listing import RunRecord
    from engine.sessions.handle import SessionHandle


@dataclass(frozen=True)
class Source:
    """The sessions that an app shows: trained here, of another process, or a recording."""

    session: SessionHandle | None
    """The session to show first, not started yet; None for the launcher."""
    start: Callable[[list[RunSpec]], SessionHandle] | None = None
    """Makes a session, not started yet, from the launcher's choice; None where another process
    trains, or nobody: the launcher then opens in another app, after this one."""
    resume: Callable[[RunRecord], SessionHandle] | None = None
    """Makes a session that resumes an unfinished run; None where that is impossible."""
    clock: Callable[[], float] | None = None
    """The Unix second by the clock of the session's events; None for this process's own."""
    unchangeable: str = ""
    """Why the session takes no commands; empty where it does."""
    greeting: str = ""
    """What to show the user first."""

    @property
    def is_own(self) -> bool:
        """Whether this process trains.

        Leaving the app then has to decide what becomes of the training, and each of its events is
        new.
        """
        return self.start is not None
