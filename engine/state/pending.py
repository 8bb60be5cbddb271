"""Changes that were requested and are not confirmed yet."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from engine.protocol.commands import (
    ApplyNow,
    Command,
    SetBatchNormLock,
    SetLearningRate,
    SetTrainable,
    Withdraw,
)
from engine.protocol.facts import LayerNode
from engine.state.layer_choice import describe_layers, lockable

Change = SetTrainable | SetBatchNormLock


class Pending:
    """Changes of layers, of the lock and of the rate on their way to the trainer and back."""

    def __init__(self) -> None:
        self._changes: dict[str, Change] = {}
        self._rate: SetLearningRate | None = None

    def requested(self, command: Command) -> None:
        """Note a command that was sent, or accepted: both look the same."""
        if isinstance(command, (SetTrainable, SetBatchNormLock)):
            self._changes[command.id] = command
        elif isinstance(command, SetLearningRate):
            self._rate = command

    def accepted(self, command: Command) -> None:
        """Note that the trainer accepted a command; some take effect with that."""
        self.requested(command)
        if isinstance(command, ApplyNow):
            self._changes = {i: replace(c, when="now") for i, c in self._changes.items()}
        elif isinstance(command, Withdraw):
            for command_id in command.commands:
                self._changes.pop(command_id, None)

    def settle(self, command_ids: Collection[str]) -> list[Change]:
        """Note commands that were carried out or rejected; return those of them that waited."""
        if self._rate is not None and self._rate.id in command_ids:
            self._rate = None
        found = [self._changes.pop(command_id, None) for command_id in command_ids]
        return [change for change in found if change is not None]

    def rate_changed(self, rate: float) -> None:
        """Note the new rate; one that was requested later still waits."""
        if self._rate is not None and self._rate.value == rate:
            self._rate = None

    def clear(self) -> None:
        """Forget everything: nothing will be carried out any more."""
        self._changes.clear()
        self._rate = None

    @property
    def learning_rate(self) -> float | None:
        """The requested rate; None without one."""
        return None if self._rate is None else self._rate.value

    @property
    def ids(self) -> tuple[str, ...]:
        """The changes of layers and lock, oldest first."""
        return tuple(self._changes)

    @property
    def is_for_now(self) -> bool:
        """Whether something waits, and all of it for the current batch."""
        changes = self._changes.values()
        return bool(changes) and all(change.when == "now" for change in changes)

    def layers(self, selected: Collection[str]) -> dict[str, bool]:
        """Leaf layers that the waiting changes would let train (true) or freeze (false)."""
        toggles = (c for c in self._changes.values() if isinstance(c, SetTrainable))
        asked = {layer: toggle.value for toggle in toggles for layer in toggle.layers}
        return {layer: value for layer, value in asked.items() if (layer in selected) != value}

    def lock(self, locked: bool) -> bool | None:
        """Whether the lock will be on; None where nothing changes."""
        locks = [c.value for c in self._changes.values() if isinstance(c, SetBatchNormLock)]
        return locks[-1] if locks and locks[-1] != locked else None


def trains_then(
    tree: LayerNode, selected: Collection[str], layers: dict[str, bool], *, locked: bool
) -> frozenset[str]:
    """The leaf layers that train once the waiting changes are done.

    Args:
        tree: the model's.
        selected: the layers that are to train now.
        layers: what `Pending.layers` gives.
        locked: whether BatchNormalization of the backbone is locked then.
    """
    asked = {layer for layer, value in layers.items() if value}
    then = frozenset(selected).difference(layers) | asked
    return then - lockable(tree) if locked else then


def describe_changes(changes: list[Change], tree: LayerNode | None) -> str:
    """Describe what was done: `unfroze block 16`, `locked BatchNormalization`."""
    words = []
    for change in changes:
        if isinstance(change, SetBatchNormLock):
            words.append(f"{'locked' if change.value else 'released'} BatchNormalization")
        else:
            verb = "unfroze" if change.value else "froze"
            words.append(f"{verb} {describe_layers(tree, change.layers)}")
    return ", ".join(words)
