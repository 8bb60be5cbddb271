"""Horizontal bars in eighths of a cell, in ASCII of whole ones, and the names beside them."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from engine.common.text import cell_width
from tui.terminal.capabilities import current

_EIGHTHS = "▏▎▍▌▋▊▉"
MARK = "│"


def bar(share: float, cells: int, style: str = "$primary", mark: float | None = None) -> Content:
    """Return a bar that takes exactly `cells` cells.

    Args:
        share: 0 to 1 of the cells.
        cells: its room.
        style: of the bar.
        mark: where a thin line crosses the bar's room, 0 to 1; None for none.
    """
    text = blocks(share, cells, in_eighths=not current().is_ascii)
    line = Content.styled(text.ljust(cells), style)
    if mark is None or not cells:
        return line
    at = min(int(min(max(mark, 0.0), 1.0) * cells), cells - 1)
    is_on_bar = at < text.count("█")
    over = Content.styled(MARK, f"$foreground on {style}" if is_on_bar else "$foreground")
    return line[:at] + over + line[at + 1 :]


def blocks(share: float, cells: int, *, in_eighths: bool = True) -> str:
    """Return a bar as text; the least share above 0 shows an eighth of a cell.

    Args:
        share: 0 to 1 of the cells.
        cells: of a whole bar.
        in_eighths: whether they can be shown; else it is of whole cells, at least one.
    """
    parts = 8 if in_eighths else 1
    done = max(round(min(max(share, 0.0), 1.0) * cells * parts), 1) if share > 0 else 0
    full, rest = divmod(done, parts)
    return "█" * full + (_EIGHTHS[rest - 1] if rest else "")


def name_width(names: Sequence[str], most: int) -> int:
    """Return the cells that a column of names takes, at most `most`."""
    return min(max(map(cell_width, names), default=0), most)
