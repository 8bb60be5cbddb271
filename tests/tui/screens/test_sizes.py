"""Every screen at ten sizes: what matters is in sight, or a message says what is missing."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip

from engine.protocol.facts import LayerNode
from engine.runs.listing import load_run
from engine.tools.fetching import Needed
from tui.screens.answers import AnswersScreen
from tui.screens.choice import Answer, ChoiceScreen, Question
from tui.screens.compare import CompareScreen
from tui.screens.fetch import FetchScreen
from tui.screens.help import HelpScreen
from tui.screens.predict import PredictScreen
from tui.screens.results.screen import ResultsScreen
from tui.screens.too_small import too_small
from tui.screens.training.waiting_runs import WaitingRunsScreen

SIZES = (
    (20, 5),
    (60, 15),
    (80, 24),
    (100, 30),
    (120, 40),
    (160, 20),
    (62, 60),
    (200, 60),
    (300, 100),
    (59, 100),
)
QUESTION = Question("Stop?", (Answer("stop", "s", "Stop", "now"), Answer("no", "n", "Go on")))
WriteRun = Any


def drawn(pilot: Pilot[Any]) -> list[Strip]:
    """The lines of the terminal."""
    return pilot.app.screen._compositor.render_strips()


def shows(pilot: Pilot[Any], words: str) -> bool:
    return any(words in line.text for line in drawn(pilot))


async def walk(pilot: Pilot[Any], until: Any, words: str) -> None:
    for width, height in SIZES:
        await pilot.resize_terminal(width, height)
        expected = "terminal too small" if too_small(pilot.app.size) else words
        await until(pilot, partial(shows, pilot, expected))
        assert [line.cell_length for line in drawn(pilot)] == [width] * height


async def test_the_runs_that_wait(
    make_session: Any, make_spec: Any, running: Any, layers: LayerNode, until: Any
) -> None:
    session = make_session(tuple(make_spec(name) for name in ["EfficientNetV2B0"] * 30))
    async with running(session) as pilot:
        session.begin(layers)
        pilot.app.push_screen(WaitingRunsScreen(lambda: session.specs[1:]))
        await walk(pilot, until, "Runs that wait")


async def test_the_launcher(make_app: Callable[..., Any], until: Any) -> None:
    async with make_app(None).run_test(size=(80, 24)) as pilot:
        await until(pilot, partial(shows, pilot, "New session"))
        await walk(pilot, until, "New session")


async def test_the_fetching(make_app: Callable[..., Any], until: Any) -> None:
    async with make_app(None).run_test(size=(80, 24)) as pilot:
        await pilot.app.push_screen(FetchScreen([Needed("digits", "dataset", "built in")]))
        await walk(pilot, until, "1 of 1 here")


@pytest.mark.parametrize(
    ("make", "words"),
    [(None, "epoch"), (HelpScreen, "Keys"), (lambda: ChoiceScreen(QUESTION), "Stop?")],
    ids=["training", "help", "question"],
)
async def test_a_training(
    make: Callable[[], Screen[Any]] | None,
    words: str,
    running: Any,
    session: Any,
    layers: LayerNode,
    until: Any,
) -> None:
    async with running(session) as pilot:
        session.begin(layers)
        if make is not None:
            await pilot.app.push_screen(make())
        await walk(pilot, until, words)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda runs: ResultsScreen(runs[0].directory.path.parent), "Results"),
        (lambda runs: CompareScreen(tuple(runs)), "VGG16"),
        (lambda runs: AnswersScreen(runs[0].directory.path.parent), "accura"),
        (lambda runs: PredictScreen(runs[0]), "Prediction"),
    ],
    ids=["results", "compare", "answers", "predict"],
)
async def test_what_is_read_from_runs(
    make: Callable[[Any], Screen[Any]],
    words: str,
    make_app: Callable[..., Any],
    write_run: WriteRun,
    until: Any,
) -> None:
    names = [write_run(model, test=0.5, epochs=2) for model in ("VGG16", "CustomCNN")]
    runs = [load_run(write_run.runs_dir / name) for name in names]
    async with make_app(None).run_test(size=(80, 24)) as pilot:
        await pilot.app.push_screen(make(runs))
        await walk(pilot, until, words)


async def test_a_storm_of_sizes_under_a_training(
    running: Any, session: Any, layers: LayerNode, events: Any, until: Any
) -> None:
    chance = random.Random(0)
    async with running(session) as pilot:
        session.begin(layers)
        for step in range(40):
            session.play(events["batch"](1, 1 + step % 9))
            await pilot.resize_terminal(chance.randint(1, 220), chance.randint(1, 70))
        await pilot.resize_terminal(120, 40)
        await until(pilot, partial(shows, pilot, "epoch"))
