"""What a run holds that combines finished runs instead of training a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Method = Literal["probabilities", "weights"]
MODEL = "Ensemble"
"""What a run that combines others is called where others name a model of the catalogue."""


@dataclass(frozen=True, slots=True)
class Member:
    """A finished run that an ensemble holds."""

    run_id: str
    """The name of its folder."""
    model: str
    """Catalogue name."""
    weight: float
    """Its share of the average; those of all members add up to 1."""
    train_seconds: float = 0.0
    """Those of the run."""
    wall_seconds: float = 0.0
    """Those of the run."""


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The finished runs that a run combines, and how they were chosen."""

    by: Method
    """What is averaged: the probabilities of several networks, or the weights of one."""
    members: tuple[Member, ...]
    """The best one alone, then in the order in which they joined; without a choice as given."""
    left_out: tuple[str, ...] = ()
    """Ids of the runs that were offered too, and did not make it better."""
    validation_images: int = 0
    """Images that none of the runs trained on, by which the members were chosen; 0 where there are
    too few, and so nothing was chosen."""
    val_accuracy: float | None = None
    """Of the ensemble on these images."""
    val_loss: float | None = None
    """Mean cross-entropy, of the same."""

    @property
    def run_ids(self) -> tuple[str, ...]:
        """The members' ids."""
        return tuple(member.run_id for member in self.members)

    @property
    def train_seconds(self) -> float:
        """Those of its members, added up."""
        return sum(member.train_seconds for member in self.members)

    @property
    def wall_seconds(self) -> float:
        """Those of its members, added up."""
        return sum(member.wall_seconds for member in self.members)

    @property
    def words(self) -> str:
        """A phrase of what was combined: `probabilities of 3 runs averaged`."""
        if len(self.members) == 1:
            return "1 run alone"
        return f"{self.by} of {len(self.members)} runs averaged"
