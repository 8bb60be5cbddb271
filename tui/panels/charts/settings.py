"""How the user wants the charts drawn, remembered from one start to the next."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from tui.settings.preferences import read_preferences, write_preferences

XUnit = Literal["epochs", "steps", "seconds"]
VALUES: dict[str, tuple[Any, ...]] = {
    "recent": (False, True),
    "x_unit": get_args(XUnit),
    "smoothing": (0.0, 0.6, 0.9),
    "log_loss": (False, True),
}
"""The values of each setting in the order in which its key goes through them, the default first."""
_SECTION = "charts"


@dataclass(frozen=True, slots=True)
class ChartSettings:
    """What the charts show and how."""

    recent: bool = False
    """Only the last part of the run, at full resolution."""
    x_unit: XUnit = "epochs"
    smoothing: float = 0.0
    """Weight of the moving average, 0 to 1; 0 draws the line as it was measured."""
    log_loss: bool = False

    def changed(self, name: str) -> ChartSettings:
        """The same with the next value of one setting; after its last value the first."""
        values = VALUES[name]
        place = values.index(getattr(self, name)) + 1
        return replace(self, **{name: values[place % len(values)]})

    def words(self, *, of_loss: bool) -> str:
        """What differs from the defaults: `recent window · smoothed 0.6 · log scale`, or empty.

        Args:
            of_loss: whether it is for the loss chart, the only one that can be logarithmic.
        """
        parts = ["recent window"] if self.recent else []
        if self.smoothing:
            parts.append(f"smoothed {self.smoothing:g}")
        if of_loss and self.log_loss:
            parts.append("log scale")
        return " · ".join(parts)


def read_settings() -> ChartSettings:
    """Read what was chosen last, with defaults for what is missing or cannot be understood."""
    found = read_preferences(_SECTION)
    known = {name: found[name] for name, values in VALUES.items() if found.get(name) in values}
    return ChartSettings(**known)


def write_settings(settings: ChartSettings) -> None:
    """Remember what was chosen."""
    write_preferences(_SECTION, asdict(settings))
