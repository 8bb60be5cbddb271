"""Every screen as it is drawn, in both themes: all text can be read.

WCAG 2.1 (AA) asks a contrast ratio of 4.5 of text and 3 of graphics that carry a meaning.
`tests/support/contrast.py` says what may have less. The themes that Textual brings along are
its own affair.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from textual.screen import Screen
from textual.theme import Theme

from engine.protocol.commands import SetTrainable
from engine.protocol.events import HardwareSampled, LogLine
from engine.protocol.facts import GpuReading, LayerNode
from engine.runs.listing import RunRecord
from engine.tools.fetching import Needed
from tests.support.contrast import Faint, faint
from tests.support.fake_session import FakeSession, batch, epoch_end
from tests.support.launcher import Launcher
from tests.support.runs import write_tested_runs
from tests.support.screens import AnyPilot, Running, settled, until
from tests.support.tables import cell_text
from tui.app import CifarApp
from tui.screens.answers import AnswersScreen
from tui.screens.choice import LEAVE, STOP, ChoiceScreen
from tui.screens.combine import CombineScreen
from tui.screens.compare import CompareScreen
from tui.screens.fetch import FetchScreen
from tui.screens.help import HelpScreen
from tui.screens.predict import PredictScreen
from tui.screens.results.screen import ResultsScreen
from tui.screens.training.waiting_runs import WaitingRunsScreen
from tui.settings import keys
from tui.settings.run_pages import RUN_PAGES
from tui.settings.themes import DARK, LIGHT

LARGE, SMALL = (120, 40), (80, 24)
HOT = GpuReading("H100", 71.0, 12 * 2**30, 80 * 2**30, 91.0, 412.0, 700.0, "")


class Inspector:
    """Looks at an app in both themes, and keeps what is too faint, by what was looked at."""

    def __init__(self, pilot: AnyPilot) -> None:
        self._pilot = pilot
        self._drawn_in = pilot.app.current_theme
        pilot.app.theme_changed_signal.subscribe(pilot.app, self._note)
        self.found: dict[str, list[Faint]] = {}

    def _note(self, theme: Theme) -> None:
        self._drawn_in = theme

    async def look(self, name: str, words: str = "") -> None:
        """Look at what is on the screen, once it contains this."""
        # From the theme that is on to the other: each change of it costs a while.
        is_dark = self._pilot.app.current_theme.dark
        for theme in (DARK, LIGHT) if is_dark else (LIGHT, DARK):
            self._pilot.app.theme = theme.name
            await until(self._pilot, lambda theme=theme: self._drawn_in == theme)
            await settled(self._pilot, words)
            if found := faint(self._pilot):
                self.found[f"{name}, {theme.name}"] = found

    async def look_over(self, *screens: tuple[Screen[Any], str]) -> None:
        """Open one screen after the other over what there is."""
        for screen, words in screens:
            await self._pilot.app.push_screen(screen)
            await self.look(type(screen).__name__, words)
            await self._pilot.app.pop_screen()


def listed(found: dict[str, list[Faint]]) -> str:
    return "\n".join(f"{name}: {piece}" for name, pieces in found.items() for piece in pieces)


async def test_the_launcher_and_the_palette(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.screens.launcher.screen.look_for_inputs", lambda *_: (None, "here"))
    monkeypatch.setattr("tui.screens.launcher.screen.count_images", lambda _: (50_000, 10_000))
    monkeypatch.setattr(
        "tui.screens.launcher.screen.weights_states", lambda sizes: dict.fromkeys(sizes, "here")
    )
    async with launcher(LARGE) as page:
        inspector = Inspector(page.pilot)
        await until(page.pilot, lambda: cell_text(page.table, "VGG16", "weights") == "here")
        page.field("epochs").value = "3"
        page.choice("recipe").focus()
        page.choice("recipe").action_show_overlay()
        await inspector.look("the launcher and a list of choices", "GB memory")
        await page.pilot.press("escape")
        page.field("epochs").value = "many"
        page.field("epochs").focus()
        await inspector.look("a wrong value", "many")
        page.field("epochs").value = ""
        await page.pilot.press("ctrl+p")
        await inspector.look("the palette", "Search")
        await page.pilot.press("escape", "escape", "slash")
        await page.pilot.resize_terminal(*SMALL)
        await inspector.look("the filter", "part of a model's name")
    assert not inspector.found, listed(inspector.found)


async def test_a_training_and_what_opens_over_it(
    session: FakeSession, running: Running, layers: LayerNode
) -> None:
    async with running(session, size=LARGE) as pilot:
        inspector, app = Inspector(pilot), pilot.app
        assert isinstance(app, CifarApp)
        await inspector.look("before the first event")
        session.begin(layers)
        for epoch in (1, 2, 3):
            for step in range(1, 6):
                session.play(batch(epoch, step, accuracy=1 - 0.5 / (epoch * step)))
            if epoch < 3:
                session.play(epoch_end(epoch, 0.5 + 0.1 * epoch))
        session.play(
            HardwareSampled(
                cpu_percent=(96.0, 88.0),
                memory_used_bytes=3 * 2**30,
                memory_total_bytes=24 * 2**30,
                process_memory_bytes=2 * 2**30,
                gpus=(HOT,),
            ),
            *(LogLine(level=level, text=level) for level in ("debug", "info", "warning", "error")),
        )
        await settled(pilot, "H100")
        app.request(SetTrainable(id="1", layers=("block1_conv",), value=True))
        await inspector.look("a training", "waits")
        await pilot.press("5")
        await inspector.look("its log", "warning")
        await pilot.press("5", "slash")
        await inspector.look("finding a layer")
        await pilot.press("escape")
        await inspector.look_over(
            (HelpScreen(keys.places_from(app, app.screen)), "Keys"),
            (ChoiceScreen(STOP), "After this epoch"),
            (ChoiceScreen(LEAVE), "Leave it running"),
            (WaitingRunsScreen(lambda: session.specs[1:]), "Waiting runs"),
            (WaitingRunsScreen(lambda: ()), "no run waits"),
        )
        await pilot.resize_terminal(*SMALL)
        await inspector.look("a small training", "waits")
    assert not inspector.found, listed(inspector.found)


@pytest.fixture
def bare_app(launcher_app: CifarApp, monkeypatch: pytest.MonkeyPatch) -> CifarApp:
    """The app without the launcher, whose many fields take long to change their colours."""
    monkeypatch.setattr(launcher_app, "_open_launcher", lambda asked: None)
    return launcher_app


@pytest.fixture
def tested_runs(write_run: Any) -> list[RunRecord]:
    """Three runs with predictions, beside one that failed and one that was interrupted."""
    runs = write_tested_runs(write_run)
    write_run("VGG16", status="failed", error="expected a weights file, found none")
    write_run("VGG19", status="interrupted")
    return runs


async def look_at_pages(inspector: Inspector, pilot: AnyPilot, pages: Sequence[str]) -> None:
    for number, name in enumerate(pages, 1):
        await pilot.press(str(number))
        await inspector.look(f"a run's {name}")


async def test_what_is_read_from_runs(
    tested_runs: list[RunRecord], bare_app: CifarApp, write_run: Any
) -> None:
    async with bare_app.run_test(size=LARGE) as pilot:
        inspector = Inspector(pilot)
        await inspector.look_over(
            (CompareScreen(tuple(tested_runs)), "On the same 200 test images"),
            (AnswersScreen(write_run.runs_dir), "On the same 200 test images"),
            (PredictScreen(tested_runs[0]), "Prediction"),
            (CombineScreen(tested_runs, write_run.runs_dir, None), "nothing was written"),
        )
        await bare_app.push_screen(ResultsScreen(write_run.runs_dir))
        await inspector.look("the results", "most accurate")
        await pilot.press("space", "end")
        await inspector.look("a failed run", "most accurate")
        await pilot.press("home", "g")
        await inspector.look("the models", "most accurate")
        await pilot.press("g", "slash", "q", "enter")
        await inspector.look("a wrong filter")
        await pilot.press("escape", "enter")
        await look_at_pages(inspector, pilot, [page.name for page in RUN_PAGES])
    assert not inspector.found, listed(inspector.found)


async def test_where_there_is_nothing_yet(bare_app: CifarApp, write_run: Any) -> None:
    write_run.runs_dir.mkdir()
    async with bare_app.run_test(size=LARGE, notifications=True) as pilot:
        inspector = Inspector(pilot)
        for severity in ("information", "warning", "error"):
            bare_app.notify("Saved.", title="Recipe", severity=severity)
        await inspector.look("notifications", "Saved.")
        bare_app.clear_notifications()
        await inspector.look_over(
            (ResultsScreen(write_run.runs_dir), "Results"),
            (AnswersScreen(write_run.runs_dir), "accura"),
            (FetchScreen([Needed("digits", "dataset", "built in")]), "1 of 1 here"),
        )
        await pilot.resize_terminal(30, 8)
        await inspector.look("too small", "too small")
    assert not inspector.found, listed(inspector.found)
