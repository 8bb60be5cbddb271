"""Every screen as text, against what was looked at and found good.

`pytest tests/tui/test_snapshots.py --snapshot-update` writes anew what changed; look at the
difference before committing it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.types import PropertyFilter, PropertyMatcher, SerializableData, SerializedData
from textual.pilot import Pilot
from textual.screen import Screen

import tui.app
from engine.config.spec import RunSpec
from engine.protocol.commands import SetTrainable
from engine.protocol.events import EpochStarted, Event, HardwareSampled, LogLine
from engine.protocol.facts import GpuReading, LayerNode
from engine.runs.listing import RunRecord, load_run
from tui.app import CifarApp
from tui.panels.charts.panel import ChartsPanel
from tui.panels.tables.catalogue import CatalogueTable
from tui.screens.answers import AnswersScreen
from tui.screens.choice import LEAVE, STOP, ChoiceScreen
from tui.screens.compare import CompareScreen
from tui.screens.help import HelpScreen
from tui.screens.launcher.form import RunForm
from tui.screens.results.screen import ResultsScreen
from tui.screens.training.waiting_runs import WaitingRunsScreen
from tui.session.source import trained_here
from tui.settings import keys

SIZES = [(80, 24), (120, 40), (200, 60)]
BEGAN = 1_700_000_000.0
STILL_LOOKS = 8
"""Alike, a tenth of a second apart: what a thread still reads would draw another."""
IMAGES = 200
RUNS = Path("runs")
MACHINE = HardwareSampled(
    cpu_percent=(96.0, 88.0),
    memory_used_bytes=3 * 2**30,
    memory_total_bytes=24 * 2**30,
    process_memory_bytes=2 * 2**30,
    gpus=(GpuReading("H100", 71.0, 12 * 2**30, 80 * 2**30, 61.0, 412.0, 700.0, ""),),
)


class TextFile(SingleFileSnapshotExtension):
    """A file of text for each snapshot, to be read in a review."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"

    def serialize(
        self,
        data: SerializableData,
        *,
        exclude: PropertyFilter | None = None,
        include: PropertyFilter | None = None,
        matcher: PropertyMatcher | None = None,
    ) -> SerializedData:
        return str(data)


@pytest.fixture
def looks(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Compares a text with its file."""
    return snapshot.use_extension(TextFile)


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def size(request: pytest.FixtureRequest) -> Any:
    """Of the terminal."""
    return request.param


def drawn(pilot: Pilot[Any]) -> str:
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips) + "\n"


async def settled(pilot: Pilot[Any], until: Any, words: str) -> str:
    """The terminal's text, once it has these words and nothing moves any more."""
    await until(pilot, lambda: words in drawn(pilot))
    before, still = "", 0
    while still < STILL_LOOKS:
        now = drawn(pilot)
        still = still + 1 if now == before else 0
        before = now
        await pilot.pause(0.1)
    return before


# Before a training.


async def test_the_launcher(
    launcher_app: CifarApp,
    until: Any,
    size: Any,
    looks: SnapshotAssertion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tui.screens.launcher.screen.look_for_inputs", lambda *_: (None, "here"))
    monkeypatch.setattr("tui.screens.launcher.screen.count_images", lambda _: (50_000, 10_000))
    monkeypatch.setattr(
        "tui.screens.launcher.screen.weights_states", lambda sizes: dict.fromkeys(sizes, "here")
    )
    async with launcher_app.run_test(size=size) as pilot:
        await until(pilot, lambda: launcher_app.screen.query_one(RunForm).is_filled)
        table = launcher_app.screen.query_one(CatalogueTable)
        await until(pilot, lambda: table.cell_text("VGG16", "weights") == "here")
        assert await settled(pilot, until, "GB memory") == looks


# A training.


@pytest.fixture
def training(
    session: Any, events: Any, layers: LayerNode, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> CifarApp:
    """Two epochs and a half of a run."""
    monkeypatch.setattr(tui.app, "REDRAW_SECONDS", 0.01)
    monkeypatch.setattr(ChartsPanel, "seconds_between_draws", 0.01)
    seconds = iter(range(10_000))

    def say(*said: Event) -> None:
        session_play(*(replace(event, time=BEGAN + next(seconds)) for event in said))

    session_play = session.play
    session.play = lambda *said, index=0: say(*said)
    # At one second, so that what has elapsed is always the same.
    source = replace(trained_here(session, lambda specs: session), clock=lambda: BEGAN + 42)
    app = CifarApp(source, runs_dir=tmp_path)

    def start() -> None:
        session.alive = True
        session.begin(layers)
        for epoch in (1, 2, 3):
            say(EpochStarted(epoch=epoch, stage=1, steps=10))
            for step in range(1, 11 if epoch < 3 else 6):
                done = 10 * epoch + step
                say(events["batch"](epoch, step, accuracy=1 - 6 / done, loss=12 / done))
            if epoch < 3:
                say(events["epoch_end"](epoch, 0.5 + 0.1 * epoch))
        say(
            MACHINE,
            LogLine(level="info", text="weights bundled"),
        )

    session.start = start
    return app


async def test_a_training(
    training: CifarApp, session: Any, until: Any, size: Any, looks: SnapshotAssertion
) -> None:
    async with training.run_test(size=size) as pilot:
        await until(pilot, lambda: session.alive)
        training.request(SetTrainable(id="1", layers=("block1_conv",), value=True))
        assert await settled(pilot, until, "epoch 3/5") == looks


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda app, specs: HelpScreen(keys.places_from(app, app.screen)), "Keys"),
        (lambda app, specs: ChoiceScreen(STOP), "After this epoch"),
        (lambda app, specs: ChoiceScreen(LEAVE), "Leave it running"),
        (lambda app, specs: WaitingRunsScreen(lambda: specs[1:]), "Runs that wait"),
    ],
    ids=["help", "stop", "leave", "waiting"],
)
async def test_what_opens_over_a_training(
    make: Callable[[CifarApp, tuple[RunSpec, ...]], Screen[Any]],
    words: str,
    training: CifarApp,
    session: Any,
    until: Any,
    size: Any,
    looks: SnapshotAssertion,
) -> None:
    async with training.run_test(size=size) as pilot:
        await until(pilot, lambda: "epoch 3/5" in drawn(pilot))
        await training.push_screen(make(training, session.specs))
        assert await settled(pilot, until, words) == looks


