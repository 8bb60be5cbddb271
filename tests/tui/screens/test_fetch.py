"""The screen that fetches what is not here, over a server on this machine."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import io
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import h5py
import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from engine.backbones.catalogue import find_backbone
from engine.backbones.entry import WeightsFile
from engine.download.mirror import MIRROR_VARIABLE
from engine.tools.fetching import Needed
from tests.support.loopback import LoopbackServer, Route
from tui.screens.fetch import FetchScreen
from tui.screens.launcher.form import RunForm
from tui.screens.launcher.screen import ALL_HERE, LauncherScreen

Until = Callable[[Pilot[Any], Callable[[], object]], Awaitable[None]]
MakeApp = Callable[..., Any]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with nothing in it, and a mirror with nothing in it."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv(MIRROR_VARIABLE, "")
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "manifest.json").write_text('{"format": 1, "files": []}')
    return tmp_path


@pytest.fixture
def content() -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as h5:
        h5["weights"] = list(range(5000))
    return file.getvalue()


def needs(url: str, content: bytes, name: str = "small.h5") -> Needed:
    file = WeightsFile(name, url, len(content), f"sha256:{hashlib.sha256(content).hexdigest()}")
    backbone = dataclasses.replace(find_backbone("VGG16"), weights=(file,))
    return Needed(name, "weights", bytes=len(content), backbone=backbone, file=file)


def said(pilot: Pilot[Any]) -> str:
    return "\n".join(
        str(pilot.app.screen.query_one(f"#fetch-{part}", Static).render())
        for part in ("head", "lines", "note")
    )


async def test_files_come_one_after_the_other_and_what_fails_is_named(
    make_app: MakeApp, until: Until, loopback: LoopbackServer, content: bytes
) -> None:
    good = needs(loopback.serve("/w", content), content)
    bad = needs(loopback.url("/gone"), content, "gone.h5")
    async with make_app(None).run_test(size=(120, 30)) as pilot:
        await pilot.app.push_screen(FetchScreen([bad, good]))
        await until(pilot, lambda: "not all of it could be had" in said(pilot))
        assert "the server says 404" in said(pilot)
        assert "✓ small.h5  fetched" in said(pilot)
        assert "1 of 2 here" in said(pilot)
        await pilot.app.push_screen(FetchScreen([good]))
        await until(pilot, lambda: "all of it is here" in said(pilot))
        assert loopback.requests == ["/gone", "/w"]


async def test_a_disk_that_cannot_be_asked_is_said(
    make_app: MakeApp, until: Until, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(path: object) -> None:
        raise OSError(errno.ESTALE, "Stale file handle", str(path))

    monkeypatch.setattr(shutil, "disk_usage", gone)
    async with make_app(None).run_test(size=(120, 30)) as pilot:
        await pilot.app.push_screen(FetchScreen([needs("http://127.0.0.1:9/", content)]))
        await until(pilot, lambda: "Stale file handle" in said(pilot))


async def test_escape_cancels_and_keeps_what_came(
    make_app: MakeApp,
    until: Until,
    loopback: LoopbackServer,
    content: bytes,
    home: Path,
) -> None:
    slow = needs(loopback.serve("/w", Route(content, stall_after=20_000)), content)
    async with make_app(None).run_test(size=(120, 30)) as pilot:
        screen = FetchScreen([slow])
        await pilot.app.push_screen(screen)
        await until(pilot, lambda: "19.5 KB of" in said(pilot))
        assert "█" in said(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, LauncherScreen))
    loopback.closing.set()
    screen._thread.join(10)
    assert not screen._thread.is_alive()
    (part,) = (home / "cache").rglob("*.part")
    assert part.stat().st_size == 20_000


async def test_the_launcher_fetches_what_is_missing(
    make_app: MakeApp, until: Until, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MIRROR_VARIABLE, str(home / "mirror"))
    async with make_app(None).run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: pilot.app.screen.query_one(RunForm).is_filled)
        summary = pilot.app.screen.query_one("#launcher-summary", Static)
        await until(pilot, lambda: "2 runs" in str(summary.render()))
        await pilot.press("f")
        await until(pilot, lambda: isinstance(pilot.app.screen, FetchScreen))
        # weights are bundled or none: only the data are missing, and the mirror lacks them
        await until(pilot, lambda: "✗ cifar10" in said(pilot))
        assert "0 of 1 here" in said(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, LauncherScreen))
        pilot.app.screen.query_one("#field-dataset", Input).value = "digits"
        await until(pilot, lambda: "handwritten digits" in str(summary.render()))
        await pilot.press("f")
        await until(pilot, lambda: [n.message for n in pilot.app._notifications] == [ALL_HERE])
