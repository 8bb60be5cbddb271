"""The commands to a run, and a plain model of what should train at each moment of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.protocol.commands import ApplyNow, Command, SetBatchNormLock, SetTrainable, Withdraw

Change = SetTrainable | SetBatchNormLock
Moment = tuple[int, int]
"""Epoch (1-based) and how many of its steps are done."""
Script = Mapping[Moment, Sequence[Command]]
"""Commands by the moment at which they are sent."""


@dataclass(frozen=True)
class Asked:
    """What should train."""

    selected: frozenset[str]
    """Leaf layers with weights that were asked to train."""
    locked: bool
    """Whether the backbone's BatchNormalization must not train, whatever was asked."""

    def after(self, change: Change) -> Asked:
        """Return the state after a change is applied."""
        if isinstance(change, SetBatchNormLock):
            return replace(self, locked=change.value)
        layers = frozenset(change.layers)
        if change.value:
            return replace(self, selected=self.selected | layers)
        return replace(self, selected=self.selected - layers)


@dataclass(frozen=True)
class Landing:
    """Changes that should be applied at one moment, and what should train from then on."""

    at: Moment
    ids: frozenset[str]
    asked: Asked


def landings(script: Script, start: Asked, epochs: int, steps: int) -> list[Landing]:
    """Return where every change of a script should land, in order; the first is the run's start.

    A change sent after a step lands before the next one if it is for now, else before the next
    epoch; one that would land after the last epoch is left out.
    """
    asked, waiting = start, list[Change]()
    found = [Landing((1, 0), frozenset(), start)]
    for epoch in range(1, epochs + 1):
        for step in range(1, steps + 1):
            before_first = script.get((epoch, 0), ()) if step == 1 else ()
            for command in (*before_first, *script.get((epoch, step), ())):
                waiting = _waiting_after(waiting, command)
            due = [change for change in waiting if step == steps or change.when == "now"]
            waiting = [change for change in waiting if change not in due]
            for change in due:
                asked = asked.after(change)
            at = (epoch, step) if step < steps else (epoch + 1, 0)
            if due and at[0] <= epochs:
                found.append(Landing(at, frozenset(change.id for change in due), asked))
    return found


def asked_at(found: Sequence[Landing], moment: Moment) -> Asked:
    """Return what should train from a moment on."""
    return [landing for landing in found if landing.at <= moment][-1].asked


def _waiting_after(waiting: list[Change], command: Command) -> list[Change]:
    match command:
        case SetTrainable() | SetBatchNormLock():
            return [*waiting, command]
        case ApplyNow():
            return [replace(change, when="now") for change in waiting]
        case Withdraw():
            return [change for change in waiting if change.id not in command.commands]
    return waiting
