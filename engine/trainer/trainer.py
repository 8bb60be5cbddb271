"""The trainer of one run: prepares it, works off its stages, tests and exports the result."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.commands import CommandQueue
from engine.config import RunSpec
from engine.errors import InputError
from engine.events import (
    Event,
    LogLine,
    PhaseChanged,
    RunEnded,
    RunStarted,
    RunStatus,
    StageStarted,
    TestEnded,
)
from engine.runs import RunDirectory
from engine.trainer.control import Control

if TYPE_CHECKING:
    from engine.trainer.learner import Learner
    from engine.trainer.preparation import Data


class Trainer:
    """Trains one run from its spec to its exported model, on the thread that calls `run`.

    It owns the model and the optimizer; all it says goes through `emit`, all it is told comes
    through `commands`.
    """

    def __init__(
        self,
        spec: RunSpec,
        directory: RunDirectory,
        emit: Callable[[Event], None],
        commands: CommandQueue,
    ) -> None:
        self._spec = spec
        self._directory = directory
        self._emit = emit
        self.control = Control(commands, emit)

    def run(self) -> RunStatus:
        """Run to the end; whatever goes wrong ends in RunEnded("failed"), not in an exception."""
        try:
            status, error = self._run(), ""
        except InputError as problem:
            status, error = "failed", str(problem)
        except Exception as problem:
            text = traceback.format_exc().rstrip()
            self._emit(LogLine(level="error", text=text))
            status, error = "failed", f"{type(problem).__name__}: {_first_line(problem)}"
        self._emit(RunEnded(status=status, error=error))
        return status

    def _run(self) -> RunStatus:
        self._emit(PhaseChanged(phase="loading", detail="TensorFlow"))
        from engine import backend

        with backend.use_device(self._spec.device):
            learner, data = self._prepare()
            status = self._work_off_stages(learner)
            if status == "stopped" and learner.is_mid_epoch:
                return status
            self._finish(learner, data)
            return status

    def _prepare(self) -> tuple[Learner, Data]:
        from engine.model import layer_tree, model_facts
        from engine.trainer.learner import Learner
        from engine.trainer.preparation import prepare_data, prepare_model

        spec = self._spec
        self._emit(PhaseChanged(phase="loading", detail=spec.dataset))
        data = prepare_data(spec, self._emit)
        self._emit(PhaseChanged(phase="loading", detail=spec.model))
        classifier = prepare_model(spec, data, self._emit)
        learner = Learner(spec, classifier, data, self._directory, self._emit, self.control)
        learner.select(spec.stages[0])
        self._emit(
            RunStarted(
                spec=spec,
                model=model_facts(classifier, spec.image_size),
                data=data.facts,
                layers=layer_tree(classifier, None),
                steps_per_epoch=learner.steps,
                epochs=spec.epochs,
            )
        )
        return learner, data

    def _work_off_stages(self, learner: Learner) -> RunStatus:
        from engine.model import describe_selection

        for index, stage in enumerate(self._spec.stages):
            learner.start_stage(index, stage)
            self._emit(
                StageStarted(
                    stage=index + 1,
                    name=stage.name,
                    epochs=stage.epochs,
                    learning_rate=stage.learning_rate,
                    trains=describe_selection(learner.classifier, stage.unfreeze_last),
                )
            )
            for _ in range(stage.epochs):
                learner.run_epoch()
                if self.control.stop in ("now", "epoch"):
                    return "stopped"
                if self.control.skip_stage:
                    break
            self.control.skip_stage = False
        return "completed"

    def _finish(self, learner: Learner, data: Data) -> None:
        loss, accuracy = learner.test()
        self._emit(TestEnded(loss=loss, accuracy=accuracy, images=data.facts.test_images))
        self._emit(PhaseChanged(phase="saving", detail=self._directory.model.name))
        learner.export()


def _first_line(problem: Exception) -> str:
    lines = str(problem).strip().splitlines()
    return lines[0][:300] if lines else "no message"
