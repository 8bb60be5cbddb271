"""Whether there is a terminal. Apart, so that asking costs no import."""

from __future__ import annotations

import sys


def on_terminal() -> bool:
    """Whether a screen can be shown: Textual draws on standard error."""
    streams = (sys.__stdin__, sys.__stdout__, sys.__stderr__)
    return all(stream is not None and stream.isatty() for stream in streams)
