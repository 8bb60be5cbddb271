"""What the rows of the layer tree are drawn from: what trains, waits, moved, broke: pure.

A row is red where a layer of it moved while it was frozen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.state.snapshot import RunSnapshot
from tui.panels.layers.rows import LayerRow

State = Literal["trains", "frozen", "some", "locked", "none"]
"""`locked`: BatchNormalization held in inference mode; `none`: nothing in it has weights."""

GLYPHS: dict[State, str] = {"trains": "■", "frozen": "□", "some": "◪", "locked": "▫", "none": " "}
WORDS: dict[State, str] = {
    "trains": "trains",
    "frozen": "frozen",
    "some": "some",
    "locked": "locked",
    "none": "",
}


@dataclass(frozen=True, slots=True)
class LayerStates:
    """The part of a snapshot that the rows show; while it is equal nothing is drawn again."""

    trainable: frozenset[str] = frozenset()
    """Leaves that train."""
    selected: frozenset[str] = frozenset()
    """Leaves that are to train, locked ones included."""
    pending: Mapping[str, bool] = field(default_factory=dict)
    """Leaves that wait to train or to be frozen."""
    locked: frozenset[str] = frozenset()
    """Leaves that the BatchNormalization lock holds now."""
    locked_after: frozenset[str] = frozenset()
    """Those it will hold once the waiting changes are done."""
    moved: Mapping[str, float] = field(default_factory=dict)
    """Relative change of weights in the last epoch, by leaf."""
    broken: frozenset[str] = frozenset()
    """Leaves that moved while they were frozen."""


def layer_states(run: RunSnapshot, lockable: frozenset[str]) -> LayerStates:
    """What the rows of a run show.

    Args:
        run: its snapshot; before the first stage its spec says whether the lock holds.
        lockable: the leaves that the BatchNormalization lock can hold.
    """
    is_locked = run.batchnorm_locked if run.stage else run.spec.batchnorm == "locked"
    will_lock = is_locked if run.pending_lock is None else run.pending_lock
    return LayerStates(
        trainable=run.trainable,
        selected=run.selected,
        pending=run.pending,
        locked=lockable if is_locked else frozenset(),
        locked_after=lockable if will_lock else frozenset(),
        moved=run.moved,
        broken=run.broken,
    )


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
    """The largest relative change of its leaves in the last epoch; exactly 0 where none moved."""

    @property
    def waits(self) -> bool:
        """Whether any of it will be different once the waiting changes are done."""
        return bool(self.waiting) or self.now != self.asked

    @property
    def mark(self) -> str:
        """Glyph and word: `■ trains`, `□ → trains`."""
        if self.waits:
            return f"{GLYPHS[self.now]} → {WORDS[self.asked]}"
        return f"{GLYPHS[self.now]} {WORDS[self.now]}".rstrip()

    @property
    def short_mark(self) -> str:
        """The glyphs alone: `■`, `□→■`."""
        if self.waits:
            return f"{GLYPHS[self.now]}→{GLYPHS[self.asked]}"
        return GLYPHS[self.now].rstrip()


def row_state(row: LayerRow, states: LayerStates) -> RowState:
    """Compute the state of a row; locked leaves do not count for a group's all, some or none."""
    train = asked = waiting = locked = locked_after = 0
    for leaf in row.leaves:
        is_locked, will_lock = leaf in states.locked, leaf in states.locked_after
        trains = not is_locked and leaf in states.trainable
        is_chosen = leaf in (states.selected if is_locked else states.trainable)
        will_train = not will_lock and states.pending.get(leaf, is_chosen)
        train, locked = train + trains, locked + is_locked
        asked, locked_after = asked + will_train, locked_after + will_lock
        waiting += trains != will_train
    leaves = len(row.leaves)
    return RowState(
        now=_state(train, leaves - locked, locked),
        asked=_state(asked, leaves - locked_after, locked_after),
        waiting=waiting,
        train=train,
        locked=locked,
        broken=sum(leaf in states.broken for leaf in row.leaves),
        moved=_largest(states.moved.get(leaf, 0.0) for leaf in row.leaves),
    )


def _state(train: int, free: int, locked: int) -> State:
    if not free:
        return "locked" if locked else "none"
    if train == free:
        return "trains"
    return "some" if train else "frozen"


def _largest(changes: Iterable[float]) -> float:
    """Return the largest change; infinite if one is NaN, as with weights that became NaN."""
    return max((math.inf if math.isnan(change) else change for change in changes), default=0.0)


def toggled_value(state: RowState) -> bool:
    """Decide what a toggle does: freeze a row all of which trains or is to train, else unfreeze."""
    return state.asked != "trains"
