"""What the rows of the layer tree are drawn from: what trains, waits, moved, broke: pure.

A row is red where a layer of it moved while it was frozen.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from engine.state.snapshot import RunSnapshot
from tui.panels.layers.rows import LayerRow

State = Literal["trains", "frozen", "some", "locked", "none", "open"]
"""`locked`: BatchNormalization held in inference mode; `none`: nothing in it has weights.

`open`: not known before the first step is compiled.
"""

GLYPHS: dict[State, str] = {
    "trains": "■",
    "frozen": "□",
    "some": "◪",
    "locked": "▫",
    "none": " ",
    "open": " ",
}


def knows_what_trains(run: RunSnapshot) -> bool:
    """Tell whether a step was compiled; while features are extracted before it, none is."""
    return run.trainable_parameters + run.frozen_parameters > 0


def drawn_from(run: RunSnapshot) -> tuple[object, ...]:
    """The part of a snapshot that the rows show; while it is equal nothing is drawn again."""
    locks = (knows_what_trains(run), run.batchnorm_locked, run.pending_lock)
    return (run.trainable, run.selected, run.pending, run.moved, run.broken, *locks)


@dataclass(frozen=True, slots=True)
class RowState:
    """What a row's leaves do now, and what they are to do."""

    now: State
    asked: State
    """What they will do once the waiting changes are done; equal to `now` where nothing waits."""
    waiting: int
    """How many of its leaves wait to train or to be frozen."""
    train: int = 0
    """How many of its leaves train now."""
    locked: int = 0
    """How many of its leaves are locked now."""
    broken: int = 0
    """How many of its leaves moved while they were frozen."""
    moved: float = 0.0
    """The largest relative change in the last epoch of its leaves that train, or that moved while
    they were frozen; exactly 0 where none moved."""

    @property
    def waits(self) -> bool:
        """Whether any of it will be different once the waiting changes are done."""
        return bool(self.waiting) or self.now != self.asked

    @property
    def mark(self) -> str:
        """Glyph and word: `■ trains`, `□ → trains`."""
        if self.waits:
            return f"{GLYPHS[self.now]} → {self.asked}"
        return "" if self.now in ("none", "open") else f"{GLYPHS[self.now]} {self.now}"

    @property
    def short_mark(self) -> str:
        """The glyphs alone: `■`, `□→■`."""
        if self.waits:
            return f"{GLYPHS[self.now]}→{GLYPHS[self.asked]}"
        return GLYPHS[self.now].rstrip()


def row_state(row: LayerRow, run: RunSnapshot, lockable: Collection[str]) -> RowState:
    """Compute the state of a row; locked leaves do not count for a group's all, some or none.

    Args:
        row: of the run's layer tree.
        run: before a step is compiled its spec says whether the lock holds.
        lockable: the leaves that the BatchNormalization lock can hold.
    """
    is_known = knows_what_trains(run)
    holds = run.batchnorm_locked if is_known else run.spec.batchnorm == "locked"
    will_hold = holds if run.pending_lock is None else run.pending_lock
    train = asked = waiting = locked = locked_after = 0
    moved = [0.0]
    for leaf in row.leaves:
        is_locked, will_lock = holds and leaf in lockable, will_hold and leaf in lockable
        trains = not is_locked and leaf in run.trainable
        is_chosen = leaf in (run.selected if is_locked else run.trainable)
        will_train = not will_lock and run.pending.get(leaf, is_chosen)
        train, locked = train + trains, locked + is_locked
        asked, locked_after = asked + will_train, locked_after + will_lock
        waiting += trains != will_train
        if trains or leaf in run.broken:
            moved.append(run.moved.get(leaf, 0.0))
    leaves = len(row.leaves)
    waits = any(leaf in run.pending for leaf in row.leaves)
    return RowState(
        now=_state(train, leaves - locked, locked, is_known=is_known),
        asked=_state(asked, leaves - locked_after, locked_after, is_known=is_known or waits),
        waiting=waiting,
        train=train,
        locked=locked,
        broken=sum(leaf in run.broken for leaf in row.leaves),
        moved=_largest(moved),
    )


def _state(train: int, free: int, locked: int, *, is_known: bool) -> State:
    if not free:
        return "locked" if locked else "none"
    if not is_known:
        return "open"
    if train == free:
        return "trains"
    return "some" if train else "frozen"


def _largest(changes: Iterable[float]) -> float:
    """Return the largest change; infinite if one is NaN, as with weights that became NaN."""
    return max(math.inf if math.isnan(change) else change for change in changes)


def toggled_value(state: RowState) -> bool:
    """Decide what a toggle does: freeze a row all of which trains or is to train, else unfreeze."""
    return state.asked != "trains"
