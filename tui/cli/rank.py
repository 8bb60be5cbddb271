"""`cifar-tui rank`: rank the runs so far; filter, sort or group them by model."""

from __future__ import annotations

import argparse
import gc
import sys

from engine.api.results import read_rows
from engine.ranking.filter import parse_filter
from engine.ranking.table import add_targets, group_by_model, rank_rows, sort_ranking
from engine.report.table import to_csv, to_json, to_markdown
from tui.cli.output import print_table, use_utf8
from tui.cli.streams import note
from tui.settings.option_names import in_flags, named

FORMS = {"json": to_json, "csv": to_csv, "markdown": to_markdown}


def run(arguments: argparse.Namespace) -> int:
    """Print the ranking in the form asked for; a folder without runs is an empty ranking."""
    # The process ends with its output: collecting garbage would never pay off.
    gc.disable()
    try:
        return _run(arguments)
    finally:
        gc.enable()


def _run(arguments: argparse.Namespace) -> int:
    runs_dir = arguments.runs_dir
    with named("filter"):
        run_filter = parse_filter(arguments.filter or "")
    found = read_rows(runs_dir)
    for line in found.broken:
        note(f"left out {line}", as_json=arguments.json)
    if not found.rows:
        line = f"no runs in the folder {runs_dir} yet; `cifar-tui demo` trains two"
        note(line, as_json=arguments.json)
    rows = [
        row | {"error": in_flags(row["error"])} for row in found.rows if run_filter.matches(row)
    ]
    if found.rows and not rows:
        line = f"none of {len(found.rows)} runs matches the filter"
        note(line, as_json=arguments.json)
    table = rank_rows(rows)
    if arguments.time_to is not None:
        table = add_targets(table, arguments.time_to)
    if arguments.sort is not None:
        table = sort_ranking(table, arguments.sort)
    if arguments.by_model:
        table = group_by_model(table)
    for chosen, form in FORMS.items():
        if getattr(arguments, chosen):
            use_utf8(sys.stdout)
            sys.stdout.write(form(table))
            return 0
    if table.rows:
        print_table(table)
    return 0
