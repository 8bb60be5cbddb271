"""What waits between a request and its confirmation."""

from __future__ import annotations

from engine.protocol.commands import SetBatchNormLock, SetTrainable
from engine.protocol.facts import LayerNode
from engine.state.pending import Change, Pending, describe_changes, trains_then

BN = LayerNode("bn", "BatchNormalization", (4,), 10, False)
CONV, DENSE = (LayerNode(name, "Dense", (4,), 10, False) for name in ("conv", "dense"))
TREE = LayerNode(
    "net",
    "model",
    (4,),
    30,
    True,
    (
        LayerNode("body", "backbone", (4,), 20, False, (CONV, BN)),
        LayerNode("head", "head", (4,), 10, True, (DENSE,)),
    ),
)


def test_only_what_differs_from_the_present_waits() -> None:
    pending = Pending()
    pending.requested(SetTrainable(layers=("conv", "dense"), value=True))
    assert pending.layers({"dense"}) == {"conv": True}
    pending.requested(SetBatchNormLock(value=True))
    assert pending.lock(False) is True
    assert pending.lock(True) is None


def test_some_for_now_is_not_all_for_now() -> None:
    pending = Pending()
    assert not pending.is_for_now
    pending.requested(SetTrainable(layers=("conv",), value=True, when="now"))
    assert pending.is_for_now
    pending.requested(SetBatchNormLock(value=True))
    assert not pending.is_for_now


def test_who_trains_then_knows_the_lock() -> None:
    selected = {"dense", "bn"}
    assert trains_then(TREE, selected, {"conv": True}, locked=True) == {"conv", "dense"}
    assert trains_then(TREE, selected, {"dense": False}, locked=False) == {"bn"}


def test_what_was_done_is_told_by_the_largest_groups() -> None:
    changes: list[Change] = [
        SetTrainable(layers=("conv", "bn"), value=True),
        SetBatchNormLock(value=False),
    ]
    assert describe_changes(changes, TREE) == "unfroze body, released BatchNormalization"
    assert describe_changes([SetTrainable(layers=("dense",), value=False)], None) == "froze dense"
