"""The program's two themes: quiet surfaces, one accent colour, amber for validation and changes.

Text has three strengths. `$foreground` is what the user set, or what was measured; `$muted` is what
nobody set, such as a default, and what explains: the name beside a value, a unit, a hint;
`$primary` is what the keys act on now, or the best. Amber (`$warning`, `$validation`) is
validation, and what has changed or may surprise.

Every text has a contrast of 4.5 on every surface, as WCAG 2.1 asks (AA), in 256 colours too if it
is `$foreground` or `$muted`; graphics that carry a meaning have 3. `$line` and `$grid` are for
decoration only. Textual's own themes, which the palette offers, promise nothing.
"""

from __future__ import annotations

from typing import Any

from textual.theme import Theme

from tui.settings.preferences import read_preferences, write_preferences

OTHER_THEMES = {
    "muted": "#808a94",
    "line": "#5a6570",
    "grid": "#5a6570",
    "load": "#5f87a8",
    "validation": "#d9962f",
}
"""Variables of the stylesheets that Textual's own themes lack."""
_COLOURS = {
    "primary": ("#5cb8e6", "#0a649a"),
    "secondary": ("#8fa6bf", "#4a5f74"),
    "warning": ("#f2b45c", "#984a00"),
    "error": ("#f4828a", "#b32834"),
    "success": ("#7fcf8f", "#1a6b2f"),
    "foreground": ("#dfe5ec", "#161d26"),
    "background": ("#10141a", "#f7f8fa"),
    "surface": ("#151b23", "#eef1f5"),
    "panel": ("#1f2833", "#e3e8ee"),
}
"""Of the dark and of the light theme; Textual's own names."""
_VARIABLES = {
    "muted": ("#929fad", "#505b68"),
    "line": ("#33404f", "#c2ccd8"),
    "grid": ("#232d38", "#dfe5ec"),
    "load": ("#5f87a8", "#5884a5"),
    "block-cursor-background": ("#122e5c", "#cbe3f4"),
    "block-cursor-foreground": ("#ffffff", "#0d1620"),
    "block-cursor-blurred-background": ("#1a2430", "#e3ebf3"),
    "footer-description-foreground": ("#aab6c4", "#3f4d5c"),
    "scrollbar": ("#5a697b", "#808d9c"),
    "scrollbar-hover": ("#74859a", "#6b7989"),
}
_SAME = {
    "primary": ("footer-key-foreground", "border", "scrollbar-active"),
    "warning": ("validation",),
    "muted": ("text-muted",),
    "foreground": ("block-cursor-blurred-foreground",),
    "block-cursor-foreground": ("screen-selection-foreground",),
    "panel": ("footer-background",),
    "line": ("border-blurred",),
    "block-cursor-background": ("input-selection-background", "screen-selection-background"),
    "background": (
        *("scrollbar-background", "scrollbar-background-hover", "scrollbar-background-active"),
        "scrollbar-corner-color",
    ),
}
"""Variables that are another colour."""


def _theme(name: str, *, dark: bool) -> Theme:
    place = 0 if dark else 1
    colours: dict[str, Any] = {key: pair[place] for key, pair in _COLOURS.items()}
    variables = {key: pair[place] for key, pair in _VARIABLES.items()}
    known = colours | variables
    variables |= {key: known[of] for of, keys in _SAME.items() for key in keys}
    variables["block-cursor-text-style"] = "none"
    return Theme(name, dark=dark, accent=known["primary"], variables=variables, **colours)


DARK, LIGHT = _theme("cifar-dark", dark=True), _theme("cifar-light", dark=False)
_SECTION, _KEY = "looks", "theme"


def remembered_theme() -> str | None:
    """Return the name of the theme that the user chose last; None if they never did."""
    name = read_preferences(_SECTION).get(_KEY)
    return next((theme.name for theme in (DARK, LIGHT) if theme.name == name), None)


def theme_on(is_light: bool | None) -> str:
    """Return the name of the theme for a terminal's background; the dark one if it is unknown."""
    return LIGHT.name if is_light else DARK.name


def remember_theme(name: str) -> None:
    """Start with this theme from now on."""
    write_preferences(_SECTION, {_KEY: name})
