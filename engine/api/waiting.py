"""Waits for a run trained on its own thread; the caller gets its events, and may end it."""

from __future__ import annotations

import contextlib
import logging
import queue
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.api.results import Run
from engine.config.kinds import unexpected
from engine.errors import InputError, RunError
from engine.keras_setup.loading import users_settings_kept
from engine.protocol.commands import Interrupt
from engine.protocol.events import Event, RunEnded
from engine.runs.listing import RunRecord, load_run
from engine.runs.resume import RESUMABLE
from engine.sessions.local import TRAINER, Session

OnEvent = Callable[[Event], object]
_TENSORFLOW = logging.getLogger("tensorflow")
_at_work = threading.Lock()
"""Held while a run trains: two would share Keras' global state, which each clears."""


def wait_for(
    make: Callable[[], Session],
    runs_dir: Path,
    on_event: OnEvent | None,
    resumed: RunRecord | None = None,
) -> Run:
    """Train the first run of a session to its end.

    Args:
        make: makes the session, not started; called once no other run is running.
        runs_dir: where it makes the run's folder.
        on_event: called with each event.
        resumed: the run, if it has its folder already.

    Raises:
        InputError: another run is running in this process, or the session cannot be made.
        RunError: the run failed.
    """
    with users_settings_kept():
        attempt = _Attempt(runs_dir, resumed)
        try:
            if on_event is not None and not callable(on_event):
                raise unexpected("on_event", "a function that takes an event", repr(on_event))
            attempt.start(make)
            attempt.wait(on_event)
        except BaseException as error:
            attempt.interrupt()
            if note := attempt.way_on():
                error.add_note(note)
            raise
    return attempt.result()


class _Attempt:
    """A running run, as seen by the thread that asked for it and waits."""

    def __init__(self, runs_dir: Path, resumed: RunRecord | None) -> None:
        self._runs_dir, self._resumed = runs_dir, resumed
        self._session: Session | None = None
        self._thread = threading.Thread(target=self._work, name="training", daemon=True)
        self._ended: RunEnded | None = None
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        """Its events; None once its thread is done."""

    def start(self, make: Callable[[], Session]) -> None:
        """Make its session and start it, on a thread that waits for it.

        Waiting for a thread is not safe from ctrl+c: before Python 3.13 one at that moment makes
        the thread look dead. Only the main thread receives ctrl+c.

        Raises:
            InputError: another is running in this process, or the session cannot be made.
        """
        if not _at_work.acquire(blocking=False):
            hint = "wait for its end, or train in a process of its own"
            raise InputError("", "one training at a time in a process", "another running", hint)
        try:
            self._session = make()
            self._session.add_sink(self._hear)
            self._thread.start()
        finally:
            if not self._is_started:  # else it ends what it holds by itself
                _at_work.release()

    @property
    def _is_started(self) -> bool:
        return self._thread.ident is not None

    def _work(self) -> None:
        assert self._session is not None
        try:
            # Before another may begin: its seed must stay.
            with _random_states_kept(), _Chatter(self._session.log):
                self._session.start()
                self._session.join()
        finally:
            _at_work.release()
            self._events.put(None)

    def _hear(self, index: int, run_id: str, event: Event) -> None:
        """Take an event of the run, but none of a run queued behind it."""
        if index == 0:
            self._events.put(event)

    def wait(self, on_event: OnEvent | None = None) -> None:
        """Wait for the end, passing events on meanwhile."""
        while True:
            event = self._events.get()
            if event is None:
                self._events.put(None)  # for a wait after ctrl+c at this moment
                return
            if isinstance(event, RunEnded):
                self._ended = event
            if on_event is not None:
                on_event(event)

    def interrupt(self) -> None:
        """End it after its batch with a checkpoint, and wait for that, if it has started."""
        if self._session is not None and self._is_started:
            self._session.send(Interrupt())
            self.wait()

    def way_on(self) -> str:
        """Return how an interrupted run is resumed; empty where nothing is left to resume."""
        with contextlib.suppress(InputError):
            if self._path is not None and load_run(self._path).status in RESUMABLE:
                return f"engine.resume({str(self._path)!r}) resumes the run from its checkpoint"
        return ""

    def result(self) -> Run:
        """Return the run as it ended.

        Raises:
            RunError: it failed.
        """
        path = self._path
        if path is None or self._ended is None or self._ended.status == "failed":
            said = self._ended.error if self._ended else "it ended without an error message"
            raise RunError(said, path)
        return Run(load_run(path))

    @property
    def _path(self) -> Path | None:
        """The run's folder; None where none was made."""
        if self._resumed is not None:
            return self._resumed.directory.path.absolute()
        ids = self._session.run_ids if self._session is not None else ()
        return (self._runs_dir / ids[0]).absolute() if ids else None


@contextlib.contextmanager
def _random_states_kept() -> Iterator[None]:
    """Restore the states of `random` and of NumPy's global generator, which every run seeds.

    Otherwise a caller that draws a rate for each training would draw the same one each time.
    """
    import numpy

    python, array = random.getstate(), numpy.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        numpy.random.set_state(array)


class _Chatter(logging.Filter):
    """A filter that sends TensorFlow's log on the trainer's thread to the run's log."""

    def __init__(self, log: Callable[[str], None]) -> None:
        super().__init__()
        self._log = log

    def __enter__(self) -> None:
        _TENSORFLOW.addFilter(self)

    def __exit__(self, *_: object) -> None:
        _TENSORFLOW.removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Take a record of the trainer's thread; return whether others log it as usual."""
        if record.threadName != TRAINER:
            return True
        self._log(record.getMessage())
        return False
