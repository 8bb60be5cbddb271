"""Run a part of a network's graph, from some of its tensors to others, over the same layers.

Nothing is copied: the layers are the network's own, so that freezing, training and export see one
set of variables, whichever part runs in whichever form.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from engine.keras_setup.loaded import keras
from engine.model.graph import Call, calls

Values = dict[int, Any]
"""Computed tensors, by the id of the network's tensor that they stand for."""
Step = Callable[[Values, bool], None]
"""Reads computed tensors and adds to them; takes whether dropout and batch statistics are on."""
Rewrite = Callable[[list[Call]], list[tuple[Call, Step | None]]]
"""Rewrites calls: each with its step, None for one that runs as it is."""


class Forward:
    """A part of a network as a function; `training` reaches only what is not frozen."""

    def __init__(
        self,
        network: keras.Model,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        inference: frozenset[str] = frozenset(),
        rewrite: Rewrite | None = None,
    ) -> None:
        """Choose the part.

        Args:
            network: a functional model.
            inputs: its tensors (KerasTensor) whose values are passed in.
            outputs: its tensors to compute from them.
            inference: names of operations that never see `training`.
            rewrite: rewrites calls into another form; None runs all as they are.
        """
        self._inputs, self._outputs = tuple(inputs), tuple(outputs)
        needed = needed_calls(calls(network), self._inputs, self._outputs)
        steps = rewrite(needed) if rewrite else [(call, None) for call in needed]
        self._steps = [
            step or _plain_step(call, call.operation.name in inference) for call, step in steps
        ]

    def __call__(self, given: Sequence[Any], training: bool = False) -> list[Any]:
        """Return the values of `outputs` for the values of `inputs`."""
        values: Values = {id(t): value for t, value in zip(self._inputs, given, strict=True)}
        for step in self._steps:
            step(values, training)
        return [values[id(tensor)] for tensor in self._outputs]


def needed_calls(
    steps: list[Call], inputs: tuple[Any, ...], outputs: tuple[Any, ...]
) -> list[Call]:
    """Return the calls that lead from the inputs to the outputs, in order."""
    given = {id(tensor) for tensor in inputs}
    wanted = {id(tensor) for tensor in outputs} - given
    needed = []
    for call in reversed(steps):
        if any(id(tensor) in wanted for tensor in call.outputs):
            needed.append(call)
            wanted.update({id(tensor) for tensor in call.inputs} - given)
    return needed[::-1]


def _plain_step(call: Call, in_inference: bool) -> Step:
    """Return the step that makes the call as Keras does."""
    takes_training = isinstance(call.operation, keras.Layer) and (
        "training" in inspect.signature(call.operation.call).parameters
    )

    def step(values: Values, training: bool) -> None:
        positional, named = call.arguments.fill_in(values)
        if takes_training:
            named = {**named, "training": training and not in_inference}
        made = call.operation(*positional, **named)
        for tensor, value in zip(call.outputs, keras.tree.flatten(made), strict=True):
            values[id(tensor)] = value

    return step
