"""The texts around the table of the results screen: head, notes, legend. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from textual.content import Content

from engine.config.dataset_names import title
from engine.ranking.row import is_so_far
from engine.report.table import BEST, FASTEST, ON_TEST, SO_FAR
from tui.panels.line_fitting import Field, fit
from tui.panels.tables.runs import DIFFERS
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


def legend_line(ranking: Ranking, width: int) -> Content:
    """Return what every mark in the table means, on one line.

    The table itself says which runs have them. Where not all fit into `width` cells, those that
    surprise least are left out.
    """
    fields = [
        Field(Content.assemble((mark, style), (f" {words}", "$muted")), rank)
        for mark, style, words, rank in _marks_in_use(ranking)
    ]
    if ranking.marks:
        fields.append(Field(Content.assemble(("w", "$primary bold"), (" why", "$muted")), 9))
    between = Content.styled(" · ", "$muted")
    while len(fields) > 1 and between.join([it.text for it in fields]).cell_length > width:
        fields.remove(min(fields, key=lambda field: field.rank))
    return between.join([field.text for field in fields])


def _marks_in_use(ranking: Ranking) -> Iterator[tuple[str, str, str, int]]:
    """Yield each mark with its style, what it means, and how much it needs to be explained."""
    rows, marks = ranking.rows, "".join(ranking.marks.values())
    if BEST in marks:
        yield BEST, "$primary", "most accurate", 5
    if FASTEST in marks:
        yield FASTEST, "$validation", "fastest", 4
    if apart := sum(bool(row["differs"]) for row in rows):
        yield DIFFERS, "$warning", f"{count_words(apart, apart)}: other data or size", 6
    if any(is_so_far(row) and row["val_accuracy"] is not None for row in rows):
        yield SO_FAR, "$foreground", "so far", 3
    if any(row["validation"] == "test" for row in rows):
        yield ON_TEST, "$foreground", "validated on the test split", 2


def count_words(total: int, shown: int, *, by_model: bool = False) -> str:
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
