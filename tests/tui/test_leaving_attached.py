"""What a signal to an attached screen does to the training that it shows: nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.protocol.events import PhaseChanged, now
from engine.protocol.facts import LayerNode
from tui.app import CifarApp
from tui.session.source import Source


async def test_a_training_that_is_paused_stays_so(
    session: Any, layers: LayerNode, tmp_path: Path, until: Callable[..., Any]
) -> None:
    session.alive = True
    app = CifarApp(Source(session, clock=now, greeting="Attached"), runs_dir=tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.is_training)
        session.begin(layers)
        session.play(PhaseChanged(phase="paused"))
        await until(pilot, lambda: app._shown is not None and _phase(app) == "paused")
        app.leave_at_once(True)
        await until(pilot, lambda: not app.is_running)
    assert session.sent == []


def _phase(app: CifarApp) -> str:
    assert app._shown is not None
    return app._shown.view().run.phase
