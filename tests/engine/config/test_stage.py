"""What unfreeze schedules must hold, at their limits."""

from __future__ import annotations

import pytest

from engine.config.stage import MAX_LAYERS, Stage, Unfreeze, check_joining
from engine.errors import InputError


def stage(
    *unfreezes: tuple[int, int | None],
    epochs: int = 5,
    start: int | None = 30,
    block_every: int = 0,
) -> Stage:
    joins = tuple(Unfreeze(*entry) for entry in unfreezes)
    return Stage("fine-tune", epochs, 1e-4, start, unfreezes=joins, block_every=block_every)


@pytest.mark.parametrize(
    "holds",
    [
        stage(),
        stage((1, 30)),
        stage((4, 31)),
        stage((1, 31), (2, 60), (4, None)),
        stage((2, None), (3, None)),
        stage((1, MAX_LAYERS)),
        stage((1, None), epochs=2),
        stage((1, 1), start=0),
        stage((1, None), start=None),
    ],
    ids=str,
)
def test_layers_that_join_in_order_are_taken(holds: Stage) -> None:
    check_joining(holds)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (stage((0, 60)), "rising epochs of 1 or more, below the last stage's 5, found 0"),
        (stage((-1, 60)), "found -1"),
        (stage((5, 60)), "found 5; write the earliest first, or give the stage more `epochs`"),
        (stage((1, 60), epochs=1), "below the last stage's 1, found 1; write"),
        (stage((2, 60), (2, 90)), "below the last stage's 5, found 2 after 2"),
        (stage((3, 60), (2, 90)), "below the last stage's 5, found 2 after 3"),
        (stage((1, 0)), "30 to 100000 layers or all after epoch 1, found 0"),
        (stage((1, 0), start=0), "1 to 100000 layers or all after epoch 1, found 0"),
        (stage((1, -60)), "found -60"),
        (stage((1, MAX_LAYERS + 1)), "30 to 100000 layers or all after epoch 1, found 100001"),
        (stage((1, 29)), "30 to 100000 layers or all after epoch 1, found 29; what trains before"),
        (stage((1, 60), (2, 59)), "60 to 100000 layers or all after epoch 2, found 59"),
        (stage((1, None), (2, 60)), "all after epoch 2, found 60"),
        (stage((1, 60), start=None), "all after epoch 1, found 60"),
    ],
    ids=str,
)
def test_layers_that_join_out_of_order_are_refused(wrong: Stage, says: str) -> None:
    with pytest.raises(InputError, match=r"^unfreezes: ") as refusal:
        check_joining(wrong)
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_block_joins_only_where_an_epoch_follows() -> None:
    check_joining(stage(block_every=4))
    with pytest.raises(InputError, match=r"^block_every: expected fewer .* 5, found 5; "):
        check_joining(stage(block_every=5))
