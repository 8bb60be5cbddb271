"""`--slow-link`: fewer drawings, and a dialog that leaves the rest of the screen alone."""

from __future__ import annotations

from typing import Any

import pytest

import tui.session.shown
from engine.protocol.events import PhaseChanged
from engine.protocol.facts import LayerNode
from tests.support.fake_session import FakeSession, batch
from tests.support.screens import MakeApp, Running, is_open, until
from tui.__main__ import main
from tui.cli.parser import build_parser
from tui.screens.help import HelpScreen
from tui.screens.launcher.screen import LauncherScreen
from tui.terminal.slow_link import VARIABLE, is_slow, paced


@pytest.mark.parametrize(("value", "slow"), [("", False), ("0", False), ("1", True)])
def test_the_environment_says_so(value: str, slow: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, value)
    assert is_slow() is slow
    assert paced(0.5) == (2.0 if slow else 0.5)


def test_the_option_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for asked in (["--slow-link"], ["demo", "--slow-link"], ["attach", "--slow-link"]):
        assert build_parser().parse_args(asked).slow_link
    monkeypatch.setenv(VARIABLE, "")
    assert main(["--slow-link", "runs", "--runs-dir", str(tmp_path)]) == 0
    assert is_slow()


@pytest.mark.parametrize("slow", [False, True])
async def test_behind_a_dialog_only_a_good_link_is_dimmed(
    slow: bool, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "1" if slow else "")
    async with make_app(None).run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: is_open(pilot.app, LauncherScreen))
        await pilot.app.push_screen(HelpScreen())
        await until(pilot, lambda: is_open(pilot.app, HelpScreen))
        assert (pilot.app.screen.styles.background.a == 0) is slow


async def test_what_a_key_brings_is_drawn_at_once_and_batches_now_and_then(
    running: Running,
    session: FakeSession,
    layers: LayerNode,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    monkeypatch.setattr(tui.session.shown, "SLOWER", 10**9)  # routine alone would never be drawn
    async with running(session) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        session.play(batch(1, 1))
        session.play(PhaseChanged(phase="paused"))
        screen = app.screen
        await until(pilot, lambda: screen.view is not None and screen.view.run.phase == "paused")
        session.play(batch(1, 2))
        seen = app._shown._ticks
        await until(pilot, lambda: app._shown._ticks > seen + 5)
        assert screen.view.run.step == 1
        session.play(PhaseChanged(phase="training"))
        await until(pilot, lambda: screen.view.run.step == 2)
