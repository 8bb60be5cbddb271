"""Select a run by its id, a part of it or its path; find the runs of the same queue."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator
from pathlib import Path

from engine.errors import InputError
from engine.runs.listing import OVER, RunListing, RunRecord, list_runs, load_run

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
        return _at(Path(name))
    listing = list_runs(runs_dir)
    if name is not None:
        return _named(listing, runs_dir, name)
    if not listing.runs:
        raise InputError(f"expected a run in {runs_dir}, found none; `cifar-tui train` makes one")
    return next((run for run in listing.runs if run.status not in OVER), listing.runs[0])


def _at(path: Path) -> RunRecord:
    try:
        return load_run(path.resolve())
    except InputError as error:
        raise InputError(f"expected the folder of a run, found {path}: {error}") from error


def _named(listing: RunListing, runs_dir: Path, name: str) -> RunRecord:
    fitting = [run for run in listing.runs if name in run.run_id]
    exact = [run for run in fitting if run.run_id == name]
    if exact or len(fitting) == 1:
        return (exact or fitting)[0]
    if fitting:
        names = ", ".join(run.run_id for run in fitting[:NAMES_SHOWN])
        more = f" and {len(fitting) - NAMES_SHOWN} more" if len(fitting) > NAMES_SHOWN else ""
        raise InputError(f"expected one run, found {names}{more}; name more of its id")
    broken = next((line for line in listing.broken if name in line.partition(":")[0]), None)
    if broken is not None:
        raise InputError(f"expected a run that can be read, found {broken}")
    raise InputError(
        f"expected the id of a run in {runs_dir}, a part of one or a path, found {name!r}; "
        "`cifar-tui rank` lists them"
    )


def is_same_queue(run: RunRecord, other: RunRecord) -> bool:
    """Return whether two runs were trained one after the other by the same session."""
    if run.file.queue_id or other.file.queue_id:
        return run.file.queue_id == other.file.queue_id
    one, two = run.file.origin, other.file.origin
    is_same_process = (one.host, one.pid) == (two.host, two.pid)
    return is_same_process and run.file.queue == other.file.queue


def runs_beside(run: RunRecord, known: Container[str] = ()) -> Iterator[RunRecord]:
    """Yield the other readable runs of the same folder, without those of `known` ids."""
    try:
        with os.scandir(run.directory.path.parent) as entries:
            names = sorted(entry.name for entry in entries)
    except OSError:
        return
    for name in names:
        path = run.directory.path.with_name(name)
        if name == run.run_id or name in known or not (path / "spec.json").is_file():
            continue
        try:
            yield load_run(path)
        except InputError:
            continue
