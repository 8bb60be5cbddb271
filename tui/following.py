"""The screens over a training of another process, or over a recording of one."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from engine.common.faults import Faults
from engine.config.spec import RunSpec
from engine.protocol.commands import Command
from engine.protocol.events import CommandRejected, Event
from tui.app import CifarApp

if TYPE_CHECKING:
    from engine.sessions.attached import AttachedSession
    from engine.sessions.local import SessionHandle
    from engine.sessions.replay import ReplaySession
    from tui.screens.training import TrainingScreen
    from tui.session_view import SessionView

EVENTS_AT_ONCE = 250
"""Between two looks at what else waits, a key above all: a long history takes seconds."""


class FollowingApp(CifarApp):
    """Leaving asks nothing, since no training ends with this app.

    Args:
        session: that of another process, or a recording.
        runs_dir: the folder of runs that the results screen shows.
        greeting: what to say at first.
        is_recording: whether what is shown is over, and can be neither changed nor added to.
    """

    def __init__(
        self,
        session: AttachedSession | ReplaySession,
        *,
        runs_dir: Path,
        greeting: str,
        is_recording: bool = False,
    ) -> None:
        super().__init__(session, runs_dir=runs_dir, start_session=_no_session)
        self.wants_new_session = False
        """Whether the person left for the launcher."""
        self._greeting = greeting
        self._clock, self._is_recording = session.recorded_now, is_recording
        self._faults = Faults("what is followed")
        self._arrived: list[tuple[int, str, Event]] = []
        self._is_announced = False
        self._lock = threading.Lock()
        self._sent: set[str] = set()

    class Arrived(Message):
        """Events wait to be taken in."""

    def on_ready(self) -> None:
        self.notify(self._greeting, markup=False)

    def _training_screen(self, view: SessionView) -> TrainingScreen:
        from tui.screens.training import TrainingScreen

        unchangeable = "A recording: nothing to change." if self._is_recording else ""
        return TrainingScreen(view, self._clock, unchangeable=unchangeable)

    def _sink(self, index: int, run_id: str, event: Event) -> None:
        # One message for many events: it costs more than they do.
        with self._lock:
            self._arrived.append((index, run_id, event))
            is_announced, self._is_announced = self._is_announced, True
        if not is_announced:
            with suppress(RuntimeError):  # the event loop was closed just now
                self.post_message(self.Arrived())

    def on_following_app_arrived(self) -> None:
        with self._lock:
            taken = self._arrived[:EVENTS_AT_ONCE]
            del self._arrived[:EVENTS_AT_ONCE]
            self._is_announced = bool(self._arrived)
        for index, run_id, event in taken:
            if self._shown is not None:
                with self._faults.told(f"showing {type(event).__name__}"):
                    self._shown.apply(index, run_id, event)
            self._tell_refusal(event)
        if self._is_announced:
            self.post_message(self.Arrived())

    def _tell_refusal(self, event: Event) -> None:
        if isinstance(event, CommandRejected) and event.command.id in self._sent:
            super()._tell_refusal(event)

    def request(self, command: Command) -> None:
        """Send a command and remember it as one of this app's own."""
        self._sent.add(command.id)
        super().request(command)

    def action_new_session(self) -> None:
        """Leave for the launcher, unless a model trains."""
        if self.is_training and not self._is_recording:
            super().action_new_session()
        else:
            self.wants_new_session = True
            self._leave()

    def _start_anew(self, specs: list[RunSpec]) -> None:
        # The queue that was to take them has ended meanwhile.
        self.notify("The training has ended: n starts a session of its own.")
        self.pop_screen()

    def action_detach(self) -> None:
        """Leave."""
        self._leave()

    def _leave_running(self) -> None:
        # What a signal asks for; the training is not this app's, to resume or to leave.
        self._leave()

    async def action_quit(self) -> None:
        """Leave without asking."""
        self._leave()


def _no_session(specs: list[RunSpec]) -> SessionHandle:
    raise AssertionError("the launcher opens in an app of its own")
