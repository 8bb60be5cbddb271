"""Every screen as text, against what was looked at and found good.

`pytest tests/tui/test_snapshots.py --snapshot-update` writes anew what changed; look at the
difference before committing it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.types import PropertyFilter, PropertyMatcher, SerializableData, SerializedData

import tui.app
from engine.protocol.commands import SetTrainable
from engine.protocol.events import EpochStarted, Event, HardwareSampled, LogLine
from engine.protocol.facts import GpuReading, LayerNode
from engine.runs.listing import RunRecord
from tests.support.fake_session import FakeSession, batch, epoch_end
from tests.support.launcher import Launcher
from tests.support.runs import write_tested_runs
from tests.support.screens import AnyPilot, settled, until
from tests.support.tables import cell_text
from tui.app import CifarApp
from tui.panels.charts.curves import CurveChart
from tui.panels.charts.data import accuracy_data
from tui.panels.charts.panel import ChartsPanel
from tui.panels.layers.keys import LayerTree
from tui.screens.answers import AnswersScreen
from tui.screens.choice import LEAVE, STOP, ChoiceScreen
from tui.screens.compare import CompareScreen
from tui.screens.help import HelpScreen
from tui.screens.results.screen import ResultsScreen
from tui.screens.training.waiting_runs import WaitingRunsScreen
from tui.session.source import Source
from tui.settings import keys

SIZES = [(80, 24), (120, 40), (200, 60)]
BEGAN = 1_700_000_000.0
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


def named(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


# Before a training.


async def test_the_launcher(
    launcher: Launcher, looks: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.screens.launcher.screen.look_for_inputs", lambda *_: (None, "here"))
    monkeypatch.setattr("tui.screens.launcher.screen.count_images", lambda _: (50_000, 10_000))
    monkeypatch.setattr(
        "tui.screens.launcher.screen.weights_states", lambda sizes: dict.fromkeys(sizes, "here")
    )
    async with launcher(SIZES[0]) as page:
        await until(page.pilot, lambda: cell_text(page.table, "VGG16", "weights") == "here")
        for size in SIZES:
            await page.pilot.resize_terminal(*size)
            assert await settled(page.pilot, "GB memory") == looks(name=named(size))


# A training.


@pytest.fixture
def training(
    session: FakeSession, layers: LayerNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> CifarApp:
    """Two epochs and a half of a run."""
    monkeypatch.setattr(tui.app, "REDRAW_SECONDS", 0.01)
    monkeypatch.setattr(ChartsPanel, "seconds_between_draws", 0.01)
    seconds = iter(range(10_000))

    def say(*said: Event) -> None:
        session_play(*(replace(event, time=BEGAN + next(seconds)) for event in said))

    session_play = session.play
    monkeypatch.setattr(session, "play", lambda *said, index=0: say(*said))
    # At one second, so that what has elapsed is always the same.
    source = replace(Source(session, lambda specs: session), clock=lambda: BEGAN + 42)
    app = CifarApp(source, runs_dir=tmp_path)

    def start() -> None:
        session.alive = True
        session.begin(layers)
        for epoch in (1, 2, 3):
            say(EpochStarted(epoch=epoch, stage=1, steps=10))
            for step in range(1, 11 if epoch < 3 else 6):
                done = 10 * epoch + step
                say(batch(epoch, step, accuracy=1 - 6 / done, loss=12 / done))
            if epoch < 3:
                say(epoch_end(epoch, 0.5 + 0.1 * epoch))
        say(
            MACHINE,
            LogLine(level="info", text="weights bundled"),
        )

    monkeypatch.setattr(session, "start", start)
    return app


def is_charted(pilot: AnyPilot) -> bool:
    """Whether the last that was said of the run is there, and its charts are drawn of it."""
    panel = pilot.app.screen.query_one(ChartsPanel)
    run, charts = panel.snapshot, panel.query("#accuracy-chart").results(CurveChart)
    return (
        run is not None
        and bool(run.log)
        and [chart.data for chart in charts] == [accuracy_data(run, panel.settings)]
    )


@pytest.mark.parametrize("size", SIZES, ids=named)
async def test_a_training_and_what_opens_over_it(
    training: CifarApp, session: FakeSession, size: tuple[int, int], looks: SnapshotAssertion
) -> None:
    async with training.run_test(size=size) as pilot:
        await until(pilot, lambda: session.alive)
        await until(pilot, lambda: is_charted(pilot))
        # Of the focus, which comes a moment later, depend the order of the help and the footer.
        is_focused = size != SIZES[0]  # at 80x24 the layers are hidden
        await until(pilot, lambda: isinstance(training.focused, LayerTree) == is_focused)
        for name, screen, words in (
            ("help", HelpScreen(keys.places_from(training, training.screen)), "Keys"),
            ("stop", ChoiceScreen(STOP), "After this epoch"),
            ("leave", ChoiceScreen(LEAVE), "Leave it running"),
            ("waiting", WaitingRunsScreen(lambda: session.specs[1:]), "Waiting runs"),
        ):
            await training.push_screen(screen)
            assert await settled(pilot, words) == looks(name=name)
            await training.pop_screen()
        training.request(SetTrainable(id="1", layers=("block1_conv",), value=True))
        waits = "1 change waits" if size == SIZES[0] else "1 layer waits"
        assert await settled(pilot, waits) == looks(name="itself")


# What is read from runs.


@pytest.fixture
def tested_runs(write_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[RunRecord]:
    """Three runs with predictions, and one that failed, in `runs/`."""
    monkeypatch.chdir(tmp_path)
    runs = write_tested_runs(write_run)
    write_run("VGG16", status="failed", error="expected a weights file, found none")
    return runs


async def test_what_is_read_from_runs(
    tested_runs: list[RunRecord], launcher_app: CifarApp, looks: SnapshotAssertion
) -> None:
    async with launcher_app.run_test(size=SIZES[0]) as pilot:
        for name, screen, words in (
            ("results", ResultsScreen(RUNS), "most accurate"),
            ("compare", CompareScreen(tuple(tested_runs)), "On the same 200 test images"),
            ("answers", AnswersScreen(RUNS), "On the same 200 test images"),
        ):
            await launcher_app.push_screen(screen)
            for size in SIZES:
                await pilot.resize_terminal(*size)
                assert await settled(pilot, words) == looks(name=f"{named(size)}-{name}")


async def test_a_run_in_full(
    tested_runs: list[RunRecord], launcher_app: CifarApp, looks: SnapshotAssertion
) -> None:
    async with launcher_app.run_test(size=(120, 40)) as pilot:
        await launcher_app.push_screen(ResultsScreen(RUNS))
        await settled(pilot, "most accurate")
        await pilot.press("enter")
        for page, name, words in (
            ("1", "curves", "val"),
            ("3", "confusion", "truth"),
            ("4", "classes", "class 0"),
            ("6", "calibration", "confidence"),
            ("7", "times", "counted as training"),
        ):
            await pilot.press(page)
            assert await settled(pilot, words) == looks(name=name)
