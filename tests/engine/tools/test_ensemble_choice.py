"""Members chosen by what they reach together: never worse than the best alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.tools.ensemble_choice import Members, Score, choose_any, choose_in_turn

SINGLES = [Score(0.80, 0.6), Score(0.90, 0.3), Score(0.85, 0.4)]


def test_one_joins_that_is_weak_alone_and_right_where_the_best_is_wrong() -> None:
    together = {(1, 0): Score(0.95, 0.25), (1, 2): Score(0.91, 0.3), (1, 0, 2): Score(0.94, 0.2)}
    assert choose_any(SINGLES, together.__getitem__) == ((1, 0), Score(0.95, 0.25))


def test_in_turn_the_better_ones_are_tried_first_and_each_once() -> None:
    tried: list[Members] = []

    def score_of(members: Members) -> Score:
        tried.append(members)
        return Score(0.92, 0.3) if members == (1, 2) else Score(0.70, 1.0)

    assert choose_in_turn(SINGLES, score_of) == ((1, 2), Score(0.92, 0.3))
    assert tried == [(1, 2), (1, 2, 0)]


def test_the_loss_decides_where_accuracies_are_equal() -> None:
    singles = [Score(0.9, 0.3), Score(0.9, 0.2)]
    for choose in (choose_any, choose_in_turn):
        assert choose(singles, lambda _: Score(0.9, 0.25)).members == (1,)
        assert choose(singles, lambda _: Score(0.9, 0.1)).members == (1, 0)


def test_the_first_of_equals_stays_alone() -> None:
    for choose in (choose_any, choose_in_turn):
        assert choose([Score(0.9, 0.3)] * 3, lambda _: Score(0.9, 0.3)).members == (0,)


scores = st.builds(Score, st.floats(0, 1), st.floats(0, 10))


@given(singles=st.lists(scores, min_size=1, max_size=5), data=st.data())
def test_no_choice_is_worse_than_the_best_alone_and_none_joins_twice(
    singles: list[Score], data: st.DataObject
) -> None:
    for choose in (choose_any, choose_in_turn):
        found = choose(singles, lambda _: data.draw(scores))
        assert found.score.rank <= min(score.rank for score in singles)
        assert len({*found.members}) == len(found.members)
        assert singles[found.members[0]].rank == min(score.rank for score in singles)


def test_the_mean_of_complementary_predictions_is_chosen() -> None:
    labels = np.array([0, 0, 1, 1])
    sure_of_first = np.array([[0.9, 0.1], [0.45, 0.55], [0.45, 0.55], [0.1, 0.9]])
    sure_of_rest = np.array([[0.45, 0.55], [0.9, 0.1], [0.1, 0.9], [0.55, 0.45]])
    both = [sure_of_first, sure_of_rest]

    def score_of(members: Members) -> Score:
        mean = np.mean([both[place] for place in members], axis=0)
        chosen = mean[np.arange(4), labels]
        return Score(float((mean.argmax(axis=1) == labels).mean()), -float(np.log(chosen).mean()))

    found = choose_any([score_of((0,)), score_of((1,))], score_of)
    assert (found.members, found.score.accuracy) == ((0, 1), 1.0)
