"""The training screen as a whole: phases, commands, failures, sizes."""

from __future__ import annotations

from typing import Any

import pytest

from engine.protocol.commands import Command, Pause, Resume, Stop
from engine.protocol.events import (
    CommandAccepted,
    LogLine,
    PhaseChanged,
    PhaseProgressed,
    RunEnded,
    TestEnded,
)
from engine.protocol.facts import LayerNode
from engine.runs.listing import read_events
from tests.support.ensembles import write_ensemble
from tests.support.runs import RunWriter
from tests.support.screens import drawn
from tui.panels.epochs import EpochsPanel
from tui.panels.layers.keys import LayerTree
from tui.panels.log import LogPanel
from tui.panels.notice import Banner, NoticeStrip
from tui.panels.progress import HeadPanel
from tui.panels.queue import QueuePanel
from tui.screens.choice import ChoiceScreen
from tui.screens.too_small import TooSmallScreen
from tui.screens.training.screen import TrainingScreen
from tui.settings.keys import KEYS

PANELS = ("layers", "charts", "machine", "queue", "log")


def head(app: Any) -> str:
    return str(training(app).query_one(HeadPanel).render())


def notice(app: Any) -> str:
    return str(training(app).query_one(NoticeStrip).render())


def banner(app: Any) -> str:
    panel = training(app).query_one(Banner)
    return str(panel.render()) if panel.display else ""


def queue(app: Any) -> str:
    return str(training(app).query_one("#queue Static").render())


def training(app: Any) -> TrainingScreen:
    return next(screen for screen in app.screen_stack if isinstance(screen, TrainingScreen))


def in_sight(app: Any) -> list[str]:
    return [name for name in PANELS if app.screen.query_one(f"#{name}").region.area]


async def test_the_phase_is_named_at_all_times(session: Any, running: Any, until: Any) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        await until(pilot, lambda: "starting" in head(app))
        for event, words in (
            (PhaseChanged(phase="loading", detail="TensorFlow"), "loading TensorFlow"),
            (PhaseChanged(phase="downloading"), "downloading"),
            (PhaseProgressed(done=12 * 2**20, total=90 * 2**20, unit="bytes"), "12/90 MB"),
            (PhaseChanged(phase="tracing"), "tracing"),
            (PhaseChanged(phase="training"), "● training"),
            (PhaseChanged(phase="validating"), "validating"),
            (PhaseProgressed(done=32, total=64, unit="images"), "validating 32/64"),
            (PhaseChanged(phase="testing"), "testing"),
            (PhaseChanged(phase="saving"), "saving"),
        ):
            session.play(event)
            await until(pilot, lambda words=words: words in head(app))


async def test_position_and_queue_follow_the_events(
    session: Any, running: Any, until: Any, layers: LayerNode, events: Any
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        await until(pilot, lambda: "batch  4/10" in head(app))
        assert "epoch 1/5" in head(app)
        assert "run 1 of 2" in head(app)
        session.play(events["epoch_end"](1, 0.8), TestEnded(loss=0.3, accuracy=0.81, images=9))
        session.play(RunEnded(status="completed"))
        session.play(PhaseChanged(phase="loading"), index=1)
        await until(pilot, lambda: "run 2 of 2" in head(app))
        done, working = queue(app).splitlines()
        assert done.startswith("✓ EfficientNetLite0")
        assert "0.8100" in done
        assert working.startswith("● CustomCNN")


async def test_pause_and_resume_are_asked_and_shown_as_pending(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        await until(pilot, lambda: "training" in head(app))
        await pilot.press("z")
        await until(pilot, lambda: "pausing after this batch" in notice(app))
        assert isinstance(session.sent[-1], Pause)
        session.play(CommandAccepted(command=session.sent[-1]), PhaseChanged(phase="paused"))
        await until(pilot, lambda: "paused: z resumes" in notice(app))
        await pilot.press("z")
        await until(pilot, lambda: "resuming" in notice(app))
        assert isinstance(session.sent[-1], Resume)


@pytest.mark.parametrize(
    ("keys", "when", "words"),
    [
        (("n",), "now", "stopping after this batch"),
        (("e",), "epoch", "stopping after this epoch"),
        (("enter",), "run", "stopping after this model"),
        (("down", "down", "enter"), "now", "stopping after this batch"),
        (("c",), None, ""),
        (("escape",), None, ""),
    ],
)
async def test_the_stop_menu(
    session: Any, running: Any, until: Any, layers: LayerNode, keys: Any, when: Any, words: str
) -> None:
    async with running(session, (80, 24)) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        await until(pilot, lambda: "training" in head(app))
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen))
        await pilot.press(*keys)
        await until(pilot, lambda: app.screen is training(app))
        await until(pilot, lambda: words in notice(app))
        sent: list[Command] = session.sent
        assert [command.when for command in sent if isinstance(command, Stop)] == (
            [when] if when else []
        )


