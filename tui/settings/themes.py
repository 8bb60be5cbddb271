"""The program's two themes: quiet surfaces, one accent colour, amber for validation and changes."""

from __future__ import annotations

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
DARK = Theme(
    name="cifar-dark",
    dark=True,
    primary="#5cb8e6",
    secondary="#8aa0b8",
    accent="#5cb8e6",
    warning="#f2b45c",
    error="#f0717a",
    success="#7fcf8f",
    foreground="#d6dce5",
    background="#10141a",
    surface="#151b23",
    panel="#1f2833",
    variables={
        "muted": "#7d8b9c",
        "line": "#33404f",
        "grid": "#232d38",
        "load": "#4a6a85",
        "validation": "#f2b45c",
        "block-cursor-background": "#24435a",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#1b2631",
        "block-cursor-blurred-foreground": "#d6dce5",
        "footer-background": "#1f2833",
        "footer-key-foreground": "#5cb8e6",
        "footer-description-foreground": "#aab6c4",
        "border": "#5cb8e6",
        "border-blurred": "#33404f",
        "scrollbar": "#33404f",
        "scrollbar-hover": "#4a5b6e",
        "scrollbar-active": "#5cb8e6",
        "scrollbar-background": "#10141a",
        "scrollbar-background-hover": "#10141a",
        "scrollbar-background-active": "#10141a",
        "scrollbar-corner-color": "#10141a",
    },
)
LIGHT = Theme(
    name="cifar-light",
    dark=False,
    primary="#0b6ea8",
    secondary="#4d6277",
    accent="#0b6ea8",
    warning="#a85f00",
    error="#bf2f3a",
    success="#24803a",
    foreground="#1e2630",
    background="#f7f8fa",
    surface="#eef1f5",
    panel="#e1e7ee",
    variables={
        "muted": "#66758a",
        "line": "#c2ccd8",
        "grid": "#dfe5ec",
        "load": "#86a9c4",
        "validation": "#b86800",
        "block-cursor-background": "#c9e2f3",
        "block-cursor-foreground": "#0d1620",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#e3ebf3",
        "block-cursor-blurred-foreground": "#1e2630",
        "footer-background": "#e1e7ee",
        "footer-key-foreground": "#0b6ea8",
        "footer-description-foreground": "#3f4d5c",
        "border": "#0b6ea8",
        "border-blurred": "#c2ccd8",
        "scrollbar": "#c2ccd8",
        "scrollbar-hover": "#a3b2c2",
        "scrollbar-active": "#0b6ea8",
        "scrollbar-background": "#f7f8fa",
        "scrollbar-background-hover": "#f7f8fa",
        "scrollbar-background-active": "#f7f8fa",
        "scrollbar-corner-color": "#f7f8fa",
    },
)
_SECTION, _KEY = "looks", "theme"


def remembered_theme() -> str:
    """Return the name of the theme chosen last; the dark one at first."""
    return LIGHT.name if read_preferences(_SECTION).get(_KEY) == LIGHT.name else DARK.name


def remember_theme(name: str) -> None:
    """Start with this theme from now on."""
    write_preferences(_SECTION, {_KEY: name})
