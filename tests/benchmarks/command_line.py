"""What the command lines of the benchmarks have in common."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from engine.common.text import did_you_mean
from engine.errors import InputError
from tui.cli.usage import OneLineParser


def read_arguments(parser: OneLineParser, argv: Sequence[str]) -> argparse.Namespace:
    """Read a command line.

    Raises:
        InputError: it cannot be read.
    """
    parsed, unknown = parser.parse_known_args(argv)
    if unknown:
        flag = unknown[0].partition("=")[0]
        hint = f"{did_you_mean(flag, parser.flags())}{parser.hint}"
        raise InputError("", f"an option of {parser.prog}", repr(flag[:60]), hint)
    return parsed


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Let what would end this process at once end the one that it measures, too."""
    # A shell starts its background jobs with SIGINT ignored; who sends it means it all the same.
    before = {signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler)}
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # nohup has SIGHUP ignored
            before[number] = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
