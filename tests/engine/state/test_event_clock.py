"""The clock of a trainer elsewhere, by what is heard of it."""

from __future__ import annotations

import pytest

import engine.state.event_clock
from engine.protocol.events import Event, LogLine, RunResumed
from engine.state.event_clock import LATE_SECONDS, EventClock


class Here:
    """This machine's monotonic clock, set by the test."""

    def __init__(self) -> None:
        self.second = 5_000.0

    def monotonic(self) -> float:
        """What `time.monotonic` would say."""
        return self.second


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Here:
    """The clock that stands in for `time`."""
    clock = Here()
    monkeypatch.setattr(engine.state.event_clock, "time", clock)
    return clock


def said(at: float) -> Event:
    return LogLine(time=at, level="info", text="")


def test_it_goes_on_from_the_last_event(here: Here) -> None:
    clock = EventClock(100.0)
    here.second += 3
    assert clock.now() == 103
    clock.hear(said(700.0))
    here.second += 2
    assert clock.now() == 702


def test_a_history_read_at_once_ends_at_its_last_event(here: Here) -> None:
    clock = EventClock(100.0)
    for second in (100, 107, 2_000, 3_999):
        clock.hear(said(second))
    assert clock.now() == 3_999


def test_an_event_that_is_late_does_not_turn_it_back(here: Here) -> None:
    clock = EventClock(100.0)
    here.second += 10
    clock.hear(said(105.0))
    assert clock.now() == 110


def test_another_clock_is_believed_at_once(here: Here) -> None:
    clock = EventClock(1e6)
    clock.hear(said(1e6 - LATE_SECONDS - 1))
    assert clock.now() == 1e6 - LATE_SECONDS - 1
    clock.hear(RunResumed(time=1e6 - LATE_SECONDS - 20, stage=1, epoch=1, step=0))
    assert clock.now() == 1e6 - LATE_SECONDS - 20


def test_one_damaged_time_is_forgotten_with_the_next(here: Here) -> None:
    clock = EventClock(100.0)
    for second in (100.0, 9e9, 101.0):
        clock.hear(said(second))
    assert clock.now() == 101
