"""Runs side by side as text: legend, settings, classes, and the sentences about chance: pure."""

from __future__ import annotations

import math
import textwrap

from textual.content import Content

from engine.common.text import accuracy, duration, fitted
from engine.runs.listing import RunRecord
from tui.panels.bars import name_width
from tui.panels.charts.overlay import SAMPLES, STYLES, Overlay
from tui.panels.comparison import Comparison
from tui.panels.line_fitting import longest

READING = Content.styled("reading the predictions…", "$muted")
_MOST_SETTING = 20
_MOST_VALUE = 22
_CLASS_CELL = 8
_LEAST_CLASS = 12


def overlay(comparison: Comparison, *, by_time: bool) -> Overlay:
    """The runs' validation curves over epochs or over minutes of training."""
    curves = tuple(run.by_minute if by_time else run.by_epoch for run in comparison.runs)
    return Overlay(curves, "min" if by_time else "epoch")


def legend(comparison: Comparison, width: int) -> Content:
    """A line a run: its letter and stroke, its result, and as many of its settings as fit."""
    left = name_width([run.run.file.spec.model for run in comparison.runs], 20)
    results = [_result(run.run) for run in comparison.runs]
    test, seconds = (max(map(len, texts)) for texts in zip(*results, strict=True))
    room = width - (len(SAMPLES[0]) + 4 + left + 2 + test + 2 + seconds + 2)
    lines = []
    for run, style, sample, result in zip(comparison.runs, STYLES, SAMPLES, results, strict=False):
        spec = run.run.file.spec
        forms = [f"{spec.recipe} · {spec.image_size} px · seed {spec.seed}"]
        forms += [f"{spec.recipe} · {spec.image_size} px", spec.recipe, ""]
        line = Content.assemble(
            (f"{run.letter} ", f"{style} bold"),
            (f"{sample}  ", style),
            (fitted(spec.model, left), "$foreground bold"),
            (f"  {result[0]:<{test}}  {result[1]:>{seconds}}  ", "$foreground"),
            (longest(forms, room), "$muted"),
        )
        lines.append(line)
    return Content("\n").join(lines)


def _result(run: RunRecord) -> tuple[str, str]:
    share = f"test {accuracy(run.summary.test_accuracy)}"
    test = share if run.summary.ranked else "not tested"
    return test, duration(run.summary.train_seconds)


def settings_text(comparison: Comparison, width: int) -> Content:
    """The settings that differ: short values in columns, long ones with the runs that have them."""
    if not comparison.settings:
        return Content.styled("none: all runs have the same settings", "$muted")
    left = name_width([name for name, _ in comparison.settings], _MOST_SETTING)
    room = min((width - left - 2) // len(comparison.runs), _MOST_VALUE)
    sizes = [max(map(len, values)) for _, values in comparison.settings]
    column = max((size for size in sizes if size < room), default=0) + 1
    lines = [_letters(comparison, left + 2, column)] if column > 1 else []
    for (name, values), size in zip(comparison.settings, sizes, strict=True):
        if size < room:
            cells = "".join(f"{value:<{column}}" for value in values)
            lines.append(_named(name, left) + Content.styled(cells, "$foreground"))
        else:
            lines += _shared(comparison, _named(name, left), values, width)
    return Content("\n").join(lines)


def _shared(
    comparison: Comparison, name: Content, values: tuple[str, ...], width: int
) -> list[Content]:
    """A line or more for each value, under the letters of the runs that have it."""
    lines: list[Content] = []
    indent = name.cell_length
    for value in dict.fromkeys(values):
        letters = "".join(
            run.letter for run, its in zip(comparison.runs, values, strict=True) if its == value
        )
        heads = f"{letters:<{len(values)}} "
        for part in textwrap.wrap(value, max(width - indent - len(heads), 10)) or ["–"]:
            start = name if not lines else Content(" " * indent)
            lines.append(
                start + Content.assemble((heads, "$foreground bold"), (part, "$foreground"))
            )
            heads = " " * len(heads)
    return lines


def _letters(comparison: Comparison, left: int, column: int, right: bool = False) -> Content:
    line = Content(" " * left)
    for index, run in enumerate(comparison.runs):
        text = f"{run.letter:>{column}}" if right else f"{run.letter:<{column}}"
        line += Content.styled(text, f"{STYLES[index]} bold")
    return line


def _named(name: str, left: int) -> Content:
    return Content.styled(fitted(name, left) + "  ", "$muted")


def classes_text(comparison: Comparison, width: int) -> Content:
    """Accuracy by class, a column a run, the best of each class emphasized."""
    if comparison.chance is None:
        return READING
    if not comparison.class_names:
        return Content.styled("no run here was tested, so there are no predictions", "$warning")
    room = width - _CLASS_CELL * len(comparison.runs)
    left = name_width(comparison.class_names, max(room, _LEAST_CLASS))
    lines = [_letters(comparison, left, _CLASS_CELL, right=True)]
    for place, name in enumerate(comparison.class_names):
        shares = [
            run.class_accuracies[place] if place < len(run.class_accuracies) else math.nan
            for run in comparison.runs
        ]
        best = max((share for share in shares if math.isfinite(share)), default=None)
        line = Content.styled(fitted(name, left), "$muted")
        for share in shares:
            style = "$primary bold" if share == best else "$foreground"
            line += Content.styled(f"{accuracy(share):>{_CLASS_CELL}}", style)
        lines.append(line)
    return Content("\n").join(lines)


def chance_text(comparison: Comparison) -> Content:
    """The sentences about chance, with a blank line between them."""
    if comparison.chance is None:
        return READING
    if not comparison.chance:
        return Content.styled("a single run: nothing to compare it with", "$muted")
    return Content.styled("\n\n".join(comparison.chance), "$foreground")
