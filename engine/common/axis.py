"""Scales of a chart: limits, ticks at round numbers, labels. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 5.0, 10.0)
_ROUND_ENDS = 10
_LABEL_CELLS = 4
"""A longer label is written in another way where that is shorter."""
_UNITS = ((3, "k"), (6, "M"), (9, "G"), (12, "T"))
"""Powers of ten and what stands for them."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis from `low` to `high`, `low` < `high`."""

    low: float
    high: float

    def share(self, value: float) -> float:
        """Where a value lies: 0 at `low`, 1 at `high`."""
        return (value - self.low) / (self.high - self.low)

    def holds(self, value: float) -> bool:
        """Whether a value lies between the ends."""
        return self.low <= value <= self.high

    def step(self, most: int) -> float:
        """The smallest 1, 2 or 5 times a power of ten that gives at most `most` intervals."""
        rough = (self.high - self.low) / max(most, 1)
        power = 10.0 ** math.floor(math.log10(rough))
        return next(factor * power for factor in _STEPS if factor * power >= rough * (1 - 1e-9))

    def ticks(self, most: int) -> list[float]:
        """Round numbers between the ends, `most` intervals at most."""
        step = self.step(most)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [index * step for index in range(first, last + 1)]

    def labels(self, most: int) -> list[tuple[float, str]]:
        """The ticks, each with its text, all written alike and none rounded."""
        ticks = self.ticks(most)
        power = _power(self.step(most))
        return list(zip(ticks, _written(ticks, power), strict=True))


class LogAxis(Axis):
    """An axis of positive values on which equal ratios are equally far apart."""

    __slots__ = ()

    def share(self, value: float) -> float:
        """Where a value lies: 0 at `low` and at what is not positive, 1 at `high`."""
        if value <= 0:
            return 0.0
        return math.log(value / self.low) / math.log(self.high / self.low)

    def ticks(self, most: int) -> list[float]:
        """1, 2 and 5 times powers of ten between the ends; powers alone where those are many."""
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for factors in ((1, 2, 5), (1, 3), (1,)):
            ticks = [factor * 10.0**power for power in powers for factor in factors]
            held = [tick for tick in ticks if self.low * 0.999 <= tick <= self.high * 1.001]
            if len(held) <= most + 1:
                break
        return held

    def labels(self, most: int) -> list[tuple[float, str]]:
        """The ticks, each with its text."""
        return [(tick, _written([tick], _power(tick))[0]) for tick in self.ticks(most)]


def _power(value: float) -> int:
    return math.floor(math.log10(value) + 1e-9)


def _written(ticks: Sequence[float], power: int) -> list[str]:
    """Multiples of ten to the `power`, as decimals, with a unit or a power of ten."""
    wholes = [round(tick / 10.0**power) for tick in ticks]
    forms = [[f"{tick:.{max(-power, 0)}f}" for tick in ticks]]
    largest = max(map(abs, ticks), default=0.0)
    for exponent, unit in _UNITS:
        if largest >= 10.0**exponent:
            decimals = max(exponent - power, 0)
            forms.append([f"{t / 10.0**exponent:.{decimals}f}{unit}" if t else "0" for t in ticks])
    forms.append([_scientific(whole, power) for whole in wholes])
    short = (form for form in forms if max(map(len, form), default=0) <= _LABEL_CELLS)
    return next(short, None) or min(forms, key=lambda form: max(map(len, form), default=0))


def _scientific(whole: int, power: int) -> str:
    """`1e-3`, `2.5e-4`: `whole` times ten to the `power`."""
    if not whole:
        return "0"
    digits = str(abs(whole))
    exponent = power + len(digits) - 1
    rest = digits[1:].rstrip("0")
    sign = "-" if whole < 0 else ""
    return f"{sign}{digits[0]}{f'.{rest}' if rest else ''}e{exponent}"


def log_axis_over(values: Iterable[float]) -> LogAxis:
    """A logarithmic axis around the positive ones of these values, at least a factor 2 long."""
    known = [value for value in values if math.isfinite(value) and value > 0]
    low, high = min(known, default=0.1), max(known, default=1.0)
    if high < 2 * low:
        low, high = low / 2**0.5, high * 2**0.5
    return LogAxis(low / 1.05, high * 1.05)


def axis_over(values: Iterable[float], least: float, floor: float, ceiling: float) -> Axis:
    """An axis around values: round ends, at least `least` long, within `floor` and `ceiling`."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return Axis(floor, ceiling if math.isfinite(ceiling) else floor + 1.0)
    low, high = min(known), max(known)
    if high - low < least:
        middle = (low + high) / 2
        low, high = middle - least / 2, middle + least / 2
    step = Axis(low, high).step(_ROUND_ENDS)
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    low, high = max(low, floor), min(high, ceiling)
    return Axis(low, high) if low < high else Axis(low, low + least)
