"""The members of an ensemble, chosen greedily by how well they do together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple


class Score(NamedTuple):
    """What was measured on the validation images."""

    accuracy: float
    """0 to 1."""
    loss: float
    """Mean cross-entropy."""

    @property
    def rank(self) -> tuple[float, float]:
        """Sorts the best one first: by accuracy, and among equals by the loss."""
        return -self.accuracy, self.loss


Members = tuple[int, ...]
"""Places of candidates, each once; the first is the best one alone."""
ScoreOf = Callable[[Members], Score]


class Choice(NamedTuple):
    """Chosen members, and what they reach together."""

    members: Members
    score: Score


def choose_any(singles: Sequence[Score], score_of: ScoreOf) -> Choice:
    """Add to the best candidate whichever does best with it, as long as that is better.

    Forward selection: Caruana and others, "Ensemble Selection from Libraries of Models", 2004.

    Args:
        singles: of each candidate alone, one or more.
        score_of: measures any two or more together.
    """
    best = _alone(singles)[0]
    while len(best.members) < len(singles):
        left = (place for place in range(len(singles)) if place not in best.members)
        together = ((*best.members, place) for place in left)
        ahead = min((Choice(each, score_of(each)) for each in together), key=_rank)
        if not ahead.score.rank < best.score.rank:
            break
        best = ahead
    return best


def choose_in_turn(singles: Sequence[Score], score_of: ScoreOf) -> Choice:
    """Add to the best candidate each of the others that makes it better, the best of them first.

    A greedy soup: Wortsman and others, "Model soups", 2022. It measures as often as there are
    candidates, for what takes a pass over the images each time.

    Args:
        singles: of each candidate alone, one or more.
        score_of: measures any two or more together.
    """
    best, *others = _alone(singles)
    for other in others:
        together = (*best.members, *other.members)
        best = min(best, Choice(together, score_of(together)), key=_rank)
    return best


def _alone(singles: Sequence[Score]) -> list[Choice]:
    """Return each candidate as a choice of its own, the best first."""
    return sorted((Choice((place,), score) for place, score in enumerate(singles)), key=_rank)


def _rank(choice: Choice) -> tuple[float, float]:
    return choice.score.rank
