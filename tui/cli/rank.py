"""`cifar-tui rank`: the runs so far, best first."""

from __future__ import annotations

import argparse
import sys

from engine.errors import InputError
from engine.ranking import rank_runs
from engine.report import to_csv, to_json, to_markdown
from engine.runs import list_runs
from tui.cli.output import print_table, use_utf8


def run(arguments: argparse.Namespace) -> int:
    """Print the ranking in the form asked for; a folder without runs is an empty ranking."""
    runs_dir = arguments.runs_dir
    if runs_dir.exists() and not runs_dir.is_dir():
        raise InputError(f"--runs-dir: expected a folder of runs, found the file {runs_dir}")
    listing = list_runs(runs_dir)
    for line in listing.broken:
        print(f"cifar-tui: left out {line}", file=sys.stderr)
    if not listing.runs:
        print(f"cifar-tui: no runs in {runs_dir} yet; `cifar-tui demo` makes two", file=sys.stderr)
    frame = rank_runs(listing)
    states = {record.run_id: record.state for record in listing.runs}
    frame["status"] = [states[run_id] for run_id in frame["run_id"]]
    for chosen, form in (("json", to_json), ("csv", to_csv), ("markdown", to_markdown)):
        if getattr(arguments, chosen):
            use_utf8(sys.stdout)
            sys.stdout.write(form(frame))
            return 0
    if listing.runs:
        print_table(frame)
    return 0
