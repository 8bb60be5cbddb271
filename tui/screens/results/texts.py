"""The texts around the table of the results screen: head, notes, legend. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from textual.content import Content

from engine.common.text import Row
from engine.config.dataset_names import title
from engine.ranking.row import is_so_far
from engine.report.table import BEST, FASTEST, MIRRORED, ON_TEST, SO_FAR
from tui.panels.line_fitting import Field, fit
from tui.panels.tables.runs import DIFFERS
from tui.panels.tables.signs import MEANINGS
from tui.screens.results.ranking import Ranking
from tui.settings import keys

NAMED_MOST = 8
"""How many unreadable directories are named; `rank` names all, with the reason for each."""
_DATA_MOST = 3
_NARROWEST = 20


def note_text(ranking: Ranking, runs_dir: Path, *, offers: bool = True) -> str:
    """Return that a folder is empty, and which directories are unreadable; else nothing.

    Args:
        ranking: the runs that can be read.
        runs_dir: their folder.
        offers: whether choices of what makes runs follow, where there are none.
    """
    lines = []
    if not ranking.rows:
        words = " To make some:" if offers else ""
        lines.append(f"No runs in the folder {runs_dir} yet.{words}")
    if ranking.broken:
        names = [line.partition(": ")[0] for line in ranking.broken]
        left = len(names) - NAMED_MOST
        more = f" and {left} more (`cifar-tui rank` names all)" if left > 0 else ""
        lines.append(f"left out, as they cannot be read: {', '.join(names[:NAMED_MOST])}{more}")
    return "\n".join(lines)


def legend_line(rows: Sequence[Row], marks: Mapping[str, str], width: int) -> Content:
    """Return what every mark in the table means, on one line.

    The table itself says which runs have them. Where not all fit into `width` cells, those that
    surprise least are left out.

    Args:
        rows: of the runs that are shown.
        marks: of the most accurate and the fastest run, shown or not, by run id.
        width: cells of the line.
    """
    fields = [
        Field(Content.assemble((mark, MEANINGS[mark][0]), (f" {words}", "$muted")), rank)
        for mark, words, rank in _marks_in_use(rows, marks)
    ]
    if rows and marks:
        key = keys.written_for("results", "answers")
        fields.append(Field(Content.assemble((key, "$primary bold"), (" why", "$muted")), 9))
    between = Content.styled(" · ", "$muted")
    while len(fields) > 1 and between.join([it.text for it in fields]).cell_length > width:
        fields.remove(min(fields, key=lambda field: field.rank))
    return between.join([field.text for field in fields])


def _marks_in_use(rows: Sequence[Row], by_run: Mapping[str, str]) -> Iterator[tuple[str, str, int]]:
    """Yield each mark with what it means, and how much it needs to be explained."""
    marks = "".join(by_run.get(row["run_id"], "") for row in rows)
    says = {mark: words for mark, (_, words) in MEANINGS.items()}
    if BEST in marks:
        yield BEST, says[BEST], 5
    if FASTEST in marks:
        yield FASTEST, says[FASTEST], 4
    if apart := [row["differs"] for row in rows if row["differs"]]:
        count = count_words(len(apart), len(apart))
        yield DIFFERS, f"{count}: {_what_differs(apart)}", 6
    if any(is_so_far(row) and row["val_accuracy"] is not None for row in rows):
        yield SO_FAR, says[SO_FAR], 3
    if any(row["validation"] == "test" for row in rows):
        yield ON_TEST, says[ON_TEST], 2
    if any(row["test_time_flip"] for row in rows):
        yield MIRRORED, says[MIRRORED], 1


def _what_differs(apart: Sequence[str]) -> str:
    """Return in what these runs differ from the best one: in data, in input size, or in either."""
    parts = {part for text in apart for part in text.split(", ")}
    sizes = {part for part in parts if part.endswith(" px")}
    kinds = [*(["data"] if parts - sizes else []), *(["input size"] if sizes else [])]
    return f"other {' or '.join(kinds)}"


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
        marked: how many runs are marked.
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
            compare, combine = (keys.written_for("results", it) for it in ("compare", "combine"))
            words = f"{marked} marked, {compare} compares, {combine} combines"
            right.append(Field(Content.styled(words, "$primary"), 6))
        right.append(Field(Content.styled(f"sorted by {order}", "$muted"), 5))
    return fit(left, right, max(width, _NARROWEST)).stylize("on $panel")
