"""Horizontal bars in eighths of a cell, with an optional mark. Pure functions."""

from __future__ import annotations

from textual.content import Content

_EIGHTHS = "▏▎▍▌▋▊▉"
MARK = "│"


def bar(share: float, cells: int, style: str = "$primary", mark: float | None = None) -> Content:
    """Return a bar that takes exactly `cells` cells.

    Args:
        share: 0 to 1 of the cells; the least share above 0 shows an eighth of a cell.
        cells: its room.
        style: of the bar.
        mark: where a thin line crosses the bar's room, 0 to 1; None for none.
    """
    share = min(max(share, 0.0), 1.0)
    eighths = max(round(share * cells * 8), 1) if share > 0 else 0
    full, rest = divmod(eighths, 8)
    text = "█" * full + (_EIGHTHS[rest - 1] if rest else "")
    line = Content.styled(text.ljust(cells), style)
    if mark is None or not cells:
        return line
    at = min(int(min(max(mark, 0.0), 1.0) * cells), cells - 1)
    over = Content.styled(MARK, f"$foreground on {style}" if at < full else "$foreground")
    return line[:at] + over + line[at + 1 :]


def name_width(names: list[str] | tuple[str, ...], most: int) -> int:
    """Return the cells that a column of names takes, at most `most`."""
    return min(max((len(name) for name in names), default=0), most)


def shortened(name: str, width: int) -> str:
    """Return the name in exactly `width` cells, cut with an ellipsis if it is longer."""
    return f"{name if len(name) <= width else name[: width - 1] + '…':<{width}}"
