"""Every key that tells the run at work something, on the training screen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from textual.containers import Vertical
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from engine.protocol.commands import (
    ApplyNow,
    Command,
    Pause,
    Resume,
    SaveCheckpoint,
    SetBatchNormLock,
    SetLearningRate,
    SetTrainable,
    SkipModel,
    SkipStage,
    Stop,
    Withdraw,
)
from engine.protocol.events import CommandRejected, PhaseChanged, RunEnded
from engine.protocol.facts import LayerNode
from tui.screens.choice import ChoiceScreen
from tui.screens.prompt import Prompt
from tui.screens.training.screen import TrainingScreen
from tui.settings import keys

AtWork = Callable[..., AbstractAsyncContextManager[Pilot[Any]]]
BLOCK = ("block1_conv", "block1_bn")
BODY = ("stem_conv", *BLOCK)
CONTROLS = [
    name
    for key in keys.keys_of("training")
    if key.action
    in (
        "presets",
        "lock_batchnorm",
        "apply_now",
        "withdraw",
        "step_rate(1)",
        "step_rate(-1)",
        "rate",
        "skip",
        "checkpoint",
        "stop",
        "pause",
    )
    for name in key.keys.split(",")
]


@pytest.fixture
def at_work(session: Any, running: Any, until: Any, layers: LayerNode) -> AtWork:
    """Opens the screen over a run in its first epoch, whose head alone trains."""

    @asynccontextmanager
    async def open_screen(
        size: tuple[int, int] = (80, 24), of: Any = session
    ) -> AsyncIterator[Pilot[Any]]:
        async with running(of, size) as pilot:
            of.begin(layers)
            await until(pilot, lambda: training(pilot.app).view.run.step == 4)
            yield pilot

    return open_screen


def training(app: Any) -> Any:
    return next(screen for screen in app.screen_stack if isinstance(screen, TrainingScreen))


def show(app: Any, **changes: Any) -> None:
    """Let the screen know the run at work with these changes."""
    screen = training(app)
    view = screen.view
    screen.view = replace(view, runs=(replace(view.run, **changes), *view.runs[1:]))


def told(app: Any) -> str:
    return "\n".join(notice.message for notice in app._notifications)


def without_id(command: Command) -> Command:
    return replace(command, id="")


def test_every_control_has_a_key() -> None:
    assert len(CONTROLS) == 12


@pytest.mark.parametrize(
    ("answer", "layers_asked"),
    [
        ("h", ()),
        ("b", BLOCK),
        ("l", BODY),
        ("a", BODY),
        ("n3", BLOCK),
        ("n4", BODY),
        ("c", None),
        ("", None),
    ],
)
async def test_presets(
    session: Any, at_work: AtWork, until: Any, answer: str, layers_asked: Any
) -> None:
    async with at_work() as pilot:
        app: Any = pilot.app
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen))
        await pilot.press(answer[:1] or "escape")
        if answer[1:]:
            await until(pilot, lambda: isinstance(app.screen, Prompt))
            await pilot.press(answer[1:], "enter")
        await until(pilot, lambda: app.screen is training(app))
        if layers_asked:
            await until(pilot, lambda: session.sent)
            sent = [without_id(command) for command in session.sent]
            assert sent == [SetTrainable(layers=layers_asked, value=True, id="")]
        else:
            await until(pilot, lambda: ("Nothing to change" in told(app)) == (answer == "h"))
            assert session.sent == []


async def test_a_preset_takes_back_what_waits_beyond_it(
    session: Any, at_work: AtWork, until: Any
) -> None:
    async with at_work() as pilot:
        app: Any = pilot.app
        show(app, pending={"predictions": False, "stem_conv": True})
        await pilot.press("p", "h")
        await until(pilot, lambda: len(session.sent) == 2)
        assert [without_id(command) for command in session.sent] == [
            SetTrainable(layers=("predictions",), value=True, id=""),
            SetTrainable(layers=("stem_conv",), value=False, id=""),
        ]


async def test_an_answer_for_a_run_that_has_ended_is_for_no_other(
    session: Any, at_work: AtWork, until: Any, layers: LayerNode
) -> None:
    async with at_work() as pilot:
        app: Any = pilot.app
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen))
        session.play(RunEnded(status="completed"))
        session.begin(layers, index=1)
        await until(pilot, lambda: training(app).view.current == 1)
        await pilot.press("a")
        await until(pilot, lambda: "EfficientNetLite0 has ended meanwhile" in told(app))
        assert session.sent == []


async def test_the_lock_of_batch_normalization(session: Any, at_work: AtWork, until: Any) -> None:
    async with at_work() as pilot:
        app: Any = pilot.app
        for number, (locked, pending, value, words) in enumerate(
            (
                (False, None, True, "will be locked"),
                (False, True, False, "stays released"),
                (True, None, False, "will be released"),
                (True, False, True, "stays locked"),
            ),
            start=1,
        ):
            show(app, batchnorm_locked=locked, pending_lock=pending)
            await pilot.press("b")
            await until(pilot, lambda number=number: len(session.sent) == number)
            assert without_id(session.sent[-1]) == SetBatchNormLock(value=value, id="")
            await until(pilot, lambda words=words: words in told(app))


async def test_a_model_without_batch_normalization_has_nothing_to_lock(
    session: Any, at_work: AtWork, until: Any, layers: LayerNode
) -> None:
    async with at_work() as pilot:
        app: Any = pilot.app
        show(app, layers=replace(layers, children=layers.children[1:]))
        await pilot.press("b")
        await until(pilot, lambda: "no pretrained BatchNormalization" in told(app))
        assert session.sent == []


@pytest.mark.parametrize(
    ("key", "expected"),
    [("a", ApplyNow(id="")), ("backspace", Withdraw(commands=("first", "second"), id=""))],
)
async def test_what_waits_is_applied_now_or_taken_back(
    session: Any, at_work: AtWork, until: Any, key: str, expected: Command
) -> None:
    async with at_work() as pilot:
        app: Any = pilot.app
        await pilot.press(key)
        await until(pilot, lambda: "No change is pending" in told(app))
        assert session.sent == []
        show(app, pending={"stem_conv": True}, pending_ids=("first", "second"))
        await pilot.press(key)
        await until(pilot, lambda: session.sent)
        assert [without_id(command) for command in session.sent] == [expected]


async def test_the_rate_goes_up_and_down_by_steps(
    session: Any, at_work: AtWork, until: Any
) -> None:
    async with at_work() as pilot:
        for number, (key, pending, rate) in enumerate(
            (
                ("plus", None, 1.7783e-3),
                ("equals_sign", None, 1.7783e-3),
                ("minus", None, 5.6234e-4),
                ("plus", 1e-2, 1.7783e-2),
                ("minus", 1e-2, 5.6234e-3),
            ),
            start=1,
        ):
            show(pilot.app, pending_learning_rate=pending)
            await pilot.press(key)
            await until(pilot, lambda number=number: len(session.sent) == number)
            assert isinstance(session.sent[-1], SetLearningRate)
            assert session.sent[-1].value == pytest.approx(rate, rel=1e-4)


async def test_no_step_leads_above_the_highest_rate(
    session: Any, at_work: AtWork, until: Any
) -> None:
    async with at_work() as pilot:
        app: Any = pilot.app
        show(app, learning_rate=9.0)
        await pilot.press("plus")
        await until(pilot, lambda: "10 at most" in told(app))
        assert session.sent == []


@pytest.mark.parametrize("key", ["plus", "minus", "L"])
async def test_a_rate_that_follows_a_cosine_is_not_asked_for(
    session: Any, at_work: AtWork, until: Any, key: str
) -> None:
    async with at_work() as pilot:
        app: Any = pilot.app
        spec = training(app).view.run.spec
        stages = (replace(spec.stages[0], schedule="cosine"), *spec.stages[1:])
        show(app, spec=replace(spec, stages=stages))
        await pilot.press(key)
        await until(pilot, lambda: "with --schedule constant it can be changed." in told(app))
        assert app.screen is training(app)
        assert session.sent == []


async def test_a_key_pressed_again_builds_on_what_it_asked_for_before(
    session: Any, at_work: AtWork, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work() as pilot:
        # No regular drawing comes between the keys.
        monkeypatch.setattr(pilot.app, "_show_progress", lambda: None)
        await pilot.press("plus", "plus", "z", "z")
        await until(pilot, lambda: len(session.sent) == 4)
        higher, highest, pause, resume = session.sent
        assert highest.value == pytest.approx(higher.value * 10**0.25)
        assert (type(pause), type(resume)) == (Pause, Resume)


async def test_a_typed_rate(session: Any, at_work: AtWork, until: Any) -> None:
    async with at_work() as pilot:
        app: Any = pilot.app
        await pilot.press("L")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        assert app.screen.query_one(Input).value == "0.001"
        await pilot.press("2", "0", "enter")
        assert isinstance(app.screen, Prompt)
        await pilot.press("backspace", "backspace", "3", "e", "-", "4", "enter")
        await until(pilot, lambda: session.sent)
        assert [without_id(command) for command in session.sent] == [
            SetLearningRate(value=3e-4, id="")
        ]


async def test_a_rate_that_the_trainer_rejects_is_shown_with_the_reason(
    session: Any, at_work: AtWork, until: Any
) -> None:
    async with at_work() as pilot:
        app: Any = pilot.app
        await pilot.press("plus")
        await until(pilot, lambda: session.sent)
        session.play(CommandRejected(command=session.sent[-1], reason="the rate follows a cosine"))
        await until(pilot, lambda: "Not done: the rate follows a cosine" in told(app))


@pytest.mark.parametrize(
    ("key", "expected", "words"),
    [
        ("s", SkipStage(id=""), "the next stage begins after this epoch"),
        ("e", SkipModel(when="epoch", id=""), "the next model begins after this epoch"),
        ("n", SkipModel(when="now", id=""), "the next model begins after this batch"),
        ("c", None, ""),
        ("escape", None, ""),
    ],
)
async def test_the_skip_menu(
    session: Any, at_work: AtWork, until: Any, key: str, expected: Command | None, words: str
) -> None:
    async with at_work() as pilot:
        app: Any = pilot.app
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen))
        await pilot.press(key)
        await until(pilot, lambda: app.screen is training(app))
        await until(pilot, lambda: words in told(app))
        sent = [without_id(command) for command in session.sent]
        assert sent == ([expected] if expected else [])


async def test_in_the_last_stage_of_the_last_run_there_is_nothing_to_skip_to(
    at_work: AtWork, until: Any, make_session: Any, make_spec: Any
) -> None:
    only = make_session((make_spec(),))
    async with at_work(of=only) as pilot:
        app: Any = pilot.app
        show(app, stage=2)
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: "last stage of the last model" in told(app))
        assert app.screen is training(app)
        assert only.sent == []


async def test_a_checkpoint_is_asked_for_and_answered(
    session: Any, at_work: AtWork, until: Any
) -> None:
    async with at_work() as pilot:
        app: Any = pilot.app
        await pilot.press("c")
        await until(pilot, lambda: session.sent)
        assert isinstance(session.sent[-1], SaveCheckpoint)
        await until(pilot, lambda: "a checkpoint is saved after this batch" in told(app))
        session.play(PhaseChanged(phase="saving", detail="checkpoint"))
        await until(
            pilot, lambda: "saving checkpoint" in str(app.screen.query_one("#head").render())
        )


async def test_what_cannot_be_changed_while_loading_says_so(
    session: Any, running: Any, until: Any
) -> None:
    async with running(session, (80, 24)) as pilot:
        app: Any = pilot.app
        session.play(PhaseChanged(phase="loading", detail="TensorFlow"))
        await until(pilot, lambda: training(app).view.run.phase == "loading")
        for asked, words in (
            (("p", "b"), "once the model is built"),
            (("plus", "minus", "L"), "once the training has begun"),
        ):
            await pilot.press(*asked)
            await until(pilot, lambda a=asked, w=words: told(app).count(w) == len(a))
            assert app.screen is training(app)
        assert session.sent == []


async def test_no_control_acts_when_no_model_trains(
    session: Any, at_work: AtWork, until: Any
) -> None:
    async with at_work() as pilot:
        app: Any = pilot.app
        session.play(RunEnded(status="completed"))
        await until(pilot, lambda: training(app).view.run.is_over)
        for number, key in enumerate(CONTROLS, start=1):
            await pilot.press(key)
            assert app.screen is training(app), key
            assert told(app).count("No model is training") == number, key
        assert session.sent == []


async def test_letters_move_over_the_answers(session: Any, at_work: AtWork, until: Any) -> None:
    async with at_work() as pilot:
        app: Any = pilot.app
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen))
        await pilot.press("j", "j", "k", "enter")
        await until(pilot, lambda: session.sent)
        assert [without_id(command) for command in session.sent] == [Stop(when="epoch", id="")]


@pytest.mark.parametrize("size", [(80, 24), (60, 15)])
async def test_dialogs_fit_a_small_terminal(
    at_work: AtWork, until: Any, size: tuple[int, int]
) -> None:
    async with at_work(size) as pilot:
        app: Any = pilot.app
        for opened_by in (("p",), ("p", "n"), ("L",), ("greater_than_sign",), ("s",), ("q",)):
            for key in opened_by:
                before = app.screen
                await pilot.press(key)
                await until(pilot, lambda before=before: app.screen is not before)
            await until(pilot, lambda: app.screen.query(".dialog-hint"))
            dialog = app.screen.query_one(".dialog", Vertical)
            await until(pilot, lambda dialog=dialog: dialog.region.area)
            assert app.screen.region.contains_region(dialog.region)
            for part in dialog.children:
                assert dialog.content_region.contains_region(part.region), (opened_by, part)
            for options in dialog.query(OptionList):
                assert size[1] < 24 or options.max_scroll_y == 0
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is training(app))
