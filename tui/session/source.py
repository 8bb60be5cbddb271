"""Where the session on the screen comes from, and what can be done with it from here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.config.spec import RunSpec
    from engine.runs.listing import RunRecord
    from engine.sessions.attached import AttachedSession
    from engine.sessions.local import SessionHandle
    from engine.sessions.replay import ReplaySession

    StartSession = Callable[[list[RunSpec]], SessionHandle]
    ResumeSession = Callable[[RunRecord], SessionHandle]


@dataclass(frozen=True, kw_only=True)
class Source:
    """The sessions that an app shows; `trained_here`, `attached_to` and `replayed` make one."""

    session: SessionHandle | None
    """The session to show first, not started yet; None for the launcher."""
    is_own: bool
    """Whether this process trains: leaving the app then has to decide what becomes of the training,
    and each of its events is new."""
    start: StartSession | None = None
    """Makes a session, not started yet, from the launcher's choice; None where the launcher opens
    in another app, after this one."""
    resume: ResumeSession | None = None
    """Makes a session that resumes an unfinished run; None where that is impossible."""
    clock: Callable[[], float] | None = None
    """The Unix second by the clock of the session's events; None for this process's own."""
    unchangeable: str = ""
    """Why the session takes no commands; empty where it does."""
    greeting: str = ""
    """What to show the user first."""


def trained_here(
    session: SessionHandle | None,
    start: StartSession,
    resume: ResumeSession | None = None,
) -> Source:
    """Make the source of an app whose sessions train in this process."""
    return Source(session=session, is_own=True, start=start, resume=resume)


def attached_to(session: AttachedSession, greeting: str) -> Source:
    """Make the source of an app over a training of another process, which the app can change."""
    return Source(session=session, is_own=False, clock=session.recorded_now, greeting=greeting)


def replayed(session: ReplaySession, greeting: str) -> Source:
    """Make the source of an app over a recording, in which nothing can be changed."""
    return Source(
        session=session,
        is_own=False,
        clock=session.recorded_now,
        unchangeable="A recording: nothing to change.",
        greeting=greeting,
    )
