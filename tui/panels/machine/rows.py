"""Rows of the machine panel: a label, a number, and a bar or a curve of it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from engine.common.text import byte_size, shortened
from tui.panels.progress import bar

LABEL_WIDTH = 8
NUMBER_WIDTH = 7
ROOM_TAKEN = LABEL_WIDTH + NUMBER_WIDTH + 2
"""Cells of a row before its bar or curve."""
_LEVELS = "▁▂▃▄▅▆▇█"
_HOT_PERCENT = 90.0
_SHORTEST_BAR = 4
"""Beside its limit."""


def row(label: str | Content, number: str, rest: Content) -> Content:
    """Make a row: label left, number right, then `rest`."""
    words = label if isinstance(label, Content) else Content.styled(label, "$muted")
    return Content.assemble(
        words.pad_right(max(LABEL_WIDTH - words.cell_length, 0)),
        (f"{number:>{NUMBER_WIDTH}}  ", "$foreground"),
        rest,
    )


def note_row(label: str | Content, note: str, style: str, width: int) -> Content:
    """Make a row of what has no reading, and why; where `width` is short, the reason alone."""
    if len(note) <= width - ROOM_TAKEN:
        return row(label, percent(None), Content.styled(note, style))
    words = label if isinstance(label, Content) else Content.styled(label, "$muted")
    words = words.pad_right(max(LABEL_WIDTH - words.cell_length, 1))
    return words + Content.styled(shortened(note, max(width - words.cell_length, 0)), style)


def share_row(label: str, number: str, share: float | None, limit: str, room: int) -> Content:
    """Make a row of a number, its share of a limit as a bar, and the limit.

    Args:
        label: what is measured.
        number: as text.
        share: from 0 to 1; None, for no bar, where it is not known.
        limit: as text.
        room: cells for bar and limit; where it is short, the bar alone.
    """
    note = f" {limit:>{NUMBER_WIDTH}}"
    if share is None:
        return row(label, number, Content.styled(limit if len(limit) <= room else "", "$muted"))
    if room - len(note) < _SHORTEST_BAR:
        note = ""
    length = room - len(note)
    hot = 100 * share >= _HOT_PERCENT
    drawn = bar(share, length, "$warning" if hot else "$primary")
    return row(label, number, drawn + Content.styled(note, "$muted"))


def memory_row(label: str, used: int | None, total: int | None, room: int) -> Content:
    """Make a row of bytes in use, of how many."""
    if used is None or not total:
        return row(label, "N/A", Content(""))
    return share_row(label, byte_size(used), used / total, byte_size(total), room)


def percent(value: float | None) -> str:
    """Format a share from 0 to 100; `N/A` without a reading, which is not 0."""
    return "N/A" if value is None else f"{value:.0f} %"


def level(percent: float) -> str:
    """Draw a block as high as the share."""
    return _LEVELS[min(int(max(percent, 0.0) / 100 * len(_LEVELS)), len(_LEVELS) - 1)]


def sparkline(values: Sequence[float | None], length: int) -> Content:
    """Draw the last `length` shares from 0 to 100, the newest rightmost; a dot where unknown."""
    last = list(values)[-length:]
    blocks = "".join("·" if value is None else level(value) for value in last)
    return Content.assemble((" " * (length - len(last)), ""), (blocks, "$load"))


def cores(percents: Sequence[float], length: int) -> Content:
    """Draw a bar a core where there is room, else a block a core, else blocks of several cores."""
    count = len(percents)
    if not count:
        return Content("")
    each = (length - (count - 1)) // count
    if each >= 4:
        return Content(" ").join([bar(percent / 100, each) for percent in percents])
    per_block = -(-count // length)
    means = [
        sum(percents[i : i + per_block]) / len(percents[i : i + per_block])
        for i in range(0, count, per_block)
    ]
    return Content.styled("".join(level(mean) for mean in means), "$load")
