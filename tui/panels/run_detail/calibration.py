"""Calibration, the agreement of confidence and accuracy, as reliability bars. Pure functions."""

from __future__ import annotations

from textual.content import Content

from engine.analysis.predictions import CalibrationBin
from engine.common.text import accuracy, whole
from tui.panels.bars import MARK, bar
from tui.panels.run_detail.material import Material, Outcome

_MOST_BAR = 60
_FIXED = 12 + 8 + 8 + 9


def calibration_text(material: Material, tested: Outcome) -> Content:
    """Return the calibration error, and a bar for each bin that holds images."""
    found = tested.calibration
    filled = [part for part in found.bins if part.images]
    room = min(max(material.width - _FIXED, 8), _MOST_BAR)
    error = Content.assemble(
        ("ECE ", "$muted"),
        (f"{found.ece:.4f}", "$foreground bold"),
        (f", confidence is {found.ece * 100:.1f} points off on average", "$foreground"),
    )
    legend = Content.assemble(
        ("█", "$primary"),
        (" right  ", "$muted"),
        ("█", "$validation"),
        (" right, less often than stated  ", "$muted"),
        (MARK, "$foreground"),
        (" stated", "$muted"),
    )
    heads = f"{'confidence':<12}{'':<{room}}{'right':>8}{'stated':>8}{'images':>9}"
    lines = [error, legend, Content(""), Content.styled(heads, "$muted")]
    return Content("\n").join([*lines, *(_row(part, room) for part in filled)])


def _row(part: CalibrationBin, room: int) -> Content:
    style = "$validation" if part.accuracy < part.confidence else "$primary"
    numbers = f"{accuracy(part.accuracy):>8}{accuracy(part.confidence):>8}{whole(part.images):>9}"
    return (
        Content.styled(f"{part.low:.2f}–{part.high:.2f}   ", "$foreground")
        + bar(part.accuracy, room, style, mark=part.confidence)
        + Content.styled(numbers, "$foreground")
    )