# What is read from runs.


@pytest.fixture
def tested_runs(write_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[RunRecord]:
    """Three runs with predictions, and one that failed, in `runs/`."""
    monkeypatch.chdir(tmp_path)
    chance = np.random.default_rng(0)
    labels = np.arange(IMAGES) % 10
    runs = []
    for model, right, seconds in (
        ("EfficientNetLite0", 0.93, 441.0),
        ("ResNet50V2", 0.91, 1_862.0),
        ("CustomCNN", 0.73, 64.0),
    ):
        name = write_run(model, test=right, train_seconds=seconds, epochs=3)
        run = load_run(write_run.runs_dir / name)
        said = np.where(chance.random(IMAGES) < right, labels, (labels + 1) % 10)
        probabilities = np.full((IMAGES, 10), 0.01, np.float32)
        probabilities[np.arange(IMAGES), said] = 0.91
        np.savez(run.directory.predictions, labels=labels, probabilities=probabilities)
        runs.append(run)
    write_run("VGG16", status="failed", error="expected a weights file, found none")
    return runs


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda runs: ResultsScreen(RUNS), "most accurate"),
        (lambda runs: CompareScreen(tuple(runs)), "Of the same 200 test images"),
        (lambda runs: AnswersScreen(RUNS), "Of the same 200 test images"),
    ],
    ids=["results", "compare", "answers"],
)
async def test_what_is_read_from_runs(
    make: Callable[[list[RunRecord]], Screen[Any]],
    words: str,
    tested_runs: list[RunRecord],
    launcher_app: CifarApp,
    until: Any,
    size: Any,
    looks: SnapshotAssertion,
) -> None:
    async with launcher_app.run_test(size=size) as pilot:
        await launcher_app.push_screen(make(tested_runs))
        assert await settled(pilot, until, words) == looks


@pytest.mark.parametrize(
    ("page", "words"),
    [("1", "val"), ("3", "truth"), ("4", "class 0"), ("6", "confidence"), ("7", "compute-bound")],
    ids=["curves", "confusion", "classes", "calibration", "times"],
)
async def test_a_run_in_full(
    page: str,
    words: str,
    tested_runs: list[RunRecord],
    launcher_app: CifarApp,
    until: Any,
    looks: SnapshotAssertion,
) -> None:
    async with launcher_app.run_test(size=(120, 40)) as pilot:
        await launcher_app.push_screen(ResultsScreen(RUNS))
        await settled(pilot, until, "most accurate")
        await pilot.press("enter", page)
        assert await settled(pilot, until, words) == looks
