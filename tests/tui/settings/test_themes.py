"""The two themes by their tables: every colour of text is readable wherever text may stand.

That screens use no other colours is shown by `tests/tui/test_contrast.py`. The themes that Textual
brings along, and terminals of 16 colours, which have palettes of their own, are not promised.
"""

from __future__ import annotations

import pytest
from rich.color import Color as RichColor
from rich.color import ColorSystem
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
from textual.color import Color
from textual.theme import Theme

from tests.support.contrast import VISIBLE
from tui.panels.run_detail.palette import READABLE, contrast
from tui.settings.themes import DARK, LIGHT, remember_theme, remembered_theme, theme_on

SURFACES = (
    "background",
    "surface",
    "panel",
    "block-cursor-blurred-background",
    "block-cursor-background",
    "input-selection-background",
    "screen-selection-background",
)
TEXTS = (
    *("foreground", "muted", "text-muted", "primary", "secondary", "warning", "validation"),
    *("error", "success", "footer-key-foreground", "footer-description-foreground"),
    *("block-cursor-foreground", "block-cursor-blurred-foreground"),
)
GRAPHICS = ("load", "scrollbar", "scrollbar-hover", "scrollbar-active")
"""Of bars and curves; they stand on the background."""
both = pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: str(theme.name))


def colour(theme: Theme, name: str) -> Color:
    return Color.parse({**theme.to_color_system().generate(), **theme.variables}[name])


def in_256(found: Color) -> Color:
    """The colour as a terminal of 256 colours shows it."""
    reduced = RichColor.from_rgb(*found.rgb).downgrade(ColorSystem.EIGHT_BIT)
    return Color(*reduced.get_truecolor(DEFAULT_TERMINAL_THEME))


@both
@pytest.mark.parametrize("surface", SURFACES)
def test_text_is_readable_on_every_surface(theme: Theme, surface: str) -> None:
    ratios = {name: contrast(colour(theme, name), colour(theme, surface)) for name in TEXTS}
    assert {name: ratio for name, ratio in ratios.items() if ratio < READABLE} == {}


@both
def test_graphics_that_carry_a_meaning_are_visible(theme: Theme) -> None:
    behind = colour(theme, "background")
    ratios = {name: contrast(colour(theme, name), behind) for name in GRAPHICS}
    assert {name: ratio for name, ratio in ratios.items() if ratio < VISIBLE} == {}


@both
@pytest.mark.parametrize("surface", SURFACES)
def test_quiet_text_is_readable_in_256_colours(theme: Theme, surface: str) -> None:
    behind = in_256(colour(theme, surface))
    for name in ("foreground", "muted", "footer-description-foreground"):
        assert contrast(in_256(colour(theme, name)), behind) >= READABLE


@both
def test_what_is_set_differs_from_a_default_at_a_glance(theme: Theme) -> None:
    assert contrast(colour(theme, "foreground"), colour(theme, "muted")) >= 2


def test_the_terminal_chooses_until_the_user_does() -> None:
    assert remembered_theme() is None
    assert [theme_on(is_light) for is_light in (True, False, None)] == [
        LIGHT.name,
        DARK.name,
        DARK.name,
    ]
    remember_theme(DARK.name)
    assert remembered_theme() == DARK.name
