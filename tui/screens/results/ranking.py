"""What the results screen shows, read and computed apart from it: slow, for a thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.panels.charts.pareto_data import COSTS, Cost, ParetoData, pareto_data

if TYPE_CHECKING:
    from pandas import DataFrame

    from engine.ranking.filter import RunFilter

ALIVE = frozenset({"running", "paused"})


@dataclass(frozen=True)
class Ranking:
    """A folder of runs, ready to show."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    """In the order of the ranking, best first; `status` may also be running or paused."""
    marks: dict[str, str] = field(default_factory=dict)
    """The marks of the most accurate and the fastest run, by run id."""
    notes: list[str] = field(default_factory=list)
    """What these marks mean."""
    broken: tuple[str, ...] = ()
    frame: DataFrame | None = field(default=None, compare=False, repr=False)

    def row(self, run_id: str | None) -> dict[str, Any] | None:
        """Return the row of a run, None if it is missing."""
        return next((row for row in self.rows if row["run_id"] == run_id), None)


@dataclass(frozen=True)
class View:
    """The part of a ranking that is shown."""

    only: frozenset[str] | None
    """Ids of the runs that match the filter; None if there is no filter."""
    pareto: ParetoData
    models: list[dict[str, Any]]
    """One row per model of these runs, if they are grouped."""


def read_ranking(runs_dir: Path) -> Ranking:
    """Read and rank a folder of runs; slow the first time, as it imports pandas."""
    from engine.ranking.index import ranking_rows
    from engine.ranking.table import rank_rows
    from engine.report.table import legend, marks_by_run

    found = ranking_rows(runs_dir)
    frame = rank_rows(found.rows)
    by_id = {row["run_id"]: row for row in found.rows}
    apart = zip(frame["run_id"], frame["differs"], strict=True)
    rows = [by_id[run_id] | {"differs": differs} for run_id, differs in apart]
    marks = marks_by_run(frame)
    # The legend is about the marked runs and how the accuracies were measured, not about all runs.
    telling = frame["run_id"].isin(list(marks)) | ~frame["validation"].duplicated()
    return Ranking(rows, marks, legend(frame[telling]), found.broken, frame)


def view_of(
    ranking: Ranking,
    run_filter: RunFilter | None,
    cost: Cost = COSTS[0],
    *,
    by_model: bool = False,
) -> View:
    """Filter a ranking, and compute its chart and, if requested, its models."""
    rows, only = ranking.rows, None
    if run_filter is not None:
        rows = [row for row in rows if run_filter.matches(row)]
        only = frozenset(row["run_id"] for row in rows)
    models = _models(ranking.frame, only) if by_model and ranking.frame is not None else []
    return View(only, pareto_data(rows, cost), models)


def _models(frame: DataFrame, only: frozenset[str] | None) -> list[dict[str, Any]]:
    from engine.ranking.table import group_by_model
    from engine.report.table import records

    kept = frame if only is None else frame[frame["run_id"].isin(list(only))]
    rows = records(group_by_model(kept))
    return [{**row, "group": f"{row['model']} on {row['dataset']}"} for row in rows]
