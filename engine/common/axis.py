"""Scales of a chart: limits, ticks at round numbers, labels. Pure.

Shared by the charts on the screen and by those of the HTML report, so that the same figures get
the same axis everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

_STEPS = (1.0, 2.0, 5.0, 10.0)
_LOG_STEPS = ((1, 2, 5), (1, 3), (1,))
_ROUND_ENDS = 10
_LABEL_CELLS = 4
"""A longer label is written in another way where that is shorter."""
_SUFFIXES = ((3, "k"), (6, "M"), (9, "G"), (12, "T"))
"""Powers of ten and what stands for them."""
_NEARLY = 1e-9
"""How far rounding may put a tick outside an end, as a share of the axis."""
_LOG_FROM = 10.0
"""Ratio of largest to smallest amount from which the axis is logarithmic."""
_AMOUNT_MARGIN = 1.12
_LOG_MARGIN = 1.05
_LEAST_TICK = 0.05
"""Smallest tick of a logarithmic axis of amounts; below it a smaller unit reads better."""

Units = tuple[tuple[float, float, str], ...]
"""Value from which a unit is used, its divisor and its name; largest first."""
SECONDS: Units = ((7200.0, 3600.0, "h"), (120.0, 60.0, "min"), (0.0, 1.0, "s"))
COUNTS: Units = ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e3, 1e3, "K"), (0.0, 1.0, ""))


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis from `low` to `high`, `low` < `high`."""

    low: float
    high: float
    divisor: float = 1.0
    """What a value is divided by to be read in `unit`; ticks are round there."""
    unit: str = ""
    least_step: float = 0.0
    """Of its unit, between two ticks of an axis that is at least as long: 1 for what is counted."""
    is_log: ClassVar[bool] = False

    def share(self, value: float) -> float:
        """Return where a value lies: 0 at `low`, 1 at `high`."""
        return (value - self.low) / (self.high - self.low)

    def holds(self, value: float) -> bool:
        """Return whether a value lies between the ends."""
        return self.low <= value <= self.high

    def labels(self, most: int) -> list[tuple[float, str]]:
        """Return round numbers between the ends, each with its text, all written alike.

        There are `most` intervals between them at most, and no text is rounded.
        """
        low, high = self.low / self.divisor, self.high / self.divisor
        step = round_step(high - low, most)
        if self.least_step <= high - low:
            step = max(step, self.least_step)
        first, last = math.ceil(low / step - _NEARLY), math.floor(high / step + _NEARLY)
        ticks = [index * step for index in range(first, last + 1)]
        power = _power(step)
        if self.unit:
            # A suffix or a power of ten before the unit could be read as a part of it.
            texts = [f"{tick:,.{max(-power, 0)}f}" for tick in ticks]
        else:
            texts = _written(ticks, power)
        return [(tick * self.divisor, text) for tick, text in zip(ticks, texts, strict=True)]


class LogAxis(Axis):
    """An axis of positive values on which equal ratios are equally far apart."""

    __slots__ = ()
    is_log = True

    def share(self, value: float) -> float:
        """Return where a value lies: 0 at `low` and at what is not positive, 1 at `high`."""
        if value <= 0:
            return 0.0
        return math.log(value / self.low) / math.log(self.high / self.low)

    def labels(self, most: int) -> list[tuple[float, str]]:
        """Return 1, 2 and 5 times powers of ten between the ends; only the powers if many."""
        low, high = self.low / self.divisor, self.high / self.divisor
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for steps in _LOG_STEPS:
            ticks = [step * 10.0**power for power in powers for step in steps]
            ticks = [t for t in ticks if low * (1 - _NEARLY) <= t <= high * (1 + _NEARLY)]
            if len(ticks) <= most + 1:
                break
        return [(tick * self.divisor, self._text(tick)) for tick in ticks]

    def _text(self, tick: float) -> str:
        return f"{tick:,.10g}" if self.unit else _written([tick], _power(tick))[0]


def round_step(length: float, most: int) -> float:
    """Return the least 1, 2 or 5 times a power of ten that cuts `length` into `most` or fewer."""
    rough = length / max(most, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in _STEPS if factor * power >= rough * (1 - _NEARLY))


def _power(value: float) -> int:
    return math.floor(math.log10(value) + _NEARLY)


def _written(ticks: Sequence[float], power: int) -> list[str]:
    """Write multiples of ten to the `power` as decimals, with a suffix or a power of ten."""
    forms = [[f"{tick:.{max(-power, 0)}f}" for tick in ticks]]
    largest = max(map(abs, ticks), default=0.0)
    for exponent, suffix in _SUFFIXES:
        if largest >= 10.0**exponent:
            decimals = max(exponent - power, 0)
            scaled = [tick / 10.0**exponent for tick in ticks]
            forms.append([f"{tick:.{decimals}f}{suffix}" if tick else "0" for tick in scaled])
    forms.append([_scientific(round(tick / 10.0**power), power) for tick in ticks])
    short = (form for form in forms if max(map(len, form), default=0) <= _LABEL_CELLS)
    return next(short, None) or min(forms, key=lambda form: max(map(len, form), default=0))


def _scientific(whole: int, power: int) -> str:
    """Write `whole` times ten to the `power`: `1e-3`, `2.5e-4`."""
    number = Decimal(whole).scaleb(power).normalize()
    return f"{number:e}".replace("e+", "e") if whole else "0"


def axis_over(values: Iterable[float], least: float, ceiling: float = math.inf) -> Axis:
    """Return an axis around values: round ends, `least` or longer, from 0 to `ceiling` at most."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return Axis(0.0, min(ceiling, 1.0))
    low, high = min(known), max(known)
    if high - low < least:
        middle = (low + high) / 2
        low, high = middle - least / 2, middle + least / 2
    step = round_step(high - low, _ROUND_ENDS)
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    low, high = max(low, 0.0), min(high, ceiling)
    return Axis(low, high) if low < high else Axis(low, low + least)


def accuracy_axis(accuracies: Iterable[float], least: float = 0.1) -> Axis:
    """Return an axis around accuracies from 0 to 1, `least` or longer."""
    return axis_over(accuracies, least, 1.0)


def log_axis_over(values: Iterable[float]) -> LogAxis:
    """Return a logarithmic axis around the positive values, at least a factor 2 long."""
    known = [value for value in values if math.isfinite(value) and value > 0]
    low, high = min(known, default=0.1), max(known, default=1.0)
    if high < 2 * low:
        low, high = low / 2**0.5, high * 2**0.5
    return LogAxis(low / _LOG_MARGIN, high * _LOG_MARGIN)


def amount_axis_over(amounts: Sequence[float], units: Units) -> Axis:
    """Return an axis around amounts, logarithmic where they differ tenfold, in a unit that fits."""
    low, high = (min(amounts), max(amounts)) if amounts else (0.0, 1.0)
    is_log = low > 0 and high / low >= _LOG_FROM
    divisor, unit = unit_of(high, units)
    if is_log and low / divisor < _LEAST_TICK:
        divisor, unit = unit_of(math.sqrt(low * high), units)
    if is_log:
        return LogAxis(low / _AMOUNT_MARGIN, high * _AMOUNT_MARGIN, divisor, unit)
    room = (high - low) * (_AMOUNT_MARGIN - 1) or high / 2 or 1.0
    return Axis(max(low - room, 0.0), high + room, divisor, unit)


def unit_of(typical: float, units: Units) -> tuple[float, str]:
    """Return the divisor and the name of the unit in which this amount reads well."""
    _, divisor, unit = next(fit for fit in units if typical >= fit[0])
    return divisor, unit
