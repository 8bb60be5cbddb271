"""`cifar-tui resume`: resume an unfinished run, and then its queue."""

from __future__ import annotations

import argparse

from engine.runs.resume import find_unfinished
from tui.cli.train import train


def run(arguments: argparse.Namespace) -> int:
    """Resume from the last checkpoint, in the run's own directory.

    Raises:
        InputError: there is nothing to resume, or the run began on another backend.
    """
    record = find_unfinished(arguments.runs_dir, arguments.run)
    arguments.runs_dir = record.directory.path.parent
    return train((), arguments, resumes=record)
