"""The theme's colours, and mixtures of them for a heat map."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from textual.color import Color
from textual.style import Style

READABLE = 4.5
"""The contrast ratio that WCAG 2.1 asks of text (AA)."""
_EXTREMES = (Color(0, 0, 0), Color(255, 255, 255))
"""One of them reaches it on any colour."""


@dataclass(frozen=True, slots=True)
class Palette:
    """The theme's colours that are mixed for a heat map."""

    background: Color
    foreground: Color
    right: Color
    """The colour of correct predictions."""
    wrong: Color
    """The colour of wrong predictions."""

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> Palette:
        """Return the palette of a theme's variables, `App.theme_variables`."""
        names = ("background", "foreground", "primary", "validation")
        return cls(*(Color.parse(variables[name]) for name in names))

    def heat(self, share: float, right: bool) -> Style:
        """Return a cell's background for a share from 0 to 1, with the most legible text colour."""
        behind = self.background.blend(
            self.right if right else self.wrong, min(max(share, 0.0), 1.0)
        )
        text = _best((self.foreground, self.background), behind)
        if contrast(text, behind) < READABLE:
            text = _best(_EXTREMES, behind)
        return Style(background=behind, foreground=text)


def _best(texts: Iterable[Color], behind: Color) -> Color:
    return max(texts, key=lambda text: contrast(text, behind))


def contrast(a: Color, b: Color) -> float:
    """Return the contrast ratio of two colours as WCAG 2.1 defines it, from 1 to 21."""
    high, low = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(color: Color) -> float:
    channels = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in color.normalized
    )
    return sum(
        weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), channels, strict=True)
    )
