"""The queue as a screen shows it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.config.spec import RunSpec
from engine.protocol.commands import Pause
from engine.protocol.events import PhaseChanged, QueueChanged, RunEnded
from tests.support.fake_session import FakeSession
from tui.session.shown import ShownSession


@pytest.fixture
def shown(make_spec: Callable[..., RunSpec]) -> ShownSession:
    """Two runs, nothing heard of either."""
    return ShownSession(FakeSession((make_spec(), make_spec("CustomCNN"))))


def test_each_event_goes_to_its_run(shown: ShownSession) -> None:
    shown.apply(0, "a", PhaseChanged(phase="loading"))
    shown.apply(0, "a", RunEnded(status="completed"))
    shown.apply(1, "b", PhaseChanged(phase="tracing"))
    shown.apply(7, "c", PhaseChanged(phase="tracing"))
    view = shown.view()
    assert [run.status for run in view.runs] == ["completed", "running"]
    assert [run.run_id for run in view.runs] == ["a", "b"]
    assert view.run is view.runs[1]


def test_the_runs_that_wait_are_those_of_the_last_change(
    shown: ShownSession, make_spec: Callable[..., RunSpec]
) -> None:
    shown.apply(0, "a", PhaseChanged(phase="loading"))
    added = (make_spec("CustomCNN"), make_spec("VGG16"))
    shown.apply(0, "a", QueueChanged(waiting=added, place=1))
    shown.apply(2, "c", PhaseChanged(phase="loading"))
    shown.apply(2, "c", QueueChanged(waiting=(make_spec("MobileNet"),), place=3))
    shown.apply(2, "c", QueueChanged(waiting=(), place=3))
    view = shown.view()
    assert [run.spec.model for run in view.runs] == ["EfficientNetLite0", "CustomCNN", "VGG16"]
    assert [run.run_id for run in view.runs] == ["a", "", "c"]


def test_an_event_without_a_run_id_keeps_what_is_known(shown: ShownSession) -> None:
    shown.apply(0, "a", PhaseChanged(phase="loading"))
    shown.apply(0, "", RunEnded(status="failed", error="no room"))
    run = shown.view().run
    assert (run.run_id, run.status, run.phase) == ("a", "failed", "loading")


def test_a_run_that_did_not_change_keeps_its_snapshot(shown: ShownSession) -> None:
    before = shown.view()
    shown.apply(1, "b", PhaseChanged(phase="loading"))
    shown.request(Pause())
    after = shown.view()
    assert after.runs[0] is before.runs[0]
    assert after.runs[1].pause_requested
