"""The legend of the layer tree: every mark is explained, in the room there is, in ASCII too."""

from __future__ import annotations

import pytest

from tui.panels.layers.columns import SCALE
from tui.panels.layers.legend import SIGNS, ended_legend, legend
from tui.panels.layers.row_state import GLYPHS
from tui.screens.help import help_text
from tui.terminal.ascii_marks import to_ascii

ROOM_IN_HELP = 48
"""Beside the signs, in a terminal of 80 columns."""


def test_help_explains_every_mark_right_after_the_keys_of_the_tree() -> None:
    marks = [mark for mark, _, _ in SIGNS]
    assert {mark for mark in GLYPHS.values() if mark.strip()} | {SCALE, "→"} <= set(marks)
    assert len({to_ascii(mark) for mark in marks}) == len(marks)
    told = help_text(("layers", "training")).plain
    assert told.index("Find a layer") < told.index("Signs in the") < told.index("Training")
    for mark, _, meaning in SIGNS:
        assert f"  {mark:<18}{meaning}" in told
        assert len(meaning) <= ROOM_IN_HELP


@pytest.mark.parametrize("say", [legend, ended_legend])
def test_a_legend_is_never_longer_than_its_room(say: object) -> None:
    assert callable(say)
    for width in range(130):
        assert len(say(width)) <= width
    assert "last epoch" in say(40)
    assert "waits" in legend(140)
    assert "waits" not in ended_legend(140)
