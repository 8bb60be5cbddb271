"""How the user wants the charts drawn, remembered from one start to the next."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Literal, TypeVar, get_args

from tui.settings.preferences import read_preferences, write_preferences

XUnit = Literal["epochs", "steps", "seconds"]
X_UNITS: tuple[XUnit, ...] = get_args(XUnit)
SMOOTHINGS = (0.0, 0.6, 0.9)
"""Weights of the moving average, 0 to 1; 0 draws the line as it was measured."""
_SECTION = "charts"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ChartSettings:
    """What the charts show and how."""

    recent: bool = False
    """Only the last part of the run, at full resolution."""
    x_unit: XUnit = "epochs"
    smoothing: float = 0.0
    """One of SMOOTHINGS."""
    log_loss: bool = False

    def next_unit(self) -> ChartSettings:
        """The next unit of the x axis."""
        return replace(self, x_unit=_following(X_UNITS, self.x_unit))

    def next_smoothing(self) -> ChartSettings:
        """The next stronger smoothing; none after the strongest."""
        return replace(self, smoothing=_following(SMOOTHINGS, self.smoothing))

    def words(self, *, of_loss: bool) -> str:
        """What differs from the defaults: `recent window · smoothed 0.6 · log`, or empty.

        Args:
            of_loss: whether it is for the loss chart, the only one that can be logarithmic.
        """
        parts = ["recent window"] if self.recent else []
        if self.smoothing:
            parts.append(f"smoothed {self.smoothing:g}")
        if of_loss and self.log_loss:
            parts.append("log")
        return " · ".join(parts)


def read_settings() -> ChartSettings:
    """Read what was chosen last, with defaults for what is missing or cannot be understood."""
    found, default = read_preferences(_SECTION), ChartSettings()
    unit, smoothing = found.get("x_unit"), found.get("smoothing")
    return ChartSettings(
        recent=found.get("recent") is True,
        x_unit=next((known for known in X_UNITS if known == unit), default.x_unit),
        smoothing=next((known for known in SMOOTHINGS if known == smoothing), default.smoothing),
        log_loss=found.get("log_loss") is True,
    )


def write_settings(settings: ChartSettings) -> None:
    """Remember what was chosen."""
    write_preferences(_SECTION, asdict(settings))


def _following(values: tuple[T, ...], value: T) -> T:
    return values[(values.index(value) + 1) % len(values)]
