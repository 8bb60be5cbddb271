"""What is to train: selected by the stage, by its plan and by the user, and set on the layers."""

from __future__ import annotations

from collections.abc import Sequence

from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.model.build import Classifier
from engine.model.trainable import apply_trainable, describe_selection, select_last
from engine.model.tree import layer_tree
from engine.protocol.commands import SetBatchNormLock, SetTrainable
from engine.protocol.facts import LayerNode
from engine.state.layer_choice import count_blocks, describe_layers, last_blocks


class Selection:
    """The leaf layers that are to train, and whether BatchNormalization is locked."""

    def __init__(self, spec: RunSpec, classifier: Classifier) -> None:
        """Begin with nothing selected and the lock as the spec has it."""
        self._classifier = classifier
        self.names: frozenset[str] = frozenset()
        self.locked = spec.batchnorm == "locked"

    def begin(self, stage: Stage) -> None:
        """Select what a stage begins with."""
        self.names = select_last(self._classifier, stage.unfreeze_last)

    def change_all(self, commands: Sequence[SetTrainable | SetBatchNormLock]) -> bool:
        """Apply all that the user asked, unless nothing would train then.

        Returns:
            Whether it was applied.
        """
        before = (self.names, self.locked)
        for command in commands:
            if isinstance(command, SetBatchNormLock):
                self.locked = command.value
            elif command.value:
                self.names |= frozenset(command.layers)
            else:
                self.names -= frozenset(command.layers)
        if (self.names, self.locked) == before:
            return True
        self.apply()
        if self._classifier.network.trainable_variables:
            return True
        self.names, self.locked = before
        self.apply()
        return False

    def follow_plan(self, stage: Stage, done: int) -> str:
        """Add what joins by the stage's plan after `done` of its epochs.

        Returns:
            What joined, as text; empty where nothing did.
        """
        joins, words = planned(self._classifier, stage, done)
        if joins <= self.names:
            return ""
        self.names |= joins
        return words

    def apply(self) -> None:
        """Set the layers' state; without compiling afterwards the change has no effect."""
        apply_trainable(self._classifier, self.names, locked=self.locked)


def planned(classifier: Classifier, stage: Stage, done: int) -> tuple[frozenset[str], str]:
    """Find the leaf layers that join after `done` epochs of a stage, and describe them."""
    for unfreeze in stage.unfreezes:
        if unfreeze.after_epoch == done:
            words = describe_selection(classifier, unfreeze.last)
            return select_last(classifier, unfreeze.last), words
    if not stage.block_every or not done or done % stage.block_every:
        return frozenset(), ""
    tree = layer_tree(classifier, ())
    number = _blocks_at_first(classifier, stage, tree) + done // stage.block_every
    if number > count_blocks(tree):
        return frozenset(), ""
    before = frozenset(last_blocks(tree, number - 1)) if number > 1 else frozenset()
    joins = frozenset(last_blocks(tree, number)) - before
    head = {leaf for leaf in joins if leaf in classifier.head}
    return joins - head, describe_layers(tree, joins - head)


def _blocks_at_first(classifier: Classifier, stage: Stage, tree: LayerNode) -> int:
    """Count the last blocks that the stage begins with."""
    selected = select_last(classifier, stage.unfreeze_last)
    numbers = range(1, count_blocks(tree) + 1)
    return sum(selected.issuperset(last_blocks(tree, number)) for number in numbers)


def planned_selections(classifier: Classifier, stage: Stage) -> list[frozenset[str]]:
    """List what a stage trains by its plan alone: at its start, and after each change."""
    selections = [select_last(classifier, stage.unfreeze_last)]
    for done in range(1, stage.epochs):
        joins, _ = planned(classifier, stage, done)
        if not joins <= selections[-1]:
            selections.append(selections[-1] | joins)
    return selections
