"""The pages of a run in full: a row each, from which tabs, keys and their help come.

A row names what draws it as `package.module:name`, which `tui.panels.run_detail` imports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Reads = Literal["record", "predictions", "pictures"]
KEYED = 9
"""Pages that have a key, a digit; what comes after them is reached by the arrows."""


@dataclass(frozen=True, slots=True)
class RunPage:
    """One page."""

    name: str
    """Title of its tab, one word."""
    help: str
    """One line for the help screen and the table of keys."""
    view: str
    """`package.module:name` of a function that writes its text, from a `Material` and, where it
    reads predictions, an `Outcome`; or of a `RunView`."""
    reads: Reads = "record"
    """What has to be read for it: `pictures` are those of the mistakes, and the predictions too."""
    short: str = ""
    """The title where there is little room."""


_PANEL = "tui.panels.run_detail"
RUN_PAGES: tuple[RunPage, ...] = (
    RunPage("curves", "Curves, with freezes and rates", f"{_PANEL}.curves:CurvesPage"),
    RunPage("facts", "What was asked and reached", f"{_PANEL}.facts:facts_text"),
    RunPage(
        "confusion",
        "Confusion matrix",
        f"{_PANEL}.confusion:ConfusionPage",
        "predictions",
        short="matrix",
    ),
    RunPage("classes", "Accuracy by class", f"{_PANEL}.classes:classes_text", "predictions"),
    RunPage(
        "mistakes",
        "The most confident mistakes, drawn",
        f"{_PANEL}.mistakes:MistakesPage",
        "pictures",
    ),
    RunPage(
        "calibration",
        "Confidence against accuracy",
        f"{_PANEL}.calibration:calibration_text",
        "predictions",
        short="calib",
    ),
    RunPage("times", "Where the time went", f"{_PANEL}.times:times_text"),
    RunPage("layers", "The layers as they ended", f"{_PANEL}.layers:LayersPage"),
)
"""From left to right."""
