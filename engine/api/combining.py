"""Several runs as one model: `ensemble`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Literal

from engine.api.results import Folder, Run, folder, record_of
from engine.api.waiting import OnEvent
from engine.config.kinds import unexpected
from engine.keras_setup.loading import users_settings_kept


def ensemble(
    runs: Iterable[Run | Folder],
    *,
    by: Literal["probabilities", "weights"] | None = None,
    runs_dir: Folder = "runs",
    on_event: OnEvent | None = None,
) -> Run:
    """Combine finished runs into one model, which is a run of its own, as `cifar-tui ensemble`.

    Its members are chosen from the runs by the validation images that none of them trained on.
    What interrupts it leaves nothing behind.

    Args:
        runs: two or more, of one data set: each a `Run`, its path, its id or a part of it that no
            other has.
        by: what is averaged: the `probabilities` of several networks, or the `weights` of runs of
            one network; None tries both where both are possible, and keeps the better.
        runs_dir: where runs are kept, for ids, and where the new one goes.
        on_event: called with each event of its record, in order; an exception that it raises
            interrupts the work.

    Returns:
        The run; `spec.ensemble` says what it holds.

    Raises:
        InputError: runs that do not fit together, or images that are not on this machine; nothing
            is written then.
    """
    from engine.tools.ensemble import METHODS, combine

    if isinstance(runs, (str, os.PathLike, Run)) or not isinstance(runs, Iterable):
        raise unexpected("runs", "several runs", runs)
    if by is not None and by not in METHODS:
        raise unexpected("by", " or ".join(METHODS), by)
    where = folder("runs_dir", runs_dir)
    records = [record_of(run, where) for run in runs]
    with users_settings_kept():
        return Run(combine(records, where, by, on_event or _ignore))


def _ignore(event: object) -> None:
    """Do nothing."""
