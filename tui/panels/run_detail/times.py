"""Where a run's time went, by phase and by stage, as bars. Pure functions."""

from __future__ import annotations

from textual.content import Content

from engine.common.text import fine_duration, fitted, percent
from engine.runs.summary import Summary
from engine.state.bottleneck import find_bottleneck
from engine.state.snapshot import TRAIN_PHASES
from tui.panels.bars import bar, name_width
from tui.panels.notice import held_back
from tui.panels.run_detail.material import Material, stages_of, summary_of

Row = tuple[str, float, str, str]
"""Name, seconds, style, and a note."""
_LEAST_NAME = 24
_MOST_BAR = 60
_NOTES_FROM = 64
"""Least cells in which the notes fit beside the bars."""
_LEAST_SHOWN = 0.05


def times_text(material: Material) -> Content:
    """Return the phases of the run, then its stages, each with its share of the whole."""
    summary = summary_of(material.run, material.snapshot)
    if not summary.wall_seconds:
        return Content.styled("the record holds no times", "$muted")
    phases = _phases(summary)
    stages = [
        (trained, seconds, "$primary", each)
        for _, trained, seconds, each in stages_of(material.snapshot)
    ]
    lines = _rows([*phases, *stages], summary.wall_seconds, material.width)
    head = Content.assemble(
        (fine_duration(summary.wall_seconds), "$foreground bold"),
        (" from start to end, of which ", "$muted"),
        (fine_duration(summary.train_seconds), "$primary bold"),
        (" counted as training", "$muted"),
    )
    parts = [head, Content(""), *lines[: len(phases)]]
    if stages:
        parts += [Content(""), Content.styled("stages, validation included", "$muted")]
        parts += lines[len(phases) :]
    held = None if material.snapshot is None else find_bottleneck(material.snapshot)
    if held is not None:
        parts += [Content(""), held_back(held)]
    return Content("\n").join(parts)


def _phases(summary: Summary) -> list[Row]:
    phases = [
        (name, seconds, "$primary" if name in TRAIN_PHASES else "$load", "")
        for name, seconds in summary.phase_seconds.items()
        if seconds >= _LEAST_SHOWN
    ]
    rest = summary.wall_seconds - sum(summary.phase_seconds.values())
    # The time between two phases is not worth a line; an interruption is.
    if rest > 1:
        phases.append(("in no phase", rest, "$muted", ""))
    return phases


def _rows(rows: list[Row], whole: float, width: int) -> list[Content]:
    left = name_width([row[0] for row in rows], max(_LEAST_NAME, width // 3))
    note = max((len(row[3]) + 2 for row in rows if row[3]), default=0)
    note = note if width >= _NOTES_FROM else 0
    room = min(max(width - left - 18 - note, 6), _MOST_BAR)
    longest = max((row[1] for row in rows), default=0.0) or 1.0
    return [
        Content.styled(fitted(name, left) + "  ", "$foreground")
        + bar(seconds / longest, room, style)
        + Content.styled(f"{fine_duration(seconds):>9}", "$foreground")
        + Content.styled(f"{percent(100 * seconds / whole):>7}", "$muted")
        + Content.styled(f"  {words}" if words and note else "", "$muted")
        for name, seconds, style, words in rows
    ]
