"""The confusion matrix as a heat map, or the part of it that fits."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from textual.content import Content

from engine.common.text import fitted, shortened, whole
from tui.panels.bars import name_width
from tui.panels.run_detail.material import Material, Outcome
from tui.panels.run_detail.page import PartPage

_LEAST_NAME = 10
_LEAST_CELL, _ROOMY_CELL = 4, 8
_ELLIPSIS_FROM = 6
"""Least cells of a shortened head in which an ellipsis says that it is; in less a letter is worth
more."""
_LINES_AROUND = 5
"""Lines of the heads, a blank and the text below."""
_LEAST_ROWS = 3
_MOST_MISSING = 8
"""How many classes without an image are named."""
_FULL_MISTAKE = 0.2
"""Share of a class's images, taken for one other class, at which a cell has its full colour; on a
scale up to all of them, mistakes would hardly be visible."""
_FAINTEST = 0.06


def _further(material: Material, tested: Outcome, down: int, right: int) -> tuple[int, int] | None:
    """Go half a page further."""
    rows, columns = shown_part(material, tested)
    if len(rows) == len(columns) == len(material.class_names):
        return None
    to = (
        rows.start + down * max(len(rows) // 2, 1),
        columns.start + right * max(len(columns) // 2, 1),
    )
    rows, columns = shown_part(replace(material, corner=to), tested)
    return rows.start, columns.start


def confusion_text(material: Material, tested: Outcome) -> Content:
    """Return the matrix: rows are true classes, columns predicted ones, shades shares of the row.

    If not all fits, the part from `material.corner` on is drawn, with its names.
    """
    names, matrix = material.class_names, tested.matrix.tolist()
    left, cell = _widths(material, tested)
    rows, columns = shown_part(material, tested)
    lines = [_heads([names[i] for i in columns], left, cell)]
    for truth in rows:
        line = Content.styled(fitted(names[truth], left) + " ", "$foreground")
        of = sum(matrix[truth])
        for predicted in columns:
            line += _cell(material, matrix[truth][predicted], of, truth == predicted, cell)
        lines.append(line)
    part = _part_words(names, rows, columns)
    return Content("\n").join([*lines, Content(""), *part, *_words(material, names, matrix)])


def shown_part(material: Material, tested: Outcome) -> tuple[range, range]:
    """Return the rows and the columns of the matrix that fit, from `material.corner` on."""
    classes = len(material.class_names)
    left, cell = _widths(material, tested)
    columns = min(max((material.width - left - 1) // cell, 1), classes)
    rows = min(max(material.height - _LINES_AROUND, _LEAST_ROWS), classes)
    top, first = (
        min(max(at, 0), classes - count)
        for at, count in zip(material.corner, (rows, columns), strict=True)
    )
    return range(top, top + rows), range(first, first + columns)


def _widths(material: Material, tested: Outcome) -> tuple[int, int]:
    """Return the cells of the names and of each number."""
    names = material.class_names
    least = max(len(str(tested.matrix.max())) + 1, _LEAST_CELL)
    left = name_width(names, max(material.width - 1 - least * len(names), _LEAST_NAME))
    room = (material.width - left - 1) // len(names)
    longest = name_width(list(map(_short, names)), material.width)
    return left, min(max(room, least), max(_ROOMY_CELL, least, longest + 1))


def _part_words(names: tuple[str, ...], rows: range, columns: range) -> list[Content]:
    if len(rows) == len(columns) == len(names):
        return []
    shown = (
        f"rows {rows.start + 1}–{rows.stop}, columns {columns.start + 1}–{columns.stop} "
        f"of {len(names)} classes"
    )
    return [Content.assemble((shown, "$foreground"), ("   ↑ ↓  ⇧← ⇧→ others", "$muted"))]


def _heads(names: list[str], left: int, cell: int) -> Content:
    room = cell - 1
    shown = [_short(name) for name in names]
    cut = [shortened(it, room) if room >= _ELLIPSIS_FROM else it[:room] for it in shown]
    heads = "".join(fitted(name, room, right=True) + " " for name in cut)
    return Content.styled(f"{'':<{left + 1}}{heads}", "$muted")


def _short(name: str) -> str:
    return name.removeprefix("class ")


def _cell(material: Material, images: int, of: int, right: bool, width: int) -> Content:
    share = images / of if of else 0.0
    heat = share if right else min(share / _FULL_MISTAKE, 1.0)
    text = f"{images or '·':>{width - 1}} "
    if not images:
        return Content.styled(text, "$muted")
    return Content.styled(text, material.palette.heat(max(heat, _FAINTEST), right))


def _words(material: Material, names: tuple[str, ...], matrix: list[list[int]]) -> list[Content]:
    off = [
        (images, truth, predicted)
        for truth, row in enumerate(matrix)
        for predicted, images in enumerate(row)
        if truth != predicted and images
    ]
    if not off:
        found = Content.styled("no mistake on the test images", "$foreground")
    else:
        images, truth, predicted = max(off, key=lambda cell: cell[0])
        found = Content.assemble(
            ("most often: ", "$muted"),
            (f"{names[truth]} taken for {names[predicted]}", "$foreground bold"),
            (f", {whole(images)} of {whole(sum(matrix[truth]))} images", "$foreground"),
        )
    legend = Content.styled("rows truth · columns prediction · shade share of row", "$muted")
    return [found, legend, *missing_classes(names, [sum(row) for row in matrix])]


def missing_classes(names: tuple[str, ...], images: list[int]) -> list[Content]:
    """Return a line that names the classes without a test image, if there are any."""
    missing = [name for name, count in zip(names, images, strict=True) if not count]
    if not missing:
        return []
    words = ", ".join(missing[:_MOST_MISSING])
    if len(missing) > _MOST_MISSING:
        words += f" and {len(missing) - _MOST_MISSING} more"
    return [Content.styled(f"no test image of {words}", "$warning")]


ConfusionPage = partial(PartPage, confusion_text, _further)
"""The matrix; if not all of it fits, the arrow keys show another part."""
