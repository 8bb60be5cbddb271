"""What is made of an environment, and what a real process makes of a real terminal."""

from __future__ import annotations

import pytest

from tui.terminal.capabilities import look

COERCED = {"LC_CTYPE": "C.UTF-8"}
"""As Python leaves the environment where the locale is C or not installed."""


@pytest.mark.parametrize(
    ("environment", "born", "is_ascii"),
    [
        ({}, {}, False),
        ({"LANG": "C"}, {}, True),
        ({"LANG": "POSIX"}, {}, True),
        ({"LANG": "C.UTF-8"}, {}, False),
        ({"LANG": "de_DE.utf8"}, {}, False),
        ({"LANG": "de_DE.ISO-8859-1"}, {}, True),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "C"}, {}, True),
        ({"LANG": "C", "LC_CTYPE": "en_US.UTF-8"}, {}, False),
        ({"LANG": "en_US.UTF-8", "LC_CTYPE": "C"}, {}, True),
        ({"LANG": "C", "LC_ALL": "", **COERCED}, {"LANG": "C"}, True),
        ({"LANG": "POSIX", **COERCED}, {}, True),
        ({"LANG": "xx_YY", **COERCED}, {"LANG": "xx_YY"}, True),
        ({"LANG": "de_DE.UTF-8", **COERCED}, {"LANG": "de_DE.UTF-8"}, False),
        ({"LANG": "de_DE.UTF-8", **COERCED}, {"LC_CTYPE": "POSIX"}, True),
        (COERCED, {}, False),
        (COERCED, {"LC_CTYPE": "C"}, True),
        (COERCED, COERCED, False),
        ({"LANG": "C", "CIFAR_TUI_ASCII": "0"}, {}, False),
        ({"LANG": "C.UTF-8", "CIFAR_TUI_ASCII": "1"}, {}, True),
    ],
)
def test_the_locale_that_was_wished_for_decides(
    environment: dict[str, str], born: dict[str, str], is_ascii: bool
) -> None:
    assert look(environment, born).is_ascii == is_ascii


@pytest.mark.parametrize(
    ("environment", "colours"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, 2**24),
        ({"TERM": "xterm-kitty"}, 256),
        ({"TERM": "xterm"}, 16),
        ({"TERM": "screen.xterm-256color", "COLORTERM": "truecolor", "STY": "1.pts"}, 256),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "STY": "1.pts"}, 256),
        ({"TERM": "screen-256color", "COLORTERM": "truecolor"}, 256),
        ({"TERM": "screen-256color", "COLORTERM": "truecolor", "TMUX": "/tmp/t"}, 2**24),
        ({"TERM": "tmux-256color", "COLORTERM": "24bit", "TMUX": "/tmp/t", "STY": "1"}, 2**24),
        ({"TERM": "screen", "COLORTERM": "24bit", "TMUX": "/tmp/t", "STY": "1"}, 16),
        ({"TERM": "linux", "COLORTERM": "truecolor"}, 16),
        (
            {
                "TERM": "xterm-256color",
                "COLORTERM": "truecolor",
                "TERM_PROGRAM": "Apple_Terminal",
            },
            256,
        ),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, 0),
        ({"TERM": "xterm", "COLORTERM": "truecolor", "NO_COLOR": "1"}, 0),
    ],
)
def test_inherited_colours_are_checked(environment: dict[str, str], colours: int) -> None:
    assert look(environment).colours == colours
