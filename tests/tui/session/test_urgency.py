"""What a slow link shows at once."""

from __future__ import annotations

import pytest

from engine.protocol.commands import Pause
from engine.protocol.events import CommandAccepted, EpochStarted, PhaseChanged, RunEnded
from tui.session.urgency import Urgency


def test_answers_are_urgent_and_an_epoch_is_not() -> None:
    urgency = Urgency()
    assert urgency.is_urgent(CommandAccepted(command=Pause()))
    assert urgency.is_urgent(RunEnded(status="completed"))
    assert not urgency.is_urgent(EpochStarted(epoch=1, stage=1, steps=3))


@pytest.mark.parametrize(
    ("phases", "urgent"),
    [
        (("training", "validating", "training"), [False, False, False]),
        (("training", "paused", "training", "validating"), [False, True, True, False]),
    ],
)
def test_a_pause_and_its_end_are(phases: tuple[str, ...], urgent: list[bool]) -> None:
    urgency = Urgency()
    found = [urgency.is_urgent(PhaseChanged(phase=phase)) for phase in phases]  # type: ignore[arg-type]
    assert found == urgent
