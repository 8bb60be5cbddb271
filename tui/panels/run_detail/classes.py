"""Accuracy by class as bars. Pure functions."""

from __future__ import annotations

import math

from textual.content import Content

from engine.common.text import accuracy, fitted, whole
from tui.panels.bars import bar, name_width
from tui.panels.run_detail.confusion import missing_classes
from tui.panels.run_detail.material import Material, Outcome

_LEAST_NAME = 16
_LEAST_BAR, _MOST_BAR = 24, 60
_COUNT_FROM = 52
"""Least cells in which the number of images of each class is shown."""


def classes_text(material: Material, tested: Outcome) -> Content:
    """Return a bar for each class, with the best and the worst named above."""
    names = material.class_names
    images = [int(count) for count in tested.matrix.sum(axis=1)]
    rows = list(zip(names, tested.accuracies, images, strict=True))
    known = [row for row in rows if math.isfinite(row[1])]
    if not known:
        return Content.styled("no test image of any class", "$warning")
    best, worst = max(known, key=lambda row: row[1]), min(known, key=lambda row: row[1])
    tail = 8 + (14 if material.width >= _COUNT_FROM else 0)
    left = name_width(names, max(material.width - 2 - tail - _LEAST_BAR, _LEAST_NAME))
    room = min(max(material.width - left - 2 - tail, 8), _MOST_BAR)
    lines = [_head("best", *best[:2]) + Content("   ") + _head("worst", *worst[:2]), Content("")]
    for name, share, count in known:
        line = Content.styled(fitted(name, left) + "  ", "$foreground")
        line += bar(share, room, "$validation" if name == worst[0] else "$primary")
        line += Content.styled(f"  {accuracy(share)}", "$foreground")
        if material.width >= _COUNT_FROM:
            line += Content.styled(f"  {whole(count):>5} images", "$muted")
        lines.append(line)
    return Content("\n").join([*lines, *missing_classes(names, images)])


def _head(word: str, name: str, share: float) -> Content:
    return Content.assemble(
        (f"{word} ", "$muted"), (name, "$foreground bold"), (f" {accuracy(share)}", "$foreground")
    )
