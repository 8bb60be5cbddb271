"""Events on their way from the session's thread to the app's."""

from __future__ import annotations

from engine.protocol.events import LogLine
from tui.session.arrivals import EVENTS_AT_ONCE, Arrivals


def test_many_events_are_announced_once_and_taken_a_part_at_a_time() -> None:
    announced: list[None] = []
    arrivals = Arrivals(lambda: announced.append(None))
    for number in range(EVENTS_AT_ONCE + 2):
        arrivals.put(number, "run", LogLine(level="info", text=""))
    assert len(announced) == 1
    assert [index for index, _, _ in arrivals.take()] == list(range(EVENTS_AT_ONCE))
    assert len(announced) == 2
    assert [index for index, _, _ in arrivals.take()] == [EVENTS_AT_ONCE, EVENTS_AT_ONCE + 1]
    assert len(announced) == 2
    arrivals.put(0, "run", LogLine(level="info", text=""))
    assert len(announced) == 3


def test_a_closed_event_loop_does_not_hurt_the_session() -> None:
    def announce() -> None:
        raise RuntimeError("Event loop is closed")

    Arrivals(announce).put(0, "run", LogLine(level="info", text=""))
