"""What waits, what failed, and how the queue ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.events import TestEnded
from engine.snapshot import RunSnapshot
from tui.panels.notice import end_text, failure_text, next_text, requests, waiting_changes
from tui.session_view import SessionView


@pytest.fixture
def working(run: RunSnapshot) -> RunSnapshot:
    """A run at work."""
    return replace(run, status="running", phase="training")


def test_requests_in_words(working: RunSnapshot) -> None:
    assert requests(working) == ""
    assert "pausing after this batch" in requests(replace(working, pause_requested=True))
    assert "after this epoch" in requests(replace(working, stop_requested="epoch"))
    assert "after this batch" in requests(replace(working, stop_requested="now"))
    assert "after this model" in requests(replace(working, stop_requested="run"))
    assert "next model after this epoch" in requests(replace(working, skip_requested="epoch"))
    assert requests(replace(working, pending={"a": True, "b": True})) == (
        "2 changes wait for the epoch's end"
    )


def test_a_pause_says_how_to_go_on(working: RunSnapshot) -> None:
    paused = replace(working, phase="paused", pause_requested=True)
    assert requests(paused) == "paused: z resumes"
    assert requests(replace(paused, pause_requested=False)) == "resuming…"


def test_a_run_that_is_over_waits_for_nothing(working: RunSnapshot) -> None:
    assert requests(replace(working, status="stopped", stop_requested="epoch")) == ""


def test_one_change_and_several() -> None:
    assert waiting_changes(1) == "1 change waits for the epoch's end"
    assert waiting_changes(3) == "3 changes wait for the epoch's end"


def test_a_failure_says_why_and_what_is_next(run: RunSnapshot, working: RunSnapshot) -> None:
    failed = replace(run, status="failed", error="expected weights, found none")
    view = SessionView((failed, run), 0)
    assert "expected weights, found none" in failure_text(view, 0).plain
    assert "run 1 of 2" in failure_text(view, 0).plain
    assert next_text(view).startswith("Next: EfficientNetLite0")
    assert next_text(SessionView((failed, working), 1)).startswith("The queue goes on")
    assert next_text(SessionView((failed,), 0)).startswith("It was the last run")


def test_the_end_counts_the_runs_and_names_the_best(run: RunSnapshot) -> None:
    test = TestEnded(loss=0.3, accuracy=0.9, images=100)
    done = replace(run, status="completed", test=test)
    text = end_text(SessionView((done, replace(run, status="failed"), run), 1, True)).plain
    assert "1 completed, 1 failed, 1 not started" in text
    assert "best: EfficientNetLite0, 0.9000" in text
    assert "results" in text


def test_the_lock_and_the_rate_wait_in_words(working: RunSnapshot) -> None:
    locking = replace(working, pending_lock=True)
    assert requests(locking) == "BatchNormalization locks at the epoch's end"
    assert requests(replace(locking, pending_lock=False)) == (
        "BatchNormalization is released at the epoch's end"
    )
    assert requests(replace(locking, pending_now=True)) == (
        "BatchNormalization locks after this batch"
    )
    assert requests(locking, with_changes=False) == ""
    rate = replace(working, pending_learning_rate=1.8e-3)
    assert requests(rate) == "rate 1.8e-03 after this batch"


def test_changes_that_wait_for_the_batch_say_so(working: RunSnapshot) -> None:
    changes = replace(working, pending={"a": True, "b": True}, pending_now=True)
    assert requests(changes) == "2 changes after this batch"
    assert requests(changes, with_changes=False) == ""
    assert waiting_changes(1, now=True) == "1 change after this batch"
