"""How far a layer's weights went in an epoch, as a small bar: pure."""

from __future__ import annotations

import math

LEAST = 1e-6
"""Relative change at which the bar is as good as empty."""
MOST = 1e-1
"""Relative change from which on the bar is full: a tenth of the norm of the weights."""
_ACROSS = "▏▎▍▌▋▊▉█"
_UPWARDS = "▁▂▃▄▅▆▇█"


def movement_share(moved: float) -> float:
    """Where a relative change stands from `LEAST` (0) to `MOST` (1), on a logarithmic scale.

    Each fifth is a power of ten: 1e-5 is 0.2, 1e-3 is 0.6, 1e-2 is 0.8.
    """
    if not moved > 0:
        return 0.0
    span = math.log10(MOST) - math.log10(LEAST)
    return min(max((math.log10(moved) - math.log10(LEAST)) / span, 0.0), 1.0)


def movement_bar(moved: float, cells: int) -> str:
    """The bar in exactly `cells` cells, in eighths of a cell; one cell is filled upwards.

    Blank where nothing moved, and only there: the least change shows its first eighth.
    """
    if not moved > 0:
        return " " * cells
    eighths = max(round(movement_share(moved) * 8 * cells), 1)
    full, rest = divmod(eighths, 8)
    blocks = _UPWARDS if cells == 1 else _ACROSS
    return ("█" * full + (blocks[rest - 1] if rest else "")).ljust(cells)


def movement_number(moved: float) -> str:
    """`2.1e-03`; empty where nothing moved."""
    return f"{moved:.1e}" if moved > 0 else ""
