"""The runs that wait: moved, removed and added to while a model trains."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.widgets import OptionList

from engine.protocol.commands import AddRuns, MoveRun, RemoveRun
from engine.protocol.events import CommandRejected, QueueChanged, RunEnded
from engine.protocol.facts import LayerNode
from tests.support.fake_session import FakeSession, spec_of
from tests.support.launcher import LauncherReader
from tests.support.screens import AnyPilot, Running, is_open, messages, until
from tui.screens.launcher.screen import LauncherScreen
from tui.screens.training.screen import TrainingScreen
from tui.screens.training.waiting_runs import WaitingRunsScreen


@pytest.fixture
def queue() -> FakeSession:
    """A session of four runs."""
    return FakeSession(tuple(spec_of(name) for name in ("VGG16", "Xception", "B", "C")))


def shown(pilot: AnyPilot) -> list[str]:
    runs = pilot.app.screen.query_one(OptionList)
    prompts = [str(runs.get_option_at_index(i).prompt) for i in range(runs.option_count)]
    return [prompt.split()[1] for prompt in prompts]


def view(pilot: AnyPilot) -> Any:
    screen: Any = pilot.app.screen
    return screen.view


async def opened(pilot: AnyPilot, session: FakeSession, layers: LayerNode) -> None:
    session.begin(layers)
    await until(pilot, lambda: view(pilot).run.layers is not None)
    await pilot.press("e")
    await until(pilot, lambda: is_open(pilot.app, WaitingRunsScreen))


async def adding(pilot: AnyPilot) -> LauncherReader:
    """Open the launcher over the training."""
    app: Any = pilot.app
    page = LauncherReader(app, pilot)
    await pilot.press("n")
    await page.ready()
    return page


async def test_runs_are_moved_and_removed_at_once(
    queue: FakeSession, running: Running, layers: LayerNode
) -> None:
    async with running(queue) as pilot:
        await opened(pilot, queue, layers)
        assert shown(pilot) == ["Xception", "B", "C"]
        await pilot.press("shift+down", "J", "J", "shift+up")
        assert shown(pilot) == ["B", "Xception", "C"]
        await pilot.press("delete")
        assert shown(pilot) == ["B", "C"]
        asked = [
            (type(c), c.position, c.model)
            for c in queue.sent
            if isinstance(c, (MoveRun, RemoveRun))
        ]
        assert asked == [
            (MoveRun, 0, "Xception"),
            (MoveRun, 1, "Xception"),
            (MoveRun, 2, "Xception"),
            (RemoveRun, 1, "Xception"),
        ]
        await pilot.press("x", "x", "x")
        assert shown(pilot) == ["run"]  # no run waits


async def test_what_the_trainer_tells_counts(
    queue: FakeSession, running: Running, layers: LayerNode
) -> None:
    async with running(queue) as pilot:
        await opened(pilot, queue, layers)
        screen: Any = pilot.app.screen
        one, b, c = queue.specs[1:]
        await pilot.press("J", "J")
        # The first answer is on the way to what is shown, the next is somebody else's doing.
        queue.play(QueueChanged(waiting=(b, one, c), place=1))
        await until(pilot, lambda: screen._told == (b, one, c))
        assert shown(pilot) == ["B", "C", "Xception"]
        queue.play(QueueChanged(waiting=(c,), place=1))
        await until(pilot, lambda: shown(pilot) == ["C"])
        await pilot.press("escape")
        assert is_open(pilot.app, TrainingScreen)
        assert len(view(pilot).runs) == 2


async def test_what_the_trainer_refuses_stands_as_it_did(
    queue: FakeSession, running: Running, layers: LayerNode
) -> None:
    async with running(queue) as pilot:
        await opened(pilot, queue, layers)
        await pilot.press("j", "j", "k", "x")
        assert shown(pilot) == ["Xception", "C"]
        await until(pilot, lambda: queue.sent)
        asked: Any = queue.sent[-1]
        queue.play(CommandRejected(command=asked, reason="the queue is being stopped"))
        await until(pilot, lambda: shown(pilot) == ["Xception", "B", "C"])


async def test_marked_models_join_the_queue(
    queue: FakeSession, running: Running, layers: LayerNode
) -> None:
    async with running(queue) as pilot:
        await opened(pilot, queue, layers)
        for number, key in enumerate(("plus", "enter"), 1):
            page = await adding(pilot)
            assert str(page.start.label) == "add"
            assert (page.marked, page.form.texts["recipe"]) == ([], "notebook")
            page.form.fill({"dataset": "digits", "epochs": "1,1"})
            await pilot.press("down", "space")
            await until(pilot, lambda page=page: not page.start.disabled)
            await pilot.press(key)
            await until(pilot, lambda: is_open(pilot.app, TrainingScreen))
            command = [c for c in queue.sent if isinstance(c, AddRuns)][-1]
            assert [(s.model, s.dataset) for s in command.specs] == [("CustomCNN", "digits")]
            more = replace(command.specs[0], seed=6 + number)
            queue.play(QueueChanged(waiting=(*queue.specs[1:], *[more] * number), place=1))
            await until(pilot, lambda number=number: len(view(pilot).runs) == 4 + number)


async def test_escape_returns_and_a_queue_that_ended_meanwhile_starts_again(
    queue: FakeSession, running: Running, layers: LayerNode
) -> None:
    async with running(queue) as pilot:
        app: Any = pilot.app
        await opened(pilot, queue, layers)
        await pilot.press("escape")
        await adding(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: is_open(pilot.app, TrainingScreen))
        await adding(pilot)
        for index in range(4):
            queue.play(RunEnded(status="completed"), index=index)
        queue.alive = False
        await until(pilot, lambda: app._shown.is_over)
        pilot.app.screen.post_message(LauncherScreen.Started([queue.specs[3]]))
        await until(pilot, lambda: is_open(pilot.app, TrainingScreen))
        assert [run.spec.model for run in view(pilot).runs] == ["C"]
        assert len(pilot.app.screen_stack) == 2


async def test_a_recipe_that_is_not_kept_is_said_to_be_replaced(
    running: Running, layers: LayerNode
) -> None:
    session = FakeSession((replace(spec_of("VGG16"), recipe="mine"),))
    async with running(session) as pilot:
        session.begin(layers)
        await pilot.press("n")
        await until(pilot, lambda: messages(pilot.app))
        (said,) = messages(pilot.app)
        assert said.startswith("The recipe mine of the current run is not a saved one")
