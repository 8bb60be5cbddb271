"""The program's two themes: quiet surfaces, one accent colour, amber for validation and changes."""

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
    "primary": ("#5cb8e6", "#0b6ea8"),
    "secondary": ("#8aa0b8", "#4d6277"),
    "warning": ("#f2b45c", "#a85f00"),
    "error": ("#f0717a", "#bf2f3a"),
    "success": ("#7fcf8f", "#24803a"),
    "foreground": ("#d6dce5", "#1e2630"),
    "background": ("#10141a", "#f7f8fa"),
    "surface": ("#151b23", "#eef1f5"),
    "panel": ("#1f2833", "#e1e7ee"),
}
"""Of the dark and of the light theme; Textual's own names."""
_VARIABLES = {
    "muted": ("#7d8b9c", "#66758a"),
    "line": ("#33404f", "#c2ccd8"),
    "grid": ("#232d38", "#dfe5ec"),
    "load": ("#4a6a85", "#86a9c4"),
    "validation": ("#f2b45c", "#b86800"),
    "block-cursor-background": ("#24435a", "#c9e2f3"),
    "block-cursor-foreground": ("#ffffff", "#0d1620"),
    "block-cursor-blurred-background": ("#1b2631", "#e3ebf3"),
    "footer-description-foreground": ("#aab6c4", "#3f4d5c"),
    "scrollbar-hover": ("#4a5b6e", "#a3b2c2"),
}
_SAME = {
    "primary": ("footer-key-foreground", "border", "scrollbar-active"),
    "foreground": ("block-cursor-blurred-foreground",),
    "block-cursor-background": ("screen-selection-background",),
    "block-cursor-foreground": ("screen-selection-foreground",),
    "panel": ("footer-background",),
    "line": ("border-blurred", "scrollbar"),
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


def remembered_theme() -> str:
    """Return the name of the theme chosen last; the dark one at first."""
    return LIGHT.name if read_preferences(_SECTION).get(_KEY) == LIGHT.name else DARK.name


def remember_theme(name: str) -> None:
    """Start with this theme from now on."""
    write_preferences(_SECTION, {_KEY: name})
