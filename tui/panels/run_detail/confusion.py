"""The confusion matrix as a heat map: pure."""

from __future__ import annotations

from textual.content import Content

from engine.formatting import whole
from tui.panels.run_detail.bars import name_width, shortened
from tui.panels.run_detail.material import Material, Outcome

_MOST_NAME = 10
_LEAST_CELL, _MOST_CELL = 4, 8
_TALL_ROWS_FROM = 2
_FULL_MISTAKE = 0.2
"""Share of a class's images, taken for one other class, from which on the cell is fully coloured;
in proportion to all of them mistakes would hardly be seen."""
_FAINTEST = 0.06


def confusion_text(material: Material, tested: Outcome) -> Content:
    """Rows are true classes, columns predicted ones; shades are shares of the row.

    Where not all columns fit, they keep their width, and the page scrolls sideways.
    """
    names, matrix = material.class_names, tested.matrix.tolist()
    left = name_width(names, _MOST_NAME)
    digits = max(len(str(cell)) for row in matrix for cell in row)
    least = max(digits + 1, _LEAST_CELL)
    cell = min(max((material.width - left - 1) // len(names), least), max(_MOST_CELL, least))
    lines = [_heads(names, left, cell)]
    for truth, (name, row) in enumerate(zip(names, matrix, strict=True)):
        line = Content.styled(shortened(name, left) + " ", "$foreground")
        for predicted, images in enumerate(row):
            line += _cell(material, images, sum(row), truth == predicted, cell)
        lines.append(line)
    return Content("\n").join([*lines, Content(""), *_words(material, names, matrix)])


def _heads(names: tuple[str, ...], left: int, cell: int) -> Content:
    heads = "".join(f"{name.removeprefix('class ')[: cell - 1]:>{cell - 1}} " for name in names)
    return Content.styled(f"{'':<{left + 1}}{heads}", "$muted")


def _cell(material: Material, images: int, of: int, right: bool, width: int) -> Content:
    share = images / of if of else 0.0
    heat = share if right else min(share / _FULL_MISTAKE, 1.0)
    text = f"{images or '·':>{width - 1}} "
    if not images:
        return Content.styled(text, "$line")
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
    """A line that names the classes without a test image, if there are any."""
    missing = [name for name, count in zip(names, images, strict=True) if not count]
    if not missing:
        return []
    return [Content.styled(f"no test image of {', '.join(missing)}", "$warning")]
