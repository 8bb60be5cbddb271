"""Every screen at any size: what matters is in sight, or a message says what is missing.

At three more sizes the snapshots show what is in sight.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from textual.screen import Screen

from engine.protocol.facts import LayerNode
from engine.runs.listing import load_run
from engine.tools.fetching import Needed
from tests.support.fake_session import FakeSession, batch, spec_of
from tests.support.screens import AnyPilot, Running, drawn, shows, until
from tui.app import CifarApp
from tui.screens.answers import AnswersScreen
from tui.screens.choice import Answer, ChoiceScreen, Question
from tui.screens.combine import CombineScreen
from tui.screens.compare import CompareScreen
from tui.screens.fetch import FetchScreen
from tui.screens.help import HelpScreen
from tui.screens.predict import PredictScreen
from tui.screens.results.screen import ResultsScreen
from tui.screens.too_small import too_small
from tui.screens.training.waiting_runs import WaitingRunsScreen

SIZES = ((20, 5), (60, 15), (160, 20), (59, 100), (62, 60), (300, 100), (100, 30))
SMALL = ((20, 5), (60, 15), (62, 60))
"""A dialog is as large as what it says, wherever there is room: only these may be too small."""
QUESTION = Question("Stop?", (Answer("stop", "s", "Stop", "now"), Answer("no", "n", "Go on")))


async def walk(pilot: AnyPilot, words: str, sizes: Sequence[tuple[int, int]] = SIZES) -> None:
    for width, height in sizes:
        await pilot.resize_terminal(width, height)
        expected = "terminal too small" if too_small(pilot.app.size) else words
        await until(pilot, partial(shows, pilot, expected))
        assert [line.cell_length for line in drawn(pilot)] == [width] * height


async def walk_through(
    pilot: AnyPilot,
    *screens: tuple[Screen[Any], str],
    sizes: Sequence[tuple[int, int]] = SIZES,
) -> None:
    """Open one screen after the other, each at every size."""
    for screen, words in screens:
        await pilot.app.push_screen(screen)
        await walk(pilot, words, sizes)
        await pilot.app.pop_screen()


async def test_a_training_and_what_opens_over_it(running: Running, layers: LayerNode) -> None:
    session = FakeSession(tuple(spec_of(name) for name in ["EfficientNetV2B0"] * 30))
    async with running(session) as pilot:
        session.begin(layers)
        await walk(pilot, "epoch")
        await walk_through(
            pilot,
            (HelpScreen(), "Keys"),
            (ChoiceScreen(QUESTION), "Stop?"),
            (WaitingRunsScreen(lambda: session.specs[1:]), "Waiting runs"),
            sizes=SMALL,
        )


@pytest.mark.slow("that screens are whole at a size while they load")
async def test_the_launcher_before_it_is_whole_and_the_fetching(launcher_app: CifarApp) -> None:
    async with launcher_app.run_test(size=SIZES[0]) as pilot:
        await walk(pilot, "New session")
        fetching = FetchScreen([Needed("digits", "dataset", "built in")])
        await walk_through(pilot, (fetching, "1 of 1 here"))


@pytest.mark.slow("that pages over runs are whole at sizes which snapshots do not have")
async def test_what_is_read_from_runs(launcher_app: CifarApp, write_run: Any) -> None:
    names = [write_run(model, test=0.5, epochs=2) for model in ("VGG16", "CustomCNN")]
    runs = [load_run(write_run.runs_dir / name) for name in names]
    async with launcher_app.run_test(size=(80, 24)) as pilot:
        await walk_through(
            pilot,
            (ResultsScreen(write_run.runs_dir), "Results"),
            (CompareScreen(tuple(runs)), "VGG16"),
            (AnswersScreen(write_run.runs_dir), "accura"),
            (PredictScreen(runs[0]), "Prediction"),
            (CombineScreen(runs, write_run.runs_dir, None), "nothing was written"),
        )


@pytest.mark.slow("that no order of sizes breaks what each size shows")
async def test_a_storm_of_sizes_under_a_training(
    running: Running, session: FakeSession, layers: LayerNode
) -> None:
    chance = random.Random(0)
    async with running(session) as pilot:
        session.begin(layers)
        for step in range(40):
            session.play(batch(1, 1 + step % 9))
            await pilot.resize_terminal(chance.randint(1, 220), chance.randint(1, 70))
        await pilot.resize_terminal(120, 40)
        await until(pilot, partial(shows, pilot, "epoch"))
