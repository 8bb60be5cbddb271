"""The runs that wait: moved, removed and added to while a model trains."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, OptionList

from engine.config.spec import RunSpec
from engine.protocol.commands import AddRuns, MoveRun, RemoveRun
from engine.protocol.events import CommandRejected, QueueChanged, RunEnded
from engine.protocol.facts import LayerNode
from tui.panels.tables.catalogue import CatalogueTable
from tui.screens.launcher.form import RunForm
from tui.screens.launcher.screen import LauncherScreen
from tui.screens.training.screen import TrainingScreen
from tui.screens.training.waiting_runs import WaitingRunsScreen

Until = Callable[[Pilot[Any], Callable[[], object]], Awaitable[None]]


@pytest.fixture
def queue(make_session: Any, make_spec: Callable[..., RunSpec]) -> Any:
    """A session of four runs."""
    return make_session(tuple(make_spec(name) for name in ("VGG16", "Xception", "B", "C")))


def shown(pilot: Pilot[Any]) -> list[str]:
    runs = pilot.app.screen.query_one(OptionList)
    prompts = [str(runs.get_option_at_index(i).prompt) for i in range(runs.option_count)]
    return [prompt.split()[1] for prompt in prompts]


def view(pilot: Pilot[Any]) -> Any:
    screen: Any = pilot.app.screen
    return screen.view


async def opened(pilot: Pilot[Any], session: Any, layers: LayerNode, until: Until) -> None:
    session.begin(layers)
    await until(pilot, lambda: view(pilot).run.layers is not None)
    await pilot.press("e")
    await until(pilot, lambda: isinstance(pilot.app.screen, WaitingRunsScreen))


async def test_runs_are_moved_and_removed_at_once(
    queue: Any, running: Any, layers: LayerNode, until: Until
) -> None:
    async with running(queue) as pilot:
        await opened(pilot, queue, layers, until)
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
    queue: Any, running: Any, layers: LayerNode, until: Until
) -> None:
    async with running(queue) as pilot:
        await opened(pilot, queue, layers, until)
        one, b, c = queue.specs[1:]
        await pilot.press("J", "J")
        # The first answer is on the way to what is shown, the next is somebody else's doing.
        queue.play(QueueChanged(waiting=(b, one, c), place=1))
        await until(pilot, lambda: pilot.app.screen._told == (b, one, c))
        assert shown(pilot) == ["B", "C", "Xception"]
        queue.play(QueueChanged(waiting=(c,), place=1))
        await until(pilot, lambda: shown(pilot) == ["C"])
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, TrainingScreen)
        assert len(view(pilot).runs) == 2


async def test_what_the_trainer_refuses_stands_as_it_did(
    queue: Any, running: Any, layers: LayerNode, until: Until
) -> None:
    async with running(queue) as pilot:
        await opened(pilot, queue, layers, until)
        await pilot.press("j", "j", "k", "x")
        assert shown(pilot) == ["Xception", "C"]
        await until(pilot, lambda: queue.sent)
        queue.play(CommandRejected(command=queue.sent[-1], reason="the queue is being stopped"))
        await until(pilot, lambda: shown(pilot) == ["Xception", "B", "C"])


async def added(pilot: Pilot[Any], until: Until, *presses: str) -> None:
    await pilot.press(*presses)
    await until(pilot, lambda: isinstance(pilot.app.screen, LauncherScreen))
    await until(pilot, lambda: pilot.app.screen.query_one(RunForm).is_filled)


@pytest.mark.parametrize("key", ["plus", "enter"])
async def test_marked_models_join_the_queue(
    queue: Any, running: Any, layers: LayerNode, until: Until, key: str
) -> None:
    async with running(queue) as pilot:
        await opened(pilot, queue, layers, until)
        await added(pilot, until, "n")
        app = pilot.app
        assert str(app.screen.query_one("#start", Button).label) == "add"
        form = app.screen.query_one(RunForm)
        assert (app.screen.query_one(CatalogueTable).marked, form.texts["recipe"]) == (
            [],
            "notebook",
        )
        form.fill({"dataset": "digits", "epochs": "1,1"})
        await pilot.press("down", "space")
        await until(pilot, lambda: not app.screen.query_one("#start", Button).disabled)
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, TrainingScreen))
        (command,) = [c for c in queue.sent if isinstance(c, AddRuns)]
        assert [(s.model, s.dataset) for s in command.specs] == [("CustomCNN", "digits")]
        more = replace(command.specs[0], seed=7)
        queue.play(QueueChanged(waiting=(*queue.specs[1:], more), place=1))
        await until(pilot, lambda: len(view(pilot).runs) == 5)


async def test_escape_leads_back_and_a_queue_that_ended_meanwhile_begins_anew(
    queue: Any, running: Any, layers: LayerNode, until: Until
) -> None:
    async with running(queue) as pilot:
        await opened(pilot, queue, layers, until)
        await pilot.press("escape")
        await added(pilot, until, "n")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, TrainingScreen))
        await added(pilot, until, "n")
        for index in range(4):
            queue.play(RunEnded(status="completed"), index=index)
        queue.alive = False
        await until(pilot, lambda: pilot.app._shown.is_over)
        pilot.app.screen.post_message(LauncherScreen.Started([queue.specs[3]]))
        await until(pilot, lambda: isinstance(pilot.app.screen, TrainingScreen))
        assert [run.spec.model for run in view(pilot).runs] == ["C"]
        assert len(pilot.app.screen_stack) == 2


async def test_a_recipe_that_is_not_kept_is_said_to_be_replaced(
    make_session: Any,
    make_spec: Callable[..., RunSpec],
    running: Any,
    layers: LayerNode,
    until: Until,
) -> None:
    session = make_session((replace(make_spec("VGG16"), recipe="mine"),))
    async with running(session) as pilot:
        session.begin(layers)
        await added(pilot, until, "n")
        said = [notice.message for notice in pilot.app._notifications]
        assert len(said) == 1
        assert said[0].startswith("The recipe mine of the run at work is not among the saved ones")
