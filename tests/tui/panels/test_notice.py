"""What waits, what failed, and how the queue ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.protocol.commands import Pause, SetLearningRate, Stop
from engine.protocol.events import (
    CommandAccepted,
    EpochStarted,
    LogLine,
    Phase,
    PhaseChanged,
    TestEnded,
)
from engine.protocol.facts import LayerNode
from engine.state.bottleneck import Bottleneck
from engine.state.snapshot import RunSnapshot
from tests.support.fake_session import FakeSession, epoch_end
from tests.support.screens import Running, until
from tui.panels.notice import (
    NoticeStrip,
    end_text,
    failure_text,
    held_back,
    last_said,
    next_text,
    request_forms,
    requests,
    waiting_changes,
)
from tui.session.view import SessionView

HELD = Bottleneck("validation-heavy", "validation takes 44 % of an epoch", "do less", "4 of 9 s")


def words(run: RunSnapshot, *, with_changes: bool = True) -> str:
    return request_forms(requests(run, with_changes=with_changes))[0]


@pytest.fixture
def working(run: RunSnapshot) -> RunSnapshot:
    """A run at work."""
    return replace(run, status="running", phase="training")


def test_requests_in_words(working: RunSnapshot) -> None:
    assert requests(working) == []
    assert "pausing after this batch" in words(replace(working, pause_requested=True))
    assert "after this epoch" in words(replace(working, stop_requested="epoch"))
    assert "after this batch" in words(replace(working, stop_requested="now"))
    assert "after this model" in words(replace(working, stop_requested="run"))
    assert "next model after this epoch" in words(replace(working, skip_requested="epoch"))
    assert words(replace(working, pending={"a": True, "b": True})) == (
        "2 changes wait for the epoch's end"
    )


@pytest.mark.parametrize("phase", ["testing", "saving"])
def test_what_waited_for_the_epochs_end_is_gone_once_it_has_ended(
    working: RunSnapshot, phase: Phase
) -> None:
    in_epoch = replace(working, epoch=1, phase=phase)
    past = replace(in_epoch, ended_epochs=(epoch_end(1, 0.5),))
    for name in ("stop_requested", "skip_requested"):
        asked: dict[str, Any] = {name: "epoch"}
        assert requests(replace(in_epoch, **asked))
        assert requests(replace(past, **asked)) == []
        assert requests(replace(past, **asked, phase="extracting"))
    assert requests(replace(past, stop_requested="run")) == ["stopping after this model…"]


def test_a_pause_says_how_to_go_on(working: RunSnapshot) -> None:
    paused = replace(working, phase="paused", pause_requested=True)
    assert words(paused) == "paused: z resumes"
    assert words(replace(paused, pause_requested=False)) == "resuming…"


def test_a_run_that_is_over_waits_for_nothing(working: RunSnapshot) -> None:
    assert words(replace(working, status="stopped", stop_requested="epoch")) == ""


def test_one_change_and_several() -> None:
    assert waiting_changes(1) == "1 change waits for the epoch's end"
    assert waiting_changes(3) == "3 changes wait for the epoch's end"


def test_a_failure_says_why_and_what_is_next(run: RunSnapshot, working: RunSnapshot) -> None:
    failed = replace(run, status="failed", error="expected weights, found none")
    view = SessionView((failed, run), 0)
    assert "expected weights, found none" in failure_text(view, 0).plain
    assert "run 1 of 2" in failure_text(view, 0).plain
    assert next_text(view).startswith("Next: EfficientNetLite0")
    assert next_text(SessionView((failed, working), 1)).startswith("The queue continues")
    assert next_text(SessionView((failed,), 0)).startswith("It was the last run")


def test_options_are_called_by_their_flags(run: RunSnapshot, working: RunSnapshot) -> None:
    failed = replace(run, status="failed", error="no room; choose a smaller `image_size`")
    assert "a smaller --image-size" in failure_text(SessionView((failed,)), 0).plain
    line = LogLine(level="warning", text="no room; raise `feature_cache`, not `predictions`")
    assert last_said(replace(working, log=(line,))).endswith(
        "raise --feature-cache, not `predictions`"
    )


def test_the_end_counts_the_runs_and_names_the_best(run: RunSnapshot) -> None:
    test = TestEnded(loss=0.3, accuracy=0.9, images=100)
    done = replace(run, status="completed", test=test)
    text = end_text(SessionView((done, replace(run, status="failed"), run), 1, True)).plain
    assert "1 completed, 1 failed, 1 not started" in text
    assert "best: EfficientNetLite0, 0.9000" in text
    assert "results" in text


def test_the_lock_and_the_rate_wait_in_words(working: RunSnapshot) -> None:
    locking = replace(working, pending_lock=True)
    assert words(locking) == "BatchNormalization locks at the epoch's end"
    assert words(replace(locking, pending_lock=False)) == (
        "BatchNormalization is released at the epoch's end"
    )
    assert words(replace(locking, pending_now=True)) == (
        "BatchNormalization locks after this batch"
    )
    assert words(locking, with_changes=False) == ""
    rate = replace(working, pending_learning_rate=1.8e-3)
    assert words(rate) == "rate 1.8e-03 after this batch"


def test_changes_that_wait_for_the_batch_say_so(working: RunSnapshot) -> None:
    changes = replace(working, pending={"a": True, "b": True}, pending_now=True)
    assert words(changes) == "2 changes after this batch"
    assert words(changes, with_changes=False) == ""
    assert waiting_changes(1, now=True) == "1 change after this batch"


@pytest.mark.parametrize(
    ("room", "expected"),
    [
        (80, "validation-heavy: validation takes 44 % of an epoch (4 of 9 s); do less"),
        (70, "validation-heavy: validation takes 44 % of an epoch (4 of 9 s)"),
        (60, "validation-heavy: validation takes 44 % of an epoch"),
        (50, "validation-heavy"),
        (None, HELD.forms[0]),
    ],
)
def test_what_holds_training_back_is_shortened_in_steps(room: int | None, expected: str) -> None:
    assert held_back(HELD, room).plain == expected


def test_options_that_help_are_called_as_on_the_command_line() -> None:
    held = Bottleneck("input-bound", "it waits", "fewer `views`")
    assert held_back(held).plain == "input-bound: it waits; fewer --crops"
    assert held_back(held, 36).plain == "input-bound: it waits; fewer --crops"
    assert held_back(held, 35).plain == "input-bound: it waits"


def test_requests_that_do_not_fit_are_counted() -> None:
    assert request_forms(["stopping…", "one change", "rate 1e-03"]) == [
        "stopping…   one change   rate 1e-03",
        "stopping…   one change   +1 more",
        "stopping…   +2 more",
    ]


async def test_the_strip_says_what_holds_training_back_beside_the_log(
    session: FakeSession, running: Running, layers: LayerNode
) -> None:
    async with running(session, (80, 24)) as pilot:
        session.begin(layers)
        ended = replace(epoch_end(1, 0.5), train_seconds=10.0, validation_seconds=8.0)
        lines = [LogLine(level="info", text=f"line {number}") for number in range(12)]
        session.play(*lines, ended, EpochStarted(epoch=2, stage=1, steps=10))
        strip = pilot.app.screen.query_one(NoticeStrip)
        for size, words in (
            ((80, 24), "validation-heavy: validation takes 44 % of an epoch "),
            ((100, 30), "validation-heavy: validation takes 44 % of an epoch (8.0 s of 18 s)"),
            ((140, 40), "of an epoch (8.0 s of 18 s); hold fewer images out"),
        ):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda words=words: words in str(strip.render()))
            assert "5 log ▸ 12 new" in str(strip.render())
        session.play(PhaseChanged(phase="testing"))
        await until(pilot, lambda: "validation-heavy" not in str(strip.render()))
        assert "line 11" in str(strip.render())


async def test_long_requests_stay_in_sight_on_a_narrow_screen(
    session: FakeSession, running: Running, layers: LayerNode
) -> None:
    async with running(session, (80, 24)) as pilot:
        session.begin(layers)
        asked = (Pause(), SetLearningRate(value=1e-4), Stop(when="epoch"))
        session.play(*(CommandAccepted(command=command) for command in asked))
        session.play(LogLine(level="info", text="something"))
        strip = pilot.app.screen.query_one(NoticeStrip)
        await until(pilot, lambda: "stopping after this epoch…" in str(strip.render()))
        await until(pilot, lambda: "+2 more" in str(strip.render()))
        assert "5 log ▸ 1 new" in str(strip.render())


def test_what_libraries_print_is_not_what_was_said_last(run: RunSnapshot) -> None:
    said = LogLine(level="info", text="checkpoint\nsaved")
    chatter = LogLine(level="debug", text="E0000 cuda_platform.cc:52] failed call to cuInit")
    assert last_said(replace(run, log=(said, chatter))) == "checkpoint saved"
    assert last_said(replace(run, log=(chatter,))) == ""
