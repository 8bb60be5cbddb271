"""The queue as a screen shows it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.config.spec import RunSpec
from engine.protocol.commands import Pause
from engine.protocol.events import PhaseChanged, QueueChanged, RunEnded
from tui.session.view import SessionStores


@pytest.fixture
def stores(make_spec: Callable[..., RunSpec]) -> SessionStores:
    """Two runs, nothing heard of either."""
    return SessionStores((make_spec(), make_spec("CustomCNN")))


def test_each_event_goes_to_its_run(stores: SessionStores) -> None:
    stores.apply(0, "a", PhaseChanged(phase="loading"))
    stores.apply(0, "a", RunEnded(status="completed"))
    stores.apply(1, "b", PhaseChanged(phase="tracing"))
    stores.apply(7, "c", PhaseChanged(phase="tracing"))
    view = stores.view(is_over=False)
    assert [run.status for run in view.runs] == ["completed", "running"]
    assert [run.run_id for run in view.runs] == ["a", "b"]
    assert view.run is view.runs[1]


def test_the_runs_that_wait_are_those_of_the_last_change(
    stores: SessionStores, make_spec: Callable[..., RunSpec]
) -> None:
    stores.apply(0, "a", PhaseChanged(phase="loading"))
    added = (make_spec("CustomCNN"), make_spec("VGG16"))
    stores.apply(0, "a", QueueChanged(waiting=added, place=1))
    stores.apply(2, "c", PhaseChanged(phase="loading"))
    stores.apply(2, "c", QueueChanged(waiting=(make_spec("MobileNet"),), place=3))
    stores.apply(2, "c", QueueChanged(waiting=(), place=3))
    view = stores.view(is_over=False)
    assert [run.spec.model for run in view.runs] == ["EfficientNetLite0", "CustomCNN", "VGG16"]
    assert [run.run_id for run in view.runs] == ["a", "", "c"]


def test_an_event_without_a_run_id_keeps_what_is_known(stores: SessionStores) -> None:
    stores.apply(0, "a", PhaseChanged(phase="loading"))
    stores.apply(0, "", RunEnded(status="failed", error="no room"))
    run = stores.view(is_over=True).run
    assert (run.run_id, run.status, run.phase) == ("a", "failed", "loading")


def test_a_run_that_did_not_change_keeps_its_snapshot(stores: SessionStores) -> None:
    before = stores.view(is_over=False)
    stores.apply(1, "b", PhaseChanged(phase="loading"))
    stores.requested(Pause())
    after = stores.view(is_over=False)
    assert after.runs[0] is before.runs[0]
    assert after.runs[1].pause_requested
