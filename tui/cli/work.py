"""`cifar-tui work`: train one run directory in this process, and nothing else."""

from __future__ import annotations

import argparse

from engine.runs.resume import find_unfinished
from tui.cli.plain import train_plainly


def run(arguments: argparse.Namespace) -> int:
    """Train it from its start or its last checkpoint; the rest of its queue is not trained.

    Returns:
        The exit status: 0 completed, 1 failed, 130 stopped, 143 interrupted by a signal.

    Raises:
        InputError: it is over or running, or began on another backend.
    """
    record = find_unfinished(arguments.runs_dir, arguments.run)
    runs_dir = record.directory.path.parent
    return train_plainly((), runs_dir, as_json=arguments.json, resumes=record, whole_queue=False)
