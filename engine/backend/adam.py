"""Adam that survives a change of what trains: each variable keeps its momenta and step count."""

from __future__ import annotations

from typing import Any

from engine.backend.devices import apply_adam
from engine.config.stage import Schedule
from engine.keras_setup.loaded import keras, ops


class ContinuedAdam(keras.optimizers.Adam):  # type: ignore[misc]
    """Adam with the bias correction of each variable counted from that variable's own first step.

    Keras counts one `iterations` for all. A layer unfrozen at step 5,000 would then take first
    steps of 3 to 6 times the rate, since its empty momenta are no longer corrected. Here each
    variable remembers at which iteration it joined.
    """

    def build(self, variables: list[Any]) -> None:
        """Add to Adam's slots one scalar per variable: the iteration at which it joined."""
        if self.built:
            return
        super().build(variables)
        self._joined = [
            self.add_variable((), initializer="zeros", dtype="float32", name=f"joined_{i}")
            for i in range(len(variables))
        ]

    @property
    def trained(self) -> list[Any]:
        """The variables that it updates."""
        return list(self._trainable_variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Take a step of Adam (Kingma and Ba, 2014, algorithm 1 with the epsilon of section 2)."""
        index = self._get_variable_index(variable)
        momentum, velocity = self._momentums[index], self._velocities[index]
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        step = ops.cast(self.iterations + 1, "float32") - ops.cast(self._joined[index], "float32")
        powers = (ops.power(self.beta_1, step), ops.power(self.beta_2, step))
        settings = (self.beta_1, self.beta_2, self.epsilon)
        if apply_adam(variable, momentum, velocity, gradient, rate, powers, settings):
            return
        alpha = rate * ops.cast(ops.sqrt(1 - powers[1]) / (1 - powers[0]), variable.dtype)
        self.assign_add(momentum, (gradient - momentum) * (1 - self.beta_1))
        self.assign_add(velocity, (ops.square(gradient) - velocity) * (1 - self.beta_2))
        self.assign_sub(variable, momentum * alpha / (ops.sqrt(velocity) + self.epsilon))


def continue_adam(
    previous: ContinuedAdam | None, variables: list[Any], learning_rate: Any
) -> ContinuedAdam:
    """Make the optimizer for `variables`; those that `previous` trained keep their state.

    Args:
        previous: the optimizer until now; None starts without state.
        variables: the variables that train from now on, which Keras identifies by their paths.
        learning_rate: the rate from now on, or a Keras schedule of it by iterations.
    """
    optimizer = ContinuedAdam(learning_rate=learning_rate)
    optimizer.build(variables)
    if previous is None:
        return optimizer
    optimizer.iterations.assign(previous.iterations)
    known = {variable.path: i for i, variable in enumerate(previous._trainable_variables)}
    for index, variable in enumerate(variables):
        old = known.get(variable.path)
        if old is None:
            optimizer._joined[index].assign(ops.cast(previous.iterations, "float32"))
            continue
        optimizer._joined[index].assign(previous._joined[old])
        optimizer._momentums[index].assign(previous._momentums[old])
        optimizer._velocities[index].assign(previous._velocities[old])
    return optimizer


def scheduled_rate(schedule: Schedule, base_rate: float, steps: int) -> Any:
    """Return the rate for an optimizer: a number, or a Keras schedule over `steps` iterations."""
    if schedule == "cosine":
        return keras.optimizers.schedules.CosineDecay(base_rate, steps)
    return base_rate
