"""The bell and the message at a queue's end: asked for once, remembered, and one of each."""

from __future__ import annotations

from typing import Any

import pytest

from engine.protocol.events import RunEnded
from engine.protocol.facts import LayerNode
from tests.support.fake_session import FakeSession
from tests.support.screens import Running, until
from tui.settings.preferences import write_preferences
from tui.terminal.notification import WAYS, choose_next_way, chosen_way, sequence


def test_nothing_rings_until_it_is_asked_for_and_the_choice_stays() -> None:
    assert chosen_way() == "off"
    assert [choose_next_way() for _ in WAYS] == ["bell", "bell and message", "off"]
    write_preferences("notification", {"way": ["trumpet"]})
    assert chosen_way() == "off"


def test_what_is_written() -> None:
    assert sequence("off", "done") == ""
    assert sequence("bell", "done") == "\x07"
    assert sequence("bell and message", "done\x1b]0;x\x07") == "\x1b]9;done?]0;x?\x07\x07"


@pytest.mark.parametrize(
    ("presses", "written"),
    [
        (0, []),
        (2, ["\x1b]9;cifar-tui: EfficientNetLite0 completed, CustomCNN failed\x07\x07"]),
    ],
)
async def test_the_end_of_a_queue_calls_back_once(
    presses: int,
    written: list[str],
    session: FakeSession,
    running: Running,
    layers: LayerNode,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: list[str] = []
    async with running(session) as pilot:
        app: Any = pilot.app
        monkeypatch.setattr(app._driver, "write", found.append)
        await pilot.press(*["N"] * presses)
        session.begin(layers)
        session.play(RunEnded(status="completed"))
        session.begin(layers, index=1)
        session.play(RunEnded(status="failed", error="no"), index=1)
        assert found == []
        session.alive = False
        await until(pilot, lambda: app._shown.is_over)
        ticks: list[object] = []
        tick = app._shown.tick
        monkeypatch.setattr(app._shown, "tick", lambda: ticks.append(tick()))
        await until(pilot, lambda: len(ticks) > 2)
        assert [data for data in found if "\x07" in data] == written


async def test_an_end_seen_while_the_app_closes_finds_no_screen_and_does_not_fail(
    session: FakeSession, running: Running, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        session.play(RunEnded(status="completed"))
        await until(pilot, lambda: app._shown.has_started)
    session.alive = False
    for _ in range(3):
        app._show_progress()
    assert not app._shown.is_over
