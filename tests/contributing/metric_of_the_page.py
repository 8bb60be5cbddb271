"""Trains a run with the metric of add-a-metric.md and prints where it shows, as JSON.

A process of its own, since the columns of a ranking are made from the table when it is imported.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from engine.metrics import catalogue
from tests.support.page import Page

PAGE = Page("add-a-metric.md")


def add_metric(patch: pytest.MonkeyPatch) -> None:
    """Add the metric as the page says."""
    module = PAGE.add_module("engine.metrics.entropy", patch)
    row = PAGE.row("engine.metrics.catalogue", module)
    catalogue.METRICS = (*catalogue.METRICS, row)


def shown(runs_dir: Path) -> dict[str, object]:
    """Train a run, and say what is recorded of the metric and where it is shown."""
    from engine.protocol.events import TestEnded
    from engine.ranking.filter import parse_filter
    from engine.ranking.index import ranking_rows
    from engine.ranking.table import rank_rows, sort_ranking
    from engine.report.table import table_text, to_csv
    from engine.runs.listing import load_run
    from tests.support.small_net import narrow_custom_cnn
    from tests.support.training import SCRATCH, trainer_in
    from tui.cli.progress_lines import ProgressLines
    from tui.panels.run_detail.facts import facts
    from tui.panels.tables.runs import RunTable

    with narrow_custom_cnn():
        trained = trainer_in(runs_dir)(SCRATCH)
    (ended,) = trained.all(TestEnded)
    said = ProgressLines((SCRATCH,))
    rows = ranking_rows(runs_dir).rows
    frame = sort_ranking(rank_rows(rows), "mean_entropy")
    return {
        "event": ended.metrics,
        "summary": load_run(trained.directory.path).summary.metrics,
        "lines": [line for event in trained.events for line in said.lines(0, "run", event)],
        "csv": to_csv(frame).splitlines()[0].split(","),
        "table": table_text(frame, 200).splitlines()[0].split(),
        "screen": [column.title for column in RunTable().columns_of(rows)],
        "facts": dict(facts(load_run(trained.directory.path), None))["test"],
        "filtered": [
            parse_filter(text).matches(rows[0]) for text in ("mean_entropy<9", "mean_entropy>9")
        ],
        "probabilities": str(trained.directory.predictions),
    }


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as patch:
        add_metric(patch)
        print(json.dumps(shown(Path(sys.argv[1]))))
