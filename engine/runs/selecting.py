"""Select a run by its id, a part of it or its path; find the runs of the same queue."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Container, Iterator
from pathlib import Path

from engine.common.text import printable
from engine.errors import InputError
from engine.runs.directory import check_runs_dir
from engine.runs.listing import (
    OVER,
    RunListing,
    RunRecord,
    folder_names,
    list_runs,
    load_if_run,
    load_run,
)

NAMES_SHOWN = 3


def choose_run(runs_dir: Path, name: str | None) -> RunRecord:
    """Return the run that the user names.

    Args:
        runs_dir: the folder of runs.
        name: an id, a part of one that no other has, or a path; None for the newest run that is
            alive, else the newest.

    Raises:
        InputError: there is none, or the name is ambiguous.
    """
    if name is not None and (os.sep in name or (Path(name) / "spec.json").is_file()):
        with _placed(Path(name)):
            return load_run(Path(name).resolve())
    check_runs_dir(runs_dir)
    listing = list_runs(runs_dir)
    if name is not None:
        return _named(listing, runs_dir, name)
    if not listing.runs:
        raise InputError(runs_dir, "a run", "none", "`cifar-tui train` makes one")
    return next((run for run in listing.runs if run.status not in OVER), listing.runs[0])


@contextlib.contextmanager
def _placed(path: Path) -> Iterator[None]:
    """Add the folder to what is wrong with the files in it."""
    try:
        yield
    except InputError as error:
        raise error.within(printable(str(path))) from error


def _named(listing: RunListing, runs_dir: Path, name: str) -> RunRecord:
    fitting = [run for run in listing.runs if name in run.run_id]
    exact = [run for run in fitting if run.run_id == name]
    if exact or len(fitting) == 1:
        return (exact or fitting)[0]
    if fitting:
        names = ", ".join(run.run_id for run in fitting[:NAMES_SHOWN])
        more = f" and {len(fitting) - NAMES_SHOWN} more" if len(fitting) > NAMES_SHOWN else ""
        raise InputError("", "one run", f"{names}{more}", "name more of its id")
    # What fits and is not among the runs cannot be read, and raises why, or is no run.
    for path in (runs_dir / folder for folder in folder_names(runs_dir) if name in folder):
        with _placed(path):
            if run := load_if_run(path):
                return run
    expected, hint = "the id of a run, a part of one or a path", "`cifar-tui rank` lists them"
    raise InputError(runs_dir, expected, repr(name), hint)


def is_same_queue(run: RunRecord, other: RunRecord) -> bool:
    """Return whether two runs were trained one after the other by the same session."""
    if run.file.queue_id or other.file.queue_id:
        return run.file.queue_id == other.file.queue_id
    one, two = run.file.origin, other.file.origin
    is_same_process = (one.host, one.pid) == (two.host, two.pid)
    return is_same_process and run.file.queue == other.file.queue


def runs_beside(run: RunRecord, known: Container[str] = ()) -> Iterator[RunRecord]:
    """Yield the other readable runs of the same folder, without those of `known` ids."""
    for name in folder_names(run.directory.path.parent):
        if name == run.run_id or name in known:
            continue
        with contextlib.suppress(InputError):
            if other := load_if_run(run.directory.path.with_name(name)):
                yield other
