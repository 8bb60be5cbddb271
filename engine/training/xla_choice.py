"""Whether XLA compiles a run's training steps: measured on a GPU before a stage's first step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.backend.devices import device_name, jit_compile, kernels, measures_xla
from engine.backend.step_model import compile_step
from engine.backend.xla import TimedStep, steps_needed, time_step
from engine.common.regular_file import reason_of
from engine.config.spec import RunSpec
from engine.keras_setup.loaded import keras
from engine.machine.step_timings import StepKey, StepTiming, recall, remember
from engine.model.trainable import parameter_counts
from engine.protocol.events import Event, LogLine
from engine.training.assembly import Assembler, Step

WORTH_STEPS = 1_000
"""Steps of a stage from which on it is timed: compiling twice takes longer than a short stage."""


class XlaChoice:
    """Compiles the steps of one run; what it chose for a step stays, in a resumed run as well."""

    def __init__(
        self,
        spec: RunSpec,
        network: keras.Model,
        assembler: Assembler,
        device: str,
        emit: Callable[[Event], None],
    ) -> None:
        """Begin with nothing chosen.

        Args:
            spec: of the run.
            network: whose layers train.
            assembler: built the steps.
            device: as `choose_device` returns it.
            emit: takes what is to be said of a measurement.
        """
        self._spec, self._network, self._assembler = spec, network, assembler
        self._device, self._emit = device, emit
        self._is_measured = measures_xla(device)
        self.used: dict[str, bool] | None = {}
        """Whether XLA compiles a step, by what it trains; None leaves that to Keras."""
        self.present: bool | str = False if self._is_measured else jit_compile(device)
        """Keras' `jit_compile` of the newest step."""

    def restore(self, used: dict[str, bool] | None) -> None:
        """Continue as the run of a checkpoint; None is that of an older one, which left it."""
        self.used = None if used is None else dict(used)

    def compile(self, made: Step, optimizer: Any, steps_per_execution: int, steps: int) -> None:
        """Make a step ready for `fit`.

        Args:
            made: the step.
            optimizer: of what it trains.
            steps_per_execution: as for `compile_step`.
            steps: how many are to come; where there are enough, an unknown step is timed.
        """
        function = None
        if self._is_measured and self.used is None:
            self.present = jit_compile(self._device)
        elif self._is_measured and self.used is not None:
            key = self._key(made, optimizer)
            if key.trains not in self.used:
                is_worth_it = steps >= WORTH_STEPS and made.model.parts == 1
                found, function = self._find(key, made, optimizer, steps_per_execution, is_worth_it)
                self.used[key.trains] = found
            self.present = self.used[key.trains]
        compile_step(made.model, optimizer, steps_per_execution, self._device, self.present)
        # What was compiled to be timed need not be compiled again.
        made.model.train_function = function

    def _key(self, made: Step, optimizer: Any) -> StepKey:
        spec = self._spec
        return StepKey(
            network=spec.model,
            image_size=spec.image_size,
            batch_size=spec.batch_size,
            precision=spec.precision,
            frontier=self._assembler.first_computed(made),
            trainable_parameters=parameter_counts(self._network, optimizer.trained)[0],
            device=device_name(self._device),
            backend=kernels().strip(),
        )

    def _find(
        self, key: StepKey, made: Step, optimizer: Any, steps_per_execution: int, is_worth_it: bool
    ) -> tuple[bool, Any]:
        """Choose for a step; return the compiled function as well where there is one."""
        known = recall(key)
        if known is not None:
            self._say(f"{known.words}, as measured before")
            return known.uses_xla, None
        if not is_worth_it:
            return False, None
        size, order = self._spec.batch_size, self._assembler.order(1)
        rows = np.resize(order, steps_needed(steps_per_execution) * size)

        def timed(xla: bool) -> TimedStep:
            model, batches = made.model, made.train.batches(rows, size)
            return time_step(model, optimizer, batches, steps_per_execution, self._device, xla=xla)

        return self._measure(key, timed)

    def _measure(self, key: StepKey, timed: Callable[[bool], TimedStep]) -> tuple[bool, Any]:
        try:
            plain = timed(False)
        except Exception as error:
            self._say_failed(error)
            return False, None
        try:
            fast = timed(True)
        except Exception as error:
            # Not remembered: a library that was missing may be installed by the next run.
            self._say_failed(error)
            return False, plain.function
        timing = StepTiming(key, plain.milliseconds, fast.milliseconds)
        self._remember(timing)
        self._say(timing.words)
        return timing.uses_xla, (fast if timing.uses_xla else plain).function

    def _remember(self, timing: StepTiming) -> None:
        try:
            remember(timing)
        except OSError as error:
            self._say(f"its times cannot be remembered: {reason_of(error)}")

    def _say_failed(self, error: Exception) -> None:
        first = (str(error).strip().splitlines() or [""])[0][:200]
        text = f"XLA is off: the step could not be timed ({type(error).__name__}: {first})"
        self._emit(LogLine(level="warning", text=text))

    def _say(self, text: str) -> None:
        self._emit(LogLine(level="info", text=f"XLA: {text}"))
