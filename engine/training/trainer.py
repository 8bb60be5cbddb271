"""The trainer of one run: prepares it, trains its stages, tests and exports the result."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Literal

from engine.common.append import DiskFull, is_disk_full
from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.errors import InputError
from engine.metrics.catalogue import as_recorded
from engine.protocol.commands import CommandQueue
from engine.protocol.events import (
    Event,
    LogLine,
    PhaseChanged,
    RunEnded,
    RunStarted,
    RunStatus,
    StageStarted,
    TestEnded,
)
from engine.runs.commands_file import CommandFile
from engine.runs.directory import RunDirectory, write_json
from engine.runs.queue import RunQueue
from engine.runs.resume import Resumption
from engine.training.control import Control

if TYPE_CHECKING:
    from engine.training.learner import Learner
    from engine.training.preparation import Data


class Trainer:
    """Trains one run from its spec to its exported model, on the thread that calls `run`.

    It owns the model and the optimizer; its events go through `emit`, its commands come through
    `commands` or the run's `commands.jsonl`.
    """

    def __init__(
        self,
        spec: RunSpec,
        directory: RunDirectory,
        emit: Callable[[Event], None],
        commands: CommandQueue,
        resumed: Resumption | None = None,
        record_full: Callable[[], DiskFull | None] = lambda: None,
        runs: RunQueue | None = None,
    ) -> None:
        """Prepare a run in its directory, or the rest of one that an earlier process began.

        Args:
            spec: what to train.
            directory: where its files go.
            emit: takes its events, on the thread that calls `run`.
            commands: where its commands come from.
            resumed: where an earlier process left it.
            record_full: returns what of the record waits for room on the disk; the run waits too.
            runs: the queue it belongs to, which commands may change.
        """
        self._spec = spec
        self._resumed = resumed
        self._directory = directory
        self._device = spec.device
        self._emit = emit
        offset = resumed.commands_offset if resumed else 0
        file = CommandFile(directory.commands, offset)
        self.control = Control(commands, emit, file, record_full, runs)

    def run(self) -> RunStatus:
        """Run to the end; every failure ends in RunEnded("failed"), not in an exception."""
        error = ""
        try:
            status = self._run()
        except _StoppedError:
            status = "stopped"
        except InputError as problem:
            status, error = "failed", problem.recorded()
        except Exception as problem:
            text = traceback.format_exc().rstrip()
            self._emit(LogLine(level="error", text=text))
            status, error = "failed", self._in_one_line(problem)
        self.control.close()
        self.control.poll()
        if status == "stopped" and self.control.interrupted:
            status = "interrupted"
        self._emit(RunEnded(status=status, error=error))
        return status

    def _in_one_line(self, problem: Exception) -> str:
        from engine.training.out_of_memory import in_words, is_out_of_memory

        if is_out_of_memory(problem):
            return f"{in_words(problem, self._device)}; choose a smaller `image_size`"
        return f"{type(problem).__name__}: {_first_line(problem)}"

    def _run(self) -> RunStatus:
        from engine.backend import devices as backend

        if self._resumed is not None:
            self._emit(self._resumed.event)
            level: Literal["info", "warning"] = "warning" if self._resumed.lost_commands else "info"
            self._emit(LogLine(level=level, text=self._resumed.words))
        kept = self._resumed.backend if self._resumed else ""
        self._report(PhaseChanged(phase="loading", detail=backend.name(kept)))
        device = self._device = backend.choose_device(self._spec.device, kept)
        with backend.on_device(device):
            learner, data = self._prepare(device)
            status = self._work_off_stages(learner)
            self.control.close()
            if learner.at.ended_epochs and not learner.at.step:
                self._finish(learner, data)
            return status

    def _report(self, event: Event) -> None:
        """Emit while there is nothing to lose yet: every event is a chance to stop."""
        self._emit(event)
        self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        self.control.poll()
        if self.control.stops_now:
            raise _StoppedError

    def _prepare(self, device: str) -> tuple[Learner, Data]:
        from engine.model.measure import model_facts
        from engine.model.tree import layer_tree
        from engine.training.learner import Learner
        from engine.training.preparation import prepare_data, prepare_model

        spec = self._spec
        self._report(PhaseChanged(phase="loading", detail=spec.dataset))
        has_begun = self._resumed is not None and self._resumed.position is not None
        data = prepare_data(spec, self._report, has_begun=has_begun)
        if self._resumed is not None:
            self._resumed.check_data(data.facts)
        if data.files is not None:
            path, size = self._directory.images, sum(map(len, data.files.test))
            self.control.write(path, size, partial(write_json, path, data.files))
        self._report(PhaseChanged(phase="loading", detail=spec.model))
        classifier = prepare_model(spec, data, self._report)
        learner = Learner(spec, classifier, data, device, self._directory, self._emit, self.control)
        learner.select(spec.stages[0])
        self._report(
            RunStarted(
                spec=spec,
                model=model_facts(classifier, spec.image_size),
                data=data.facts,
                layers=layer_tree(classifier, None),
                steps_per_epoch=learner.steps,
                epochs=spec.epochs,
                device=device,
            )
        )
        return learner, data

    def _work_off_stages(self, learner: Learner) -> RunStatus:
        from engine.model.trainable import describe_selection

        stages = self._spec.stages
        for index, stage in enumerate(stages):
            begun = self._resumed.position if self._resumed else None
            if begun is not None and index + 1 < begun.stage:
                continue
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
            if begun is not None and index + 1 == begun.stage:
                assert self._resumed is not None
                learner.restore(self._resumed.checkpoint, begun)
            if not self._work_off_stage(learner, stage, is_last=index + 1 == len(stages)):
                return "stopped"
            self.control.skip_stage = False
        return "completed"

    def _work_off_stage(self, learner: Learner, stage: Stage, *, is_last: bool) -> bool:
        """Whether the run continues: with the next stage, or to its planned end."""
        while not self._is_over(learner, stage):
            ended = learner.run_epoch()
            is_whole = ended and is_last and self._is_over(learner, stage)
            if self.control.ends_run and not is_whole:
                return False
        if learner.has_lost_patience and learner.at.stage_epochs < stage.epochs:
            text = f"no better validation accuracy for {self._spec.patience} epochs"
            self._emit(LogLine(level="info", text=f"{text}: the stage {stage.name} ends"))
        return True

    def _is_over(self, learner: Learner, stage: Stage) -> bool:
        done = learner.at.stage_epochs
        is_cut_short = learner.has_lost_patience or self.control.skip_stage
        return done >= stage.epochs or (done > 0 and is_cut_short)

    def _finish(self, learner: Learner, data: Data) -> None:
        """Test and export, unless the user asked to stop now."""
        self._stop_if_asked()
        try:
            self._test_and_export(learner, data)
        except OSError as error:
            if is_disk_full(error) and self.control.stops_now:
                raise _StoppedError from error
            raise

    def _test_and_export(self, learner: Learner, data: Data) -> None:
        from engine.training.final_test import export_network

        tested = learner.test()
        if tested is None:
            raise _StoppedError
        ended = TestEnded(
            loss=tested.loss,
            accuracy=tested.accuracy,
            images=data.facts.test_images,
            epoch=tested.epoch,
            **as_recorded(tested.metrics),
        )
        self._emit(ended)
        self._emit(PhaseChanged(phase="saving", detail=self._directory.model.name))
        export_network(learner.exported, self._directory.model, self.control)


class _StoppedError(Exception):
    """The user asked to stop now, and there is nothing to test or export."""


def _first_line(problem: Exception) -> str:
    lines = str(problem).strip().splitlines()
    return lines[0][:300] if lines else "no message"
