"""`cifar-tui fetch`: download weights and data before they are needed."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.common.text import byte_size
from engine.errors import InputError
from engine.tools.fetching import (
    Fetched,
    FetchStep,
    Needed,
    OnStep,
    fetch_all,
    ignore_step,
    list_needed,
)
from tui.cli.output import print_json
from tui.cli.streams import complain, note
from tui.settings.option_names import in_flags

PACE_SECONDS = 2.0
"""Least time between two lines of progress, where there is no terminal to draw on."""


def run(arguments: argparse.Namespace) -> int:
    """Fetch what is named; return 0 if all of it is there, 1 if some is not, 130 if interrupted.

    Raises:
        InputError: nothing is named, a name is unknown, or the disk is too full.
    """
    datasets = arguments.dataset or []
    if not arguments.models and not datasets:
        hint = "see `cifar-tui fetch --help`"
        raise InputError("", "MODEL or --dataset", "neither", hint)
    wanted = list_needed(arguments.models, datasets, image_size=arguments.image_size)
    outcomes: list[Fetched] = []
    try:
        with _showing(arguments) as on_step:
            for outcome in fetch_all(wanted, on_step=on_step):
                outcomes.append(outcome)
                if not arguments.json:
                    _say(outcome)
    except KeyboardInterrupt:
        hint = "run the same command again to resume the download"
        note(f"interrupted; {hint}", as_json=arguments.json)
        return 130
    if arguments.json:
        _print_json(outcomes)
    return 1 if any(outcome.state == "failed" for outcome in outcomes) else 0


@contextmanager
def _showing(arguments: argparse.Namespace) -> Iterator[OnStep]:
    """Show a bar on a terminal, else a line now and then; nothing with JSON."""
    if arguments.json:
        yield ignore_step
    elif sys.stdout.isatty():
        with _bar() as on_step:
            yield on_step
    else:
        yield _lines()


def _lines() -> OnStep:
    said_at = time.monotonic()

    def on_step(needed: Needed, step: FetchStep) -> None:
        nonlocal said_at
        if time.monotonic() - said_at < PACE_SECONDS:
            return
        said_at = time.monotonic()
        print(f"{needed.name}  {step.text}", flush=True)

    return on_step


@contextmanager
def _bar() -> Iterator[OnStep]:
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}"))
    shows_errors = sys.stderr.isatty()
    with Progress(*columns, transient=True, redirect_stderr=shows_errors) as progress:
        task = progress.add_task("", words="", visible=False)

        def on_step(needed: Needed, step: FetchStep) -> None:
            progress.update(
                task,
                visible=True,
                description=needed.name,
                completed=step.done_bytes,
                total=step.total_bytes,
                words=step.text,
            )

        yield on_step


def _say(outcome: Fetched) -> None:
    """Print how one download ended; the bar makes room for the line."""
    name = outcome.needed.name
    if outcome.state == "failed":
        complain(f"{name}: {in_flags(outcome.error)}")
        return
    what = outcome.needed.built_in or outcome.state
    print(f"{name}  {what}{_where(outcome.path)}", flush=True)


def _where(path: Path | None) -> str:
    if path is None:
        return ""
    size = f"{byte_size(path.stat().st_size)} " if path.is_file() else ""
    return f": {size}{path}"


def _print_json(outcomes: list[Fetched]) -> None:
    files = [
        {
            "name": outcome.needed.name,
            "kind": outcome.needed.kind,
            "state": outcome.needed.built_in or outcome.state,
            "path": str(outcome.path) if outcome.path is not None else None,
            "error": in_flags(outcome.error) or None,
        }
        for outcome in outcomes
    ]
    print_json({"files": files})
