"""What the marks of the layer tree mean: a line beside it, and all of them for the help: pure."""

from __future__ import annotations

from tui.panels.layers.columns import SCALE
from tui.panels.layers.row_state import GLYPHS
from tui.panels.line_fitting import longest

SIGNS = (
    (GLYPHS["trains"], "$primary", "trains"),
    (GLYPHS["some"], "$primary", "some layers of the group train"),
    (GLYPHS["frozen"], "$muted", "frozen: its weights stay as they are"),
    (GLYPHS["locked"], "$muted", "locked: BatchNormalization keeps its statistics"),
    ("→", "$warning", "asked for, waits for the epoch's end"),
    ("█▌", "$load", "change of the weights in the last epoch"),
    (SCALE, "$muted", "scale of the bar: relative change, logarithmic"),
    ("── above, kept", "$secondary", "layers above: computed once, their output kept"),
    ("red", "$error", "moved while frozen, which must not happen"),
)
"""Mark, style and meaning of each sign."""
_BARS = "bar: moved in the last epoch"
_ALL = "bar: change of the weights in the last epoch, log scale"
_PANEL = (
    f"{_ALL} · kept: frozen above, computed once · locked: BatchNormalization · → waits",
    f"{_BARS} · kept: computed once · locked: BatchNorm",
    f"{_BARS} · ? signs",
    "? explains the signs",
)
_ENDED = (f"{_ALL} · locked: BatchNormalization", f"{_BARS} · locked: BatchNorm", _BARS)


def legend(width: int) -> str:
    """Explain the marks of the training screen's tree in the longest form that fits, or not."""
    return _within(_PANEL, width)


def ended_legend(width: int) -> str:
    """Explain those of a run that has ended, in which nothing waits and no features are kept."""
    return _within(_ENDED, width)


def _within(forms: tuple[str, ...], width: int) -> str:
    return longest((*forms, ""), width)
