"""The network under the cursor: what it is, what it costs here, what your runs of it reached."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from engine.backbones.entry import Backbone
from engine.backbones.families import Family
from engine.common.text import MISSING, Row, about_duration, accuracy, count
from engine.config.dataset_names import title

_LABEL_WIDTH = 12
_LEAST_VALUE_WIDTH = 12
_WIDEST = 80
_MOST_RUNS = 4
"""Data sets of which the runs are told."""


@dataclass(frozen=True, slots=True)
class OwnRuns:
    """The runs of one network on one data set."""

    dataset: str
    runs: int
    best: float | None
    """Their best test accuracy, 0 to 1; None where none was tested."""
    latest: float
    """Unix second at which the last one began."""

    @property
    def text(self) -> str:
        """`CIFAR-10: best 0.9312 of 3, last on 2026-11-30`."""
        name, day = title(self.dataset), time.strftime("%Y-%m-%d", time.localtime(self.latest))
        if self.best is None and self.runs == 1:
            return f"{name}: 1 run, not tested, {day}"
        if self.best is None:
            return f"{name}: {self.runs} runs, none tested, last on {day}"
        if self.runs == 1:
            return f"{name}: {accuracy(self.best)} on {day}"
        return f"{name}: best {accuracy(self.best)} of {self.runs}, last on {day}"


def own_runs(rows: Sequence[Row]) -> dict[str, list[OwnRuns]]:
    """Return what each network reached, by its name, the data set trained on last first.

    Args:
        rows: of the ranking, newest first.
    """
    groups: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        groups.setdefault(row["model"], {}).setdefault(row["dataset"], []).append(row)
    return {
        model: [_own(dataset, runs) for dataset, runs in by_dataset.items()]
        for model, by_dataset in groups.items()
    }


def _own(dataset: str, rows: Sequence[Row]) -> OwnRuns:
    tested = [row["test_accuracy"] for row in rows if row["test_accuracy"] is not None]
    latest = max(row["created_at"] for row in rows)
    return OwnRuns(dataset, len(rows), max(tested, default=None), latest)


class NetworkCard(VerticalScroll):
    """A few sentences and figures about one entry of the catalogue."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(Static(), id=id, classes="panel", can_focus=False)
        self._runs: Mapping[str, Sequence[OwnRuns]] | None = None
        self._shown: tuple[Backbone | None, Row] = (None, {})

    def on_resize(self) -> None:
        self._draw()

    def show(self, entry: Backbone | None, row: Row) -> None:
        """Show an entry, or nothing.

        Args:
            entry: of the catalogue.
            row: its row in the table of models: as it would be trained with the options chosen.
        """
        self._shown = (entry, row)
        self._draw()

    def show_runs(self, runs: Mapping[str, Sequence[OwnRuns]]) -> None:
        """Show what the networks reached here, by name."""
        self._runs = runs
        self._draw()

    def _draw(self) -> None:
        entry, row = self._shown
        self.border_title = entry.name if entry is not None else "Model"
        runs = None if self._runs is None or entry is None else self._runs.get(entry.name, ())
        width = min(self.scrollable_content_region.width, _WIDEST)
        text = Content("") if entry is None else card_text(entry, row, runs, width)
        self.query_one(Static).update(text)


def card_text(
    entry: Backbone, row: Row, runs: Sequence[OwnRuns] | None, width: int = _WIDEST
) -> Content:
    """Return what the card says; its figures are wrapped, its sentences are not yet.

    Args:
        entry: of the catalogue.
        row: its row in the table of models.
        runs: its runs in this folder; None where they were not read yet.
        width: cells of a line.
    """
    size = row["image_size"]
    cost = f"{count(row['flops'])} at {size} px" if size is not None else "not with these options"
    top1 = f"{100 * entry.imagenet_top1:.1f} % top-1" if entry.imagenet_top1 else MISSING
    seconds = row["seconds"]
    time_here = MISSING if seconds is None else f"{about_duration(seconds)} with these options"
    head = "" if entry.from_scratch else " without the head"
    lines = [
        ("parameters", f"{count(entry.parameters)}{head}"),
        ("depth", f"{entry.depth} layers"),
        ("FLOPs", cost),
        ("ImageNet", top1),
        ("weights", row["weights"] or MISSING),
        ("time here", time_here),
        *_run_lines(runs),
    ]
    facts = Content("\n").join(_fact(label, value, width) for label, value in lines)
    return facts if entry.family is None else _story(entry.family) + "\n\n" + facts


def short_story(entry: Backbone) -> Content:
    """Return name, year and idea, for where there is no room for the card."""
    family = entry.family
    if family is None:
        return Content("")
    year = f" · {family.year}" if family.year is not None else ""
    return Content.assemble((entry.name, "$foreground"), f"{year}\n{family.idea}")


def _fact(label: str, value: str, width: int) -> Content:
    room = max(width - _LABEL_WIDTH, _LEAST_VALUE_WIDTH)
    wrapped = f"\n{'':<{_LABEL_WIDTH}}".join(textwrap.wrap(value, room))
    return Content.assemble((f"{label:<{_LABEL_WIDTH}}", "$muted"), wrapped)


def _run_lines(runs: Sequence[OwnRuns] | None) -> list[tuple[str, str]]:
    if runs is None:
        return [("your runs", "")]
    texts = [own.text for own in runs[:_MOST_RUNS]] or ["none yet"]
    return list(zip(["your runs", *[""] * len(texts)], texts, strict=False))


def _story(family: Family) -> Content:
    year = f" · {family.year}" if family.year is not None else ""
    parts = [
        Content.assemble((family.name, "bold"), (year, "$muted")),
        Content(f"{family.idea} It is built of {family.built}."),
    ]
    if family.paper:
        parts.append(Content.styled(family.paper, "$muted"))
    return Content("\n").join(parts)
