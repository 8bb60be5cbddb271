"""The table of epochs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.app import ComposeResult
from textual.screen import Screen

from engine.state.snapshot import RunSnapshot
from tests.support.screens import OnScreen, shows, until
from tui.panels.epochs import EpochsPanel, epoch_lines

Ends = dict[str, Callable[..., Any]]


@pytest.fixture
def trained(run: RunSnapshot, events: Ends) -> RunSnapshot:
    """Forty epochs, the third the best."""
    ends = [events["epoch_end"](epoch, 0.5, 1 + epoch // 30) for epoch in range(1, 41)]
    ends[2] = replace(ends[2], val_accuracy=0.8125)
    return replace(run, ended_epochs=tuple(ends), best_epoch=3, epochs=60)


def test_an_epoch_is_a_line_and_the_best_is_marked(trained: RunSnapshot) -> None:
    heads, rows = (part.plain.splitlines() for part in epoch_lines(trained, 48))
    assert heads[1].split() == ["epoch", "stage", "loss", "acc.", "loss", "acc.", "s", "rate"]
    assert rows[2].split() == ["★", "3", "1", "1.000", "0.600", "0.900", "0.812", "4.0", "1.0e-03"]
    assert rows[39].split() == ["40", "2", "1.000", "0.600", "0.900", "0.500", "4.0", "1.0e-03"]
    assert {len(line) for line in (*heads, *rows)} == {48}
    assert sum("★" in row for row in rows) == 1


@pytest.mark.parametrize(("width", "left_out"), [(44, "rate"), (38, "stage"), (32, "s")])
def test_the_least_important_columns_go_first(
    trained: RunSnapshot, width: int, left_out: str
) -> None:
    heads, rows = (part.plain.splitlines() for part in epoch_lines(trained, width))
    assert left_out not in heads[1].split()
    assert max(map(len, (*heads, *rows))) <= width


def test_numbers_that_are_none_or_huge_keep_their_columns(run: RunSnapshot, events: Ends) -> None:
    broken = replace(events["epoch_end"](1, math.nan), val_loss=math.nan, loss=123_456.7)
    _, rows = epoch_lines(replace(run, ended_epochs=(broken,)), 60)
    assert rows.plain.split() == ["1", "1", "1.235e+05", "0.600", "–", "–", "4.0", "1.0e-03"]


def test_before_the_first_epoch_has_ended_it_says_what_comes(run: RunSnapshot) -> None:
    assert epoch_lines(run, 48)[1].plain == "each epoch that ends is a line here"


async def test_the_newest_epoch_is_in_view_unless_the_user_reads_further_up(
    trained: RunSnapshot, on_screen: OnScreen
) -> None:
    class EpochsScreen(Screen[None]):
        def compose(self) -> ComposeResult:
            yield EpochsPanel()

    def first(count: int) -> RunSnapshot:
        return replace(trained, ended_epochs=trained.ended_epochs[:count])

    async with on_screen(EpochsScreen(), (60, 12)) as pilot:
        panel = pilot.app.screen.query_one(EpochsPanel)
        panel.snapshot = first(30)
        await until(pilot, lambda: shows(pilot, " 30     2 "))
        assert shows(pilot, "epoch stage")
        panel.snapshot = first(31)
        await until(pilot, lambda: shows(pilot, " 31     2 "))
        panel.focus()
        await pilot.press("home")
        await until(pilot, lambda: shows(pilot, "  1     1 "))
        panel.snapshot = first(32)
        await until(pilot, lambda: panel.max_scroll_y == 32 + 2 - 12)
        assert shows(pilot, "  1     1 ")
        assert shows(pilot, "epoch stage")
