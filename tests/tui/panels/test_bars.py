"""Bars of blocks, in eighths of a cell and in whole ones."""

from __future__ import annotations

import pytest

from tui.panels.bars import bar, blocks
from tui.terminal import capabilities
from tui.terminal.ascii_marks import VARIABLE, to_ascii


@pytest.mark.parametrize(
    ("share", "eighths", "whole"),
    [
        (0.0, "", ""),
        (0.001, "▏", "█"),
        (0.5, "██", "██"),
        (0.6, "██▍", "██"),
        (2.0, "████", "████"),
    ],
)
def test_the_least_share_shows_one_part(share: float, eighths: str, whole: str) -> None:
    assert blocks(share, 4) == eighths
    assert blocks(share, 4, in_eighths=False) == whole


def test_in_ascii_a_mark_is_no_part_of_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "_current", None)
    assert to_ascii(bar(0.3, 8, mark=0.9).plain) == "##|    |"
    monkeypatch.setenv(VARIABLE, "1")
    assert to_ascii(bar(0.3, 8, mark=0.9).plain) == "##     |"
