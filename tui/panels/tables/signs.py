"""What the signs of the results mean: for the line below their table, and for the help."""

from __future__ import annotations

from engine.report.table import BEST, FASTEST, MIRRORED, ON_TEST, SO_FAR
from tui.panels.charts.pareto import FRONT
from tui.panels.tables.runs import DIFFERS, MARKED, PINNED

MEANINGS = {
    BEST: ("$primary", "most accurate"),
    FASTEST: ("$validation", "fastest"),
    DIFFERS: ("$warning", "other data or input size"),
    SO_FAR: ("$foreground", "so far"),
    ON_TEST: ("$foreground", "validated on the test split"),
    MIRRORED: ("$foreground", "tested with mirror images"),
}
"""Style and meaning of each mark that the line explains."""
_MORE = {
    DIFFERS: ", so that it compares unfairly",
    SO_FAR: ": the run is not finished",
}
"""What only the help has room for."""
SIGNS = (
    *((mark, style, words + _MORE.get(mark, "")) for mark, (style, words) in MEANINGS.items()),
    (MARKED, "$primary", "marked for comparison"),
    (PINNED, "$primary", "pinned to the top"),
    (FRONT, "$primary", "front of the chart: no other run beats it in both accuracy and cost"),
)
"""Mark, style and meaning of each sign."""
