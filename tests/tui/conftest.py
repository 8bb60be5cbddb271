"""Fixtures of the tests of the screens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import textual.app
import textual.pilot
from textual.screen import Screen

import tests.support.screens
import tui.app
import tui.screens.launcher.screen
import tui.settings.machine_speed
from engine.config.spec import RunSpec
from engine.protocol.events import Event
from engine.protocol.facts import LayerNode
from engine.state.snapshot import RunSnapshot
from tests.support.fake_session import (
    FakeSession,
    batch,
    epoch_end,
    frozen_but,
    small_model,
    spec_of,
)
from tests.support.handled import all_handled
from tests.support.launcher import Launcher, LauncherReader
from tests.support.screens import AnyPilot, MakeApp, OnScreen, Running, ThemedApp, Until
from tests.support.tree_reader import TreeReader
from tui.app import CifarApp
from tui.panels.charts.panel import ChartsPanel
from tui.session.source import Source


@pytest.fixture
def layers() -> LayerNode:
    """A model of two stages with a block each, and a head."""
    return small_model()


@pytest.fixture
def make_spec() -> Callable[..., RunSpec]:
    """Makes a spec of the notebook's recipe from a model's name and a seed."""
    return spec_of


@pytest.fixture
def session() -> FakeSession:
    """A session of two runs."""
    return FakeSession((spec_of(), spec_of("CustomCNN")))


@pytest.fixture
def make_session() -> type[FakeSession]:
    """Makes a session of other specs."""
    return FakeSession


@pytest.fixture
def events() -> dict[str, Callable[..., Event]]:
    """Makers of events by name: `batch`, `epoch_end`, `frozen_but`."""
    return {"batch": batch, "epoch_end": epoch_end, "frozen_but": frozen_but}


@pytest.fixture
def run() -> RunSnapshot:
    """A run of which nothing has been heard yet."""
    return RunSnapshot("run-0", spec_of())


@pytest.fixture(autouse=True)
def no_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """No screen measures the machine, which would keep it busy for seconds."""
    monkeypatch.setattr(tui.settings.machine_speed, "MEASURE_AFTER_SECONDS", 1e6)


@pytest.fixture(autouse=True)
def keys_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a key the test goes on as soon as it is handled, not when the process looks idle."""
    for module in (textual.app, textual.pilot):
        monkeypatch.setattr(module, "wait_for_idle", all_handled)


@pytest.fixture
def make_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeApp:
    """Makes an app that draws without delay, over a session or without one."""
    monkeypatch.setattr(tui.app, "REDRAW_SECONDS", 0.01)
    monkeypatch.setattr(ChartsPanel, "seconds_between_draws", 0.01)

    def make(
        session: FakeSession | None,
        start_session: Callable[[list[RunSpec]], FakeSession] | None = None,
        **options: Any,
    ) -> CifarApp:
        source = Source(
            session,
            start_session or (lambda specs: FakeSession(tuple(specs))),
            resume=lambda run: FakeSession((run.file.spec,)),
            **options,
        )
        return CifarApp(source, runs_dir=tmp_path)

    return make


@pytest.fixture
def reader() -> TreeReader:
    """Reads the layer tree and the lines below it."""
    return TreeReader()


@pytest.fixture
def until() -> Until:
    """Waits until a condition holds; fails after a minute."""
    return tests.support.screens.until


@pytest.fixture
def running(make_app: MakeApp, until: Until) -> Running:
    """Opens an app over a session, as a context, and waits until its trainer works."""

    @asynccontextmanager
    async def open_app(
        session: FakeSession, size: tuple[int, int] = (120, 40), **options: Any
    ) -> AsyncIterator[AnyPilot]:
        async with make_app(session, **options).run_test(size=size) as pilot:
            await until(pilot, lambda: session.alive)
            yield pilot

    return open_app


@pytest.fixture
def on_screen() -> OnScreen:
    """Opens one screen, without the app around it, as a context."""

    @asynccontextmanager
    async def open_screen(
        screen: Screen[Any], size: tuple[int, int] = (80, 24)
    ) -> AsyncIterator[AnyPilot]:
        async with ThemedApp().run_test(size=size) as pilot:
            await pilot.app.push_screen(screen)
            yield pilot

    return open_screen


@pytest.fixture
def started() -> list[list[RunSpec]]:
    """What the launcher of `launcher_app` started."""
    return []


@pytest.fixture
def launcher_app(
    make_app: MakeApp, started: list[list[RunSpec]], monkeypatch: pytest.MonkeyPatch
) -> CifarApp:
    """The app without a session: it opens the launcher, and notes what that starts.

    Nothing has to be downloaded for it.
    """
    monkeypatch.setattr(tui.screens.launcher.screen, "missing_files", lambda specs: [])

    def start(specs: list[RunSpec]) -> FakeSession:
        started.append(specs)
        return FakeSession(tuple(specs))

    return make_app(None, start)


@pytest.fixture
def launcher(launcher_app: CifarApp) -> Launcher:
    """Opens `launcher_app`, as a context, and waits until all of the launcher is there."""

    @asynccontextmanager
    async def open_app(size: tuple[int, int] = (80, 24)) -> AsyncIterator[LauncherReader]:
        async with launcher_app.run_test(size=size) as pilot:
            page = LauncherReader(launcher_app, pilot)
            await page.ready()
            yield page

    return open_app
