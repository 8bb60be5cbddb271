"""Textual's driver of a Unix terminal: writes only changed cells, survives any input."""

from __future__ import annotations

import os
import selectors
import signal
from typing import Any

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from tui.terminal.ascii_marks import to_ascii
from tui.terminal.background import Answers, Unread, take_unread
from tui.terminal.capabilities import current
from tui.terminal.changed_cells import ChangedCells
from tui.terminal.input_text import InputText

LOOK_SECONDS = 0.1
"""Between two checks whether the screen leaves, and whether an escape was a key by itself."""
MOST_BYTES = 4_096


class BackgroundTold(Message):
    """The terminal said late whether its background is light."""

    def __init__(self, is_light: bool) -> None:
        super().__init__()
        self.is_light = is_light


class SparingDriver(LinuxDriver):
    """Writes the cells that changed, and all of them when the screen's content is not known.

    Input that it cannot understand is dropped. A terminal that has gone becomes a SIGHUP, as the
    process may not get one otherwise.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._cells = ChangedCells()
        self._is_ascii = current().is_ascii
        self._is_open = False
        self._unread = Unread()

    def write(self, data: str) -> None:
        """Write the part of `data` that changes the screen."""
        if written := self._cells.reduced(data):
            super().write(to_ascii(written) if self._is_ascii else written)

    def forget_screen(self) -> None:
        """Write the whole of the next update."""
        self._cells.forget()

    def start_application_mode(self) -> None:
        """Open the screen."""
        self._is_open = True
        self._unread = unread = take_unread()
        try:
            super().start_application_mode()  # type: ignore[no-untyped-call]
        except BaseException:
            unread.restore()
            raise
        # What Textual found, to restore it in the end, may be without echo. It was not to be had
        # back before: a late answer would have been seen.
        if unread.before is not None and self.attrs_before is not None:
            self.attrs_before = unread.before
        else:
            unread.restore()

    def stop_application_mode(self) -> None:
        """Leave the screen, and restore the terminal."""
        self._is_open = False
        super().stop_application_mode()

    def _sigtstp_application(self, *arguments: Any) -> None:
        """Leave the screen and stop, until the shell continues this job.

        Textual would send SIGSTOP, which also stops a program that no shell waits for, such as one
        that `ssh -t` started: nothing could continue it. The kernel drops a SIGTSTP there.
        """
        if self._auto_restart:
            self.suspend_application_mode()
            self._must_signal_resume = True
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, handler)
        if self._auto_restart and not self._is_open:
            self.resume_application_mode()

    def _sigcont_application(self, *arguments: Any) -> None:
        if not self._is_open:
            super()._sigcont_application(*arguments)
        elif self._auto_restart:
            # Sent to a job that never stopped, or was stopped without a warning. If it were opened
            # twice, the screen itself would be restored as the terminal's earlier state.
            self._loop.call_soon_threadsafe(self._open_again)

    def _open_again(self) -> None:
        if self._is_open:
            self._must_signal_resume = True
            self.suspend_application_mode()
            self.resume_application_mode()

    def run_input_thread(self) -> None:
        """Read keys and the mouse until the screen leaves or the terminal has gone."""
        keyboard = _Keyboard(self._debug, self._unread.answers)
        self._tell(keyboard.messages(self._unread.typed))
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if not selector.select(LOOK_SECONDS):
                    self._tell(keyboard.waited())
                    continue
                data = self._read()
                if not data:
                    os.kill(os.getpid(), signal.SIGHUP)
                    return
                self._tell(keyboard.messages(data))

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, MOST_BYTES)
        except OSError:
            return b""

    def _tell(self, messages: list[Message]) -> None:
        for message in messages:
            self.process_message(message)


class _Keyboard:
    """Textual's parser, replaced by a new one where it fails over what a terminal sends."""

    def __init__(self, debug: bool, answers: Answers) -> None:
        self._debug = debug
        self._answers = answers
        self._text = InputText()
        self._parser = XTermParser(debug)

    def messages(self, data: bytes) -> list[Message]:
        """Parse these bytes, late answers to a question asked before the screen opened apart."""
        before = self._answers.is_light
        found = self._parsed(self._answers.rest(data))
        told = self._answers.is_light
        if told is not None and told != before:
            found.append(BackgroundTold(told))
        return found

    def _parsed(self, data: bytes) -> list[Message]:
        found: list[Message] = []
        # One by one: what follows a sequence that fails is not lost with it.
        for character in self._text.decoded(data):
            try:
                found += self._parser.feed(character)
            except Exception:
                self._start_again()
        return found

    def waited(self) -> list[Message]:
        """Parse what waited for more input that did not come, such as half an escape sequence."""
        found = self._parsed(self._answers.released())
        try:
            return found + list(self._parser.tick())
        except Exception:
            self._start_again()
            return found

    def _start_again(self) -> None:
        before, self._parser = self._parser, XTermParser(self._debug)
        # What the terminal has reported of itself, which it will not do again.
        self._parser.mouse_pixels = before.mouse_pixels
        self._parser.terminal_size = before.terminal_size
        self._parser.terminal_pixel_size = before.terminal_pixel_size