async def test_a_failed_run_is_shown_until_dismissed(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        session.play(PhaseChanged(phase="loading"))
        session.play(RunEnded(status="failed", error="expected weights, found [none]"))
        await until(pilot, lambda: "expected weights, found [none]" in banner(app))
        assert "Next: CustomCNN" in banner(app)
        assert "failed" in head(app)
        session.begin(layers, index=1)
        await until(pilot, lambda: "The queue continues with CustomCNN" in banner(app))
        assert "✗ EfficientNetLite0" in queue(app)
        await pilot.press("escape")
        assert banner(app) == ""


async def test_the_end_of_the_queue_is_clear(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        session.play(TestEnded(loss=0.3, accuracy=0.9, images=100), RunEnded(status="completed"))
        session.play(RunEnded(status="failed", error="no memory"), index=1)
        session.alive = False
        await until(pilot, lambda: "The queue has ended" in banner(app))
        assert "1 completed, 1 failed" in banner(app)
        await pilot.press("z", "s")
        assert session.sent == []
        assert not isinstance(app.screen, ChoiceScreen)


async def test_the_log_counts_what_was_not_seen(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        session.play(*(LogLine(level="warning", text=f"line {i} [x]") for i in range(3)))
        await until(pilot, lambda: "5 log ▸ 3 new" in notice(app))
        assert "line 2 [x]" in notice(app)
        await pilot.press("5")
        log = app.screen.query_one(LogPanel)
        await until(pilot, lambda: any("line 2 [x]" in line.text for line in log.lines))
        assert "new" not in notice(app)
        session.play(LogLine(level="error", text="later"))
        await until(pilot, lambda: any("later" in line.text for line in log.lines))
        assert sum("line 0" in line.text for line in log.lines) == 1
        await pilot.press("5")
        assert "new" not in notice(app)
        session.play(LogLine(level="info", text="after"))
        await until(pilot, lambda: "5 log ▸ 1 new" in notice(app))


async def test_a_key_shows_what_libraries_print_and_opens_the_log_for_it(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        session.play(LogLine(level="debug", text="failed call to cuInit"))
        session.play(LogLine(level="info", text="weights bundled"))
        await until(pilot, lambda: "5 log ▸ 1 new" in notice(app))
        log = app.screen.query_one(LogPanel)
        (key,) = (key for key in KEYS if key.action == "debug_lines")
        await pilot.press("5")
        await until(pilot, lambda: "1 debug line hidden" in log.border_subtitle)
        assert f"{key.keys} shows" in log.border_subtitle
        assert not any("cuInit" in line.text for line in log.lines)
        await pilot.press("5", key.keys)
        await until(pilot, lambda: any("cuInit" in line.text for line in log.lines))
        assert in_sight(app)[-1] == "log"
        await pilot.press(key.keys)
        await until(pilot, lambda: not any("cuInit" in line.text for line in log.lines))
        assert in_sight(app)[-1] == "log"


async def test_a_small_terminal_shows_one_panel_at_a_time(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session, (80, 24)) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        await until(pilot, lambda: "training" in head(app))
        assert in_sight(app) == ["charts"]
        assert app.screen.focused is None  # else keys would freeze layers that nobody sees
        assert "train 0.500" not in head(app)
        for key, name in zip("1345", ("layers", *PANELS[2:]), strict=True):
            await pilot.press(key)
            await until(pilot, lambda name=name: in_sight(app) == [name])
            assert app.screen.query_one(HeadPanel).region.height == 3
            assert "train 0.500 · loss 1.50" in head(app)
        await pilot.press("1")
        await until(pilot, lambda: in_sight(app) == ["layers"])
        assert app.screen.focused is app.screen.query_one(LayerTree)
        await pilot.press("1")
        await until(pilot, lambda: in_sight(app) == ["charts"])
        assert app.screen.focused is None


async def test_the_layers_take_the_focus_where_they_come_into_sight(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session, (80, 24)) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        await until(pilot, lambda: "training" in head(app))
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: app.screen.focused is app.screen.query_one(LayerTree))


async def test_epochs_are_listed_where_machine_and_queue_leave_room(
    session: Any, running: Any, until: Any, layers: LayerNode, events: Any
) -> None:
    async with running(session, (200, 60)) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        session.play(events["epoch_end"](1, 0.8))
        epochs = app.screen.query_one(EpochsPanel)
        await until(pilot, lambda: epochs.region.area)
        await until(pilot, lambda: "★   1" in str(epochs.query_one(".rows").render()))
        panel = app.screen.query_one(QueuePanel)
        await until(pilot, lambda: panel.region.height == 2 + len(session.specs))
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: not epochs.region.area)
        await pilot.press("4")
        await until(pilot, lambda: epochs.region.area)


async def test_a_long_queue_is_not_cut_for_the_epochs(
    make_session: Any, make_spec: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    session = make_session(tuple(make_spec(seed=seed) for seed in range(40)))
    async with running(session, (200, 60)) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        await until(pilot, lambda: "seed 39" in queue(app))
        await pilot.pause()
        assert not app.screen.query_one(EpochsPanel).region.area
        assert app.screen.query_one(QueuePanel).region.height > 25


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_footer_tells_that_numbers_change_the_panels(
    session: Any, running: Any, until: Any, size: tuple[int, int]
) -> None:
    async with running(session, size) as pilot:
        await until(pilot, lambda: any("1-5 panels" in line.text for line in drawn(pilot)))


async def test_a_large_terminal_shows_all_and_one_on_request(
    session: Any, running: Any, until: Any
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        every = ["layers", "charts", "machine", "queue"]
        await until(pilot, lambda: in_sight(app) == every)
        await pilot.press("2")
        await until(pilot, lambda: in_sight(app) == ["charts"])
        await pilot.press("2")
        await until(pilot, lambda: in_sight(app) == every)
        await pilot.resize_terminal(200, 60)
        await until(pilot, lambda: in_sight(app) == [*every, "log"])


async def test_a_narrow_terminal_shows_the_queue_with_whole_names(
    make_session: Any, make_spec: Any, running: Any, until: Any, layers: LayerNode, events: Any
) -> None:
    session = make_session(tuple(make_spec(seed=0) for _ in range(12)))
    async with running(session, (100, 30)) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        session.play(events["epoch_end"](1, 0.8))
        await until(pilot, lambda: "EfficientNetLite0 ~0.8000" in queue(app))
        panel = app.screen.query_one(QueuePanel)
        await until(pilot, lambda: panel.show_vertical_scrollbar)
        assert queue(app).count("EfficientNetLite0") == 12


async def test_too_small_a_terminal_says_so_and_comes_back(
    session: Any, running: Any, until: Any, layers: LayerNode
) -> None:
    async with running(session, (40, 10)) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        await until(pilot, lambda: isinstance(app.screen, TooSmallScreen))
        message = str(app.screen.query_one("Static").render())
        assert (
            message
            == "terminal too small: at least 60×15, found 40×10\nenlarge it, or quit with ctrl+q"
        )
        await pilot.resize_terminal(60, 15)
        await until(pilot, lambda: isinstance(app.screen, TrainingScreen))
        await until(pilot, lambda: "training" in head(app))


@pytest.mark.slow("that sizes which nobody has do not break the screen")
async def test_no_size_breaks_the_screen(
    session: Any, running: Any, until: Any, layers: LayerNode, events: Any
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        session.begin(layers)
        session.play(events["epoch_end"](1, 0.5), events["batch"](2, 1))
        for width, height in (
            (20, 5),
            (1, 1),
            (60, 15),
            (80, 24),
            (100, 30),
            (120, 20),
            (160, 40),
            (300, 100),
            (59, 100),
        ):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            small = width < 60 or height < 15
            await until(pilot, lambda small=small: isinstance(app.screen, TooSmallScreen) == small)
            if not small:
                widest = max(widget.region.right for widget in app.screen.children)
                assert widest <= width


async def test_help_lists_the_keys_and_closes(session: Any, running: Any, until: Any) -> None:
    async with running(session, (80, 24)) as pilot:
        app: Any = pilot.app
        await pilot.press("question_mark")
        await until(pilot, lambda: app.screen.query("#help"))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is training(app))
        assert app.screen.query_one(QueuePanel)


async def test_the_record_of_an_ensemble_is_shown_like_a_training(
    make_session: Any, running: Any, until: Any, write_run: RunWriter
) -> None:
    run = write_ensemble(write_run)
    session = make_session((run.file.spec,))
    async with running(session) as pilot:
        app: Any = pilot.app
        session.play(*read_events(run.directory))
        await until(pilot, lambda: "completed" in head(app))
        assert "Ensemble" in head(app)
        assert "0.9500" in queue(app)
        for key in ("tab", "down", "space", "s", "escape"):
            await pilot.press(key)
        assert "completed" in head(app)
