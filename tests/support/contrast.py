"""Reading the colours of a screen under test: which text is too faint on what it stands on."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from rich.segment import Segment
from textual.color import Color
from textual.widget import Widget

from tests.support.screens import AnyPilot, drawn
from tui.panels.run_detail.palette import READABLE, contrast

VISIBLE = 3.0
"""The contrast ratio that WCAG 2.1 asks of graphics that carry a meaning."""
DECORATION = frozenset("─━│┃╭╮╰╯└┘┌┐├┤┬┴┼┈┊▔▁▏▎▕▊▌▐▀▄")
"""Frames, grids, guides, the track of a progress bar, the halves of which pictures are made."""


class Faint(NamedTuple):
    """A piece of text on a screen whose contrast is too low."""

    text: str
    ratio: float
    colour: str
    behind: str
    widget: str


def least(character: str) -> float:
    """Return the contrast that a character needs: 0 for blanks and decoration."""
    if character.isspace() or character in DECORATION:
        return 0.0
    kind = unicodedata.category(character)[0]
    return READABLE if kind in "LNP" or character.isascii() else VISIBLE


def faint(pilot: AnyPilot) -> list[Faint]:
    """Return what is too faint on the screen; what is disabled may be, as WCAG has it."""
    found: dict[tuple[str, str, str], Faint] = {}
    for y, strip in enumerate(drawn(pilot)):
        x = 0
        for segment in strip:
            for piece in _faint_in(segment):
                widget, _ = pilot.app.screen.get_widget_at(x, y)
                if not _is_inactive(widget):
                    name = f"{type(widget).__name__}#{widget.id or ''}"
                    found.setdefault(
                        (piece.colour, piece.behind, name), piece._replace(widget=name)
                    )
            x += segment.cell_length
    return sorted(found.values(), key=lambda piece: piece.ratio)


def _faint_in(segment: Segment) -> Iterator[Faint]:
    needed = max(map(least, segment.text), default=0.0)
    if not needed:
        return
    style = segment.style
    assert style is not None, segment
    assert not style.dim, segment  # Textual has made a colour of it
    assert style.color is not None, segment
    assert style.bgcolor is not None, segment
    colour, behind = (Color.from_rich_color(part) for part in (style.color, style.bgcolor))
    if style.reverse:
        colour, behind = behind, colour
    ratio = contrast(colour, behind)
    if ratio < needed:
        yield Faint(segment.text.strip(), ratio, colour.hex, behind.hex, "")


def _is_inactive(widget: Widget) -> bool:
    return any(
        isinstance(node, Widget) and (node.disabled or node.has_class("-disabled"))
        for node in widget.ancestors_with_self
    )
