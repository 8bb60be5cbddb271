"""Whether a recorded event is plausible: only such events go into a store, not damaged ones."""

from __future__ import annotations

from dataclasses import fields

from engine.config.spec import RunSpec
from engine.protocol.events import Event, QueueChanged, RunStarted
from engine.protocol.facts import LayerNode

MOST_STAGES = 10_000
_LATEST_SECOND = 1e11
_LARGEST = 1e100


def is_plausible(event: Event) -> bool:
    """Tell whether an event's figures are possible: no infinities, no negative counts or times."""
    if not 0 <= event.time < _LATEST_SECOND:
        return False
    if not all(_is_possible(getattr(event, field.name)) for field in fields(event)):
        return False
    if getattr(event, "stage", 0) > MOST_STAGES:
        return False
    if isinstance(event, RunStarted):
        return _can_be_trained(event.spec) and _can_be_counted(event.layers)
    return not isinstance(event, QueueChanged) or all(map(_can_be_trained, event.waiting))


def _is_possible(value: object) -> bool:
    if isinstance(value, float):
        # NaN is a loss that diverged: no comparison with it is true.
        return not abs(value) > _LARGEST
    return not isinstance(value, int) or value >= 0


def _can_be_trained(spec: RunSpec) -> bool:
    return 0 < len(spec.stages) <= MOST_STAGES and spec.batch_size > 0


def _can_be_counted(tree: LayerNode) -> bool:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if node.flops < 0 or node.parameters < 0 or node.trainable_parameters < 0:
            return False
        waiting += node.children
    return True
