"""The screen that fetches what is not here, over a server on this machine."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import io
import shutil
from pathlib import Path

import h5py
import pytest

import tui.screens.fetch
import tui.screens.launcher.screen
from engine.backbones.catalogue import find_backbone
from engine.backbones.entry import WeightsFile
from engine.tools.fetching import Needed, needed_weights
from tests.support.launcher import Launcher
from tests.support.loopback import LoopbackServer, Route
from tests.support.screens import AnyPilot, OnScreen, is_open, messages, text_of, until
from tui.screens.fetch import FetchScreen
from tui.screens.launcher.inputs import missing_files
from tui.screens.launcher.screen import ALL_HERE, LauncherScreen


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with nothing in it."""
    monkeypatch.setattr(tui.screens.fetch, "_TICK_SECONDS", 0.01)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
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
    return dataclasses.replace(needed_weights(backbone), name=name)


def said(pilot: AnyPilot) -> str:
    if not pilot.app.screen.query("#fetch-note"):
        return ""  # it is not composed yet
    return "\n".join(text_of(pilot.app, f"#fetch-{part}") for part in ("head", "lines", "note"))


async def test_files_come_one_after_the_other_and_what_fails_is_named(
    on_screen: OnScreen, loopback: LoopbackServer, content: bytes
) -> None:
    good = needs(loopback.serve("/w", content), content)
    bad = needs(loopback.url("/gone"), content, "gone.h5")
    async with on_screen(FetchScreen([bad, good]), (120, 30)) as pilot:
        await until(pilot, lambda: "some downloads failed" in said(pilot))
        assert "found HTTP status 404" in said(pilot)
        assert "✓ small.h5  fetched" in said(pilot)
        assert "1 of 2 here" in said(pilot)
        await pilot.app.push_screen(FetchScreen([good]))
        await until(pilot, lambda: "everything is here" in said(pilot))
        assert loopback.requests == ["/gone", "/w"]


async def test_a_disk_that_cannot_be_asked_is_said(
    on_screen: OnScreen, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(path: object) -> None:
        raise OSError(errno.ESTALE, "Stale file handle", str(path))

    monkeypatch.setattr(shutil, "disk_usage", gone)
    async with on_screen(FetchScreen([needs("http://127.0.0.1:9/", content)]), (120, 30)) as pilot:
        await until(pilot, lambda: "Stale file handle" in said(pilot))


async def test_escape_cancels_and_keeps_what_came(
    on_screen: OnScreen,
    loopback: LoopbackServer,
    content: bytes,
    home: Path,
) -> None:
    slow = needs(loopback.serve("/w", Route(content, stall_after=20_000)), content)
    screen = FetchScreen([slow])
    async with on_screen(screen, (120, 30)) as pilot:
        await until(pilot, lambda: "19.5 KB of" in said(pilot))
        assert "█" in said(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: not is_open(pilot.app, FetchScreen))
    loopback.closing.set()
    screen._thread.join(10)
    assert not screen._thread.is_alive()
    (part,) = (home / "cache").rglob("*.part")
    assert part.stat().st_size == 20_000


@pytest.mark.usefixtures("published_here")
async def test_the_launcher_fetches_what_is_missing(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tui.screens.launcher.screen, "missing_files", missing_files)
    async with launcher((120, 30)) as page:
        pilot = page.pilot
        await page.says("2 runs")
        await pilot.press("f")
        await until(pilot, lambda: is_open(page.app, FetchScreen))
        # weights are bundled or none: only the data are missing, and the server lacks them
        await until(pilot, lambda: "✗ cifar10" in said(pilot))
        assert "0 of 1 here" in said(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: is_open(page.app, LauncherScreen))
        page.field("dataset").value = "digits"
        await page.says("handwritten digits")
        await pilot.press("f")
        await until(pilot, lambda: messages(page.app) == [ALL_HERE])
