"""What the results screen shows, read and computed apart from it: slow, for a thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.panels.charts.pareto_data import COSTS, Cost, ParetoData, pareto_data

if TYPE_CHECKING:
    from engine.ranking.filter import RunFilter
    from engine.ranking.table import RankingTable

ALIVE = frozenset({"running", "paused"})


@dataclass(frozen=True)
class Ranking:
    """A folder of runs, ready to show."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    """In the order of the ranking, best first; `status` may also be running or paused."""
    marks: dict[str, str] = field(default_factory=dict)
    """The marks of the most accurate and the fastest run, by run id."""
    broken: tuple[str, ...] = ()
    table: RankingTable | None = field(default=None, compare=False, repr=False)

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
    """Read and rank a folder of runs; slow the first time, as it reads all of them."""
    from engine.ranking.index import ranking_rows
    from engine.ranking.table import rank_rows
    from engine.report.table import marks_by_run

    found = ranking_rows(runs_dir)
    table = rank_rows(found.rows)
    return Ranking(table.rows, marks_by_run(table), found.broken, table)


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
    models = _models(ranking.table, only) if by_model and ranking.table is not None else []
    return View(only, pareto_data(rows, cost), models)


def _models(table: RankingTable, only: frozenset[str] | None) -> list[dict[str, Any]]:
    from engine.ranking.table import group_by_model

    kept = table if only is None else table.only(only)
    rows = group_by_model(kept).rows
    return [{**row, "group": f"{row['model']} on {row['dataset']}"} for row in rows]
