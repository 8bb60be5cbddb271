"""The texts around the table of the results screen: head, notes, legend. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from textual.content import Content

from engine.config.dataset_names import title
from tui.panels.line_fitting import Field, fit, packed
from tui.panels.tables.runs import legend_of_marks
from tui.screens.results.ranking import Ranking

NAMED_MOST = 8
"""How many unreadable directories are named; `rank` names all, with the reason for each."""
_DATA_MOST = 3
_NARROWEST = 20


def note_text(ranking: Ranking, runs_dir: Path) -> str:
    """Return that a folder is empty, and which directories are unreadable; else nothing."""
    lines = []
    if not ranking.rows:
        lines.append(f"No runs in {runs_dir} yet. To make some:")
    if ranking.broken:
        names = [line.partition(": ")[0] for line in ranking.broken]
        left = len(names) - NAMED_MOST
        more = f" and {left} more (`cifar-tui rank` names all)" if left > 0 else ""
        lines.append(f"left out, as they cannot be read: {', '.join(names[:NAMED_MOST])}{more}")
    return "\n".join(lines)


def verdict_text(ranking: Ranking, marked: Sequence[str], width: int) -> str:
    """Return what every mark means, in as few lines of `width` cells as possible."""
    notes = [*ranking.notes, *legend_of_marks(ranking.rows, marked)]
    if ranking.notes:
        notes.append("w why")
    return "\n".join(packed(notes, max(width, _NARROWEST)))


def count_words(total: int, shown: int, *, by_model: bool) -> str:
    """Return a count such as `3 of 14 runs by model`."""
    words = f"{total:,} run{'s' if total != 1 else ''}"
    words = words if shown == total else f"{shown:,} of {words}"
    return f"{words} by model" if by_model else words


def head_line(
    ranking: Ranking | None,
    runs_dir: Path,
    *,
    count: str,
    wanted: str,
    marked: int,
    order: str,
    width: int,
) -> Content:
    """Return the screen's first line.

    Args:
        ranking: the ranking that is shown; None while it is read.
        runs_dir: the folder of the runs.
        count: how many are shown, as a text.
        wanted: the text of the filter.
        marked: how many runs are marked for comparison.
        order: the column that the rows are sorted by.
        width: cells of the line.
    """
    left = [Field(Content.styled("Results", "$primary bold"), 9)]
    right = []
    if ranking is not None and ranking.rows:
        left.append(Field(Content.styled(count, "$foreground bold"), 8))
        if wanted:
            left.append(Field(Content.styled(f"/ {wanted}", "$warning"), 7))
        names = sorted({row["dataset"] for row in ranking.rows})[:_DATA_MOST]
        data = ", ".join(title(name) for name in names)
        left.append(Field(Content.styled(data, "$foreground"), 3))
        left.append(Field(Content.styled(f"in {runs_dir}", "$muted"), 2))
        if marked:
            right.append(Field(Content.styled(f"{marked} marked, c compares", "$primary"), 6))
        right.append(Field(Content.styled(f"sorted by {order}", "$muted"), 5))
    return fit(left, right, max(width, _NARROWEST)).stylize("on $panel")
