"""Output that several commands share, such as a ranking that fits the terminal."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from textwrap import fill
from typing import Literal, TextIO

from engine.common.progress import Progress, ignore_progress
from engine.common.text import whole
from engine.errors import InputError
from engine.ranking.table import RankingTable
from engine.report.table import table_text
from engine.runs.listing import RunListing, load_run
from tui.cli.streams import complain, line_of
from tui.terminal.ascii_marks import to_ascii
from tui.terminal.capabilities import current

WIDTH_WITHOUT_TERMINAL = 120


def terminal_width() -> int:
    """Return the columns of the terminal, or `COLUMNS` where there is none; 120 without either."""
    return shutil.get_terminal_size((WIDTH_WITHOUT_TERMINAL, 24)).columns


def print_table(table: RankingTable) -> None:
    """Print a ranking in the width and the characters of standard output."""
    sys.stdout.write(as_asked(table_text(table, terminal_width())))


def as_asked(text: str) -> str:
    """Return the text in ASCII where that is asked for; a stream itself marks what it lacks."""
    return to_ascii(text) if current().is_ascii else text


def use_utf8(stream: TextIO) -> None:
    """Make a stream write UTF-8, as JSON requires whatever the locale says."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding="utf-8")


def print_json(value: object) -> None:
    """Print a value as JSON, in UTF-8."""
    use_utf8(sys.stdout)
    print(json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False))


def can_show(text: str) -> bool:
    """Return whether standard output can encode these characters, and its terminal show them."""
    if current().is_ascii:
        return text.isascii()
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def print_ending(runs_dir: Path, run_ids: Sequence[str]) -> None:
    """Print the ranking of these runs and their folder; nothing if there are none."""
    from engine.ranking.table import rank_runs

    records = []
    for run_id in run_ids:
        try:
            records.append(load_run(runs_dir / run_id))
        except InputError as error:
            complain(f"left out {run_id}: {line_of(error)}")
    if not records:
        return
    print()
    print_table(rank_runs(RunListing(tuple(records))))
    print(f"runs: {runs_dir.resolve()}")


def print_answers(runs_dir: Path, run_ids: Collection[str]) -> None:
    """Print the exercise's answers about these runs, in the width of the terminal."""
    from engine.analysis.answers import answer

    found = answer(runs_dir, only=run_ids)
    width = min(terminal_width(), WIDTH_WITHOUT_TERMINAL)
    with suppress(BrokenPipeError):
        for number, entry in enumerate(found.questions, 1):
            print(f"\n{number}. {entry.question}")
            for kind, sentences in (("Measured", entry.measured), ("Explained", entry.explanation)):
                if sentences:
                    print(_filled(f"{kind}: {' '.join(sentences)}", width))
        for warning in found.warnings:
            print(_filled(f"! {warning}", width))
        sys.stdout.flush()


def _filled(text: str, width: int) -> str:
    return fill(text, width, initial_indent="   ", subsequent_indent="   ")


@contextmanager
def image_progress(doing: str) -> Iterator[Progress]:
    """Show on standard error how many images have been read, if it is a terminal.

    Args:
        doing: the activity in a word, such as `decoding`.
    """
    if not sys.stderr.isatty():
        yield ignore_progress
        return

    shown = ""

    def show(done: int, total: int | None, unit: Literal["images", "bytes"]) -> None:
        nonlocal shown
        shown = f"{doing}  {whole(done)} of {whole(total)} {unit}"
        print(f"\r{shown}", end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        # Overwritten, not erased: any terminal can do that.
        print(f"\r{' ' * len(shown)}\r", end="", file=sys.stderr, flush=True)
