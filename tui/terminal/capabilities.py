"""What the terminal can do, decided once at the start of every command; and how to restore it.

The environment describes a terminal, but often another one: a shell exports `COLUMNS`, `COLORTERM`
is inherited into GNU screen, Python itself sets `LC_CTYPE`. Here it is checked against what is
known. Misleading variables are removed, since Textual, Rich and child processes read them too.
Everything else asks `current()`. Light: asking costs no import.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import TextIOWrapper

from tui.terminal.ascii_marks import VARIABLE as ASCII_VARIABLE

DUMB = ("dumb", "unknown")
"""Of TERM: terminals that take lines and nothing else."""
MILLIONS = 2**24
_WITHOUT_MILLIONS = ("screen", "linux", "vt100", "vt102", "vt220", "vt320", "ansi", "cons25")
"""Starts of the names of terminals that misread 24-bit colours, or have none."""
_BY_SUFFIX = {"256color": 256, "kitty": 256}
_SIZES = ("COLUMNS", "LINES")
SCREEN_OFF = (
    b"\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l\x1b[?2004l\x1b[?2048l\x1b[?7h"
    b"\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l"
)
"""What Textual turns on, turned off: the mouse, pasting, keys, the other screen, the cursor."""
_COERCED = ("C.UTF-8", "C.utf8", "UTF-8")
"""What Python sets LC_CTYPE to where the locale is C, POSIX or not installed."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """What is known of the terminal of this process."""

    is_there: bool
    """Whether standard input, output and error are all a terminal."""
    name: str
    """The value of TERM; empty where it is not set."""
    is_ascii: bool
    """Whether only ASCII is to be drawn."""
    encoding: str
    """The encoding as text, with the reason where it is ASCII."""
    colours: int
    """How many it is assumed to have; 0 for none."""
    reads_millions: bool
    """Whether it may have 24-bit colours: not where it is known to misread them."""
    multiplexer: str
    """The innermost: `tmux`, `GNU screen` or `zellij`; empty for none."""

    @property
    def shows_screens(self) -> bool:
        """Whether a screen can be drawn on it."""
        return self.is_there and self.name not in DUMB

    @property
    def lack(self) -> str:
        """What was found in place of a terminal that shows screens."""
        return f"TERM={self.name}" if self.is_there else "none"


_current: Terminal | None = None


def settle() -> Terminal:
    """Decide, and set the environment and the standard streams accordingly.

    Call it before anything is printed, and again when an option says more.
    """
    global _current
    misleading = list(_SIZES) if _has_size() else []
    if _misreads_millions(os.environ):
        misleading.append("COLORTERM")
    for name in misleading:
        os.environ.pop(name, None)
    _current = look(os.environ)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.isatty():
            stream.reconfigure(encoding="ascii" if _current.is_ascii else "utf-8")
    return _current


def current() -> Terminal:
    """Return what was decided, or what would be if nothing was decided yet."""
    return _current or look(os.environ)


def look(environment: Mapping[str, str], born: Mapping[str, str] | None = None) -> Terminal:
    """Read an environment; changes nothing.

    Args:
        environment: as it is now.
        born: as it was before Python began; None for this process's own.
    """
    streams = (sys.__stdin__, sys.__stdout__, sys.__stderr__)
    asked, locale = environment.get(ASCII_VARIABLE), _locale(environment, born)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    if asked is not None:
        is_ascii, says = asked not in ("", "0"), f"{ASCII_VARIABLE}={asked}"
    else:
        is_utf8 = "utf8" in locale.lower().replace("-", "")
        is_ascii, says = bool(locale) and not is_utf8, f"the locale is {locale}"
    return Terminal(
        is_there=all(stream is not None and stream.isatty() for stream in streams),
        name=environment.get("TERM", ""),
        is_ascii=is_ascii,
        encoding=f"ASCII: {says}" if is_ascii else encoding,
        colours=_colours(environment),
        reads_millions=not _misreads_millions(environment),
        multiplexer=_multiplexer(environment),
    )


def terminal_restorer() -> Callable[[], None]:
    """Make a function that restores the terminal to its present state, whatever is on it then."""
    import termios

    try:
        assert sys.__stdin__ is not None
        assert sys.__stderr__ is not None
        keyboard, display = sys.__stdin__.fileno(), sys.__stderr__.fileno()
        attributes = termios.tcgetattr(keyboard)
    except (termios.error, OSError):
        return lambda: None

    def restore() -> None:
        with suppress(termios.error, OSError):
            termios.tcsetattr(keyboard, termios.TCSANOW, attributes)
            os.write(display, SCREEN_OFF)

    return restore


def _misreads_millions(environment: Mapping[str, str]) -> bool:
    inside = _multiplexer(environment)
    if inside == "tmux":
        return False  # it knows its terminal, and converts colours for it
    if environment.get("TERM_PROGRAM") == "Apple_Terminal" and not inside:
        return True
    name = environment.get("TERM", "")
    return inside == "GNU screen" or name.startswith(_WITHOUT_MILLIONS)


def _has_size() -> bool:
    """Tell whether standard output is a terminal that knows its size; a serial line does not."""
    try:
        return min(os.get_terminal_size(1)) > 0 and os.isatty(1)
    except (OSError, ValueError):
        return False


def _colours(environment: Mapping[str, str]) -> int:
    """Count colours like Rich, which draws."""
    name = environment.get("TERM", "").strip().lower()
    if environment.get("NO_COLOR") or name in DUMB:
        return 0
    says_millions = environment.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit")
    if says_millions and not _misreads_millions(environment):
        return MILLIONS
    return _BY_SUFFIX.get(name.rpartition("-")[2], 16)


def _multiplexer(environment: Mapping[str, str]) -> str:
    if environment.get("STY"):
        # Both are set where one runs inside the other: TERM shows which is the inner one.
        inner = environment.get("TMUX") and environment.get("TERM", "").startswith("tmux")
        return "tmux" if inner else "GNU screen"
    return "tmux" if environment.get("TMUX") else "zellij" if environment.get("ZELLIJ") else ""


def _locale(environment: Mapping[str, str], born: Mapping[str, str] | None) -> str:
    """Find the locale that the user asked for; empty without one, as in many a login over SSH.

    CPython, before any code of the program, sets LC_CTYPE to C.UTF-8 where the locale is C or is
    not installed. The environment that the process was started with shows it, else LANG.
    """
    if wished := environment.get("LC_ALL"):
        return wished
    named, language = environment.get("LC_CTYPE", ""), environment.get("LANG", "")
    if named not in _COERCED:
        return named or language
    before = (_born_with() if born is None else born).get("LC_CTYPE", "")
    return before if before and before != named else language or named


def _born_with() -> Mapping[str, str]:
    """Read the environment that this process was started with; empty where that is impossible."""
    try:
        with open("/proc/self/environ", "rb") as file:
            entries = file.read().split(b"\0")
    except OSError:
        return {}
    pairs = (os.fsdecode(entry).partition("=") for entry in entries if entry)
    return {name: value for name, _, value in pairs}
