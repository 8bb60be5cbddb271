"""The model in training: what trains, epochs of segments, validation, test, checkpoint, export."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from engine.backend import jit_compile
from engine.checkpoints import Position, load_weights, save_checkpoint
from engine.commands import SetBatchNormLock, SetLearningRate, SetTrainable
from engine.config import RunSpec, Stage
from engine.errors import InputError
from engine.events import (
    CheckpointSaved,
    EpochEnded,
    EpochStarted,
    Event,
    FreezeApplied,
    LearningRateChanged,
    LogLine,
    PhaseChanged,
)
from engine.model import (
    Classifier,
    apply_trainable,
    leaf_layers,
    parameter_counts,
    select_last,
    trainable_names,
)
from engine.optimizer import ContinuedAdam, continue_adam
from engine.runs import RunDirectory
from engine.schedule import rate_at
from engine.trainer.assembly import Assembler, Step
from engine.trainer.control import Control
from engine.trainer.evaluation import PassCallback, evaluation_batch
from engine.trainer.pace import steps_per_execution
from engine.trainer.preparation import Data
from engine.trainer.segment import EpochMeter, SegmentCallback
from engine.trainer.verdict import export_network, predict_test

PAUSE_POLL_SECONDS = 0.5
REPAYING_EPOCHS = 2
"""Epochs left from which extraction for a change in mid-stage costs less than going without."""


class Learner:
    """Owns the network and its optimizer through all stages of a run."""

    def __init__(
        self,
        spec: RunSpec,
        classifier: Classifier,
        data: Data,
        device: str,
        directory: RunDirectory,
        emit: Callable[[Event], None],
        control: Control,
    ) -> None:
        self.classifier = classifier
        self._spec = spec
        self._data = data
        self._device = device
        self._directory = directory
        self.ended_epochs = 0
        self._emit = emit
        self._control = control
        self._locked = spec.batchnorm == "locked"
        self._is_makeshift = False
        self._selected: frozenset[str] = frozenset()
        self._optimizer: ContinuedAdam | None = None
        self._made: Step | None = None
        self._traces = True
        self._rate = self._best = math.nan
        self._stage = self._epoch = self._step = self._stage_began = 0
        self._assembler = Assembler(spec, classifier, data, device, emit, self._stops_extraction)
        layers = leaf_layers(classifier.network)
        control.know_layers(frozenset(name for name, leaf in layers.items() if leaf.weights))

    @property
    def steps(self) -> int:
        """Batches of an epoch."""
        return math.ceil(len(self._data.train) / self._spec.batch_size)

    @property
    def is_mid_epoch(self) -> bool:
        """Whether the epoch at work was left before its validation ended."""
        return self._step > 0

    def select(self, stage: Stage) -> None:
        """Choose what a stage trains, without compiling."""
        self._selected = select_last(self.classifier, stage.unfreeze_last)
        self._set_trainable()

    def start_stage(self, index: int, stage: Stage) -> None:
        """Begin stage `index` (from 0) with a fresh optimizer, as `compile` in a notebook does."""
        self._stage = index + 1
        self._stage_began = self._epoch
        self._control.forget_rate()
        self._control.refuses_rate = ""
        if stage.schedule != "constant":
            self._control.refuses_rate = f"the rate of this stage follows its {stage.schedule}"
        self._rate = stage.learning_rate
        self._optimizer = None
        self.select(stage)
        self._made = None

    @property
    def _present(self) -> Stage:
        return self._spec.stages[self._stage - 1]

    @property
    def _epochs_left(self) -> int:
        """Of the stage, the one about to run included."""
        return self._present.epochs - (self._epoch - self._stage_began)

    def run_epoch(self) -> None:
        """Train one epoch and validate; returns early where a Stop says so."""
        self._boundary(at_epoch_end=True)
        if self._control.stops_now:
            return
        self._prepare_step()
        if self._control.stops_now:
            return
        self._epoch += 1
        self._step = 0
        self._emit(EpochStarted(epoch=self._epoch, stage=self._stage, steps=self.steps))
        meter = EpochMeter()
        order = self._assembler.order(self._epoch)
        while self._step < self.steps and not self._control.stops_now:
            self._run_segment(order, meter)
            self._refuse_infinite(meter)
            if self._step < self.steps:
                self._boundary(at_epoch_end=False)
        if self._control.stops_now:
            self._save_checkpoint("last")
            return
        self._end_epoch(meter)

    def _prepare_step(self) -> None:
        """Have a step with the best features there can be, between two epochs."""
        if self._made is None:
            coming = list(self._spec.stages[self._stage - 1 :])
            self._assembler.hold_for_stages(coming, self._locked, self._epoch + 1)
            self._compile(())
        elif self._is_makeshift:
            self._is_makeshift = False
            if not self._assembler.is_best(self._made):
                self._compile(())

    def _end_epoch(self, meter: EpochMeter) -> None:
        started = time.perf_counter()
        validated = self._validate()
        if validated is None:
            self._save_checkpoint("last")
            return
        self._step = 0
        rate = self._rate_now()
        self._emit(
            EpochEnded(
                epoch=self._epoch,
                stage=self._stage,
                loss=meter.loss,
                accuracy=meter.accuracy,
                val_loss=validated[0],
                val_accuracy=validated[1],
                learning_rate=rate,
                train_seconds=meter.seconds,
                validation_seconds=time.perf_counter() - started,
                images_per_second=meter.images_per_second,
            )
        )
        self.ended_epochs += 1
        self._save_checkpoint("last")
        if self._spec.keep == "best" and not validated[1] <= self._best:
            self._best = validated[1]
            self._save_checkpoint("best")

    def _rate_now(self) -> float:
        """The learning rate at the end of the epoch that ended."""
        done = (self._epoch - self._stage_began) * self.steps
        return rate_at(self._present.schedule, self._rate, done, self._stage_steps)

    @property
    def _stage_steps(self) -> int:
        return self._present.epochs * self.steps

    def _refuse_infinite(self, meter: EpochMeter) -> None:
        if not math.isfinite(meter.loss):
            raise InputError(
                f"expected a finite loss, found {meter.loss} in epoch {self._epoch} at batch "
                f"{self._step}; try a lower --learning-rate than {self._rate:g}"
            )

    def _run_segment(self, order: np.ndarray[Any, Any], meter: EpochMeter) -> None:
        assert self._made is not None
        if not self._traces:
            self._emit(PhaseChanged(phase="training"))
        rest = order[self._step * self._spec.batch_size :]
        callback = SegmentCallback(
            epoch=self._epoch,
            first_step=self._step,
            steps=self.steps,
            batch_size=self._spec.batch_size,
            images=len(rest),
            meter=meter,
            traces=self._traces,
            emit=self._emit,
            on_traced=self._on_traced,
            needs_boundary=self._needs_boundary,
        )
        self._made.model.fit(
            self._made.train.batches(rest, self._spec.batch_size),
            shuffle=False,
            verbose=0,
            callbacks=[callback],
        )
        self._step = callback.step

    def _on_traced(self) -> None:
        self._traces = False
        self._emit(PhaseChanged(phase="training"))

    def _needs_boundary(self) -> bool:
        self._control.poll()
        return self._control.needs_boundary

    def _boundary(self, *, at_epoch_end: bool) -> None:
        """Carry out what is due between two segments."""
        self._control.poll()
        self._wait_out_pause()
        if self._control.save_checkpoint:
            self._control.save_checkpoint = False
            self._save_checkpoint("last")
        carried_out = []
        before = (self._selected, self._locked)
        for change in self._control.take_changes(at_epoch_end=at_epoch_end):
            if isinstance(change, SetLearningRate):
                self._set_rate(change.value)
                continue
            self._change(change)
            carried_out.append(change.id)
        if not carried_out:
            return
        if self._made is not None and (self._selected, self._locked) == before:
            self._say_what_trains(self._made, tuple(carried_out))
        else:
            self._compile(tuple(carried_out), mid_epoch=not at_epoch_end)

    def _wait_out_pause(self) -> bool:
        """Stand still while paused; gives whether it did."""
        if not self._control.paused:
            return False
        self._emit(PhaseChanged(phase="paused"))
        while self._control.paused:
            self._control.wait(PAUSE_POLL_SECONDS)
        return True

    def _stops_extraction(self) -> bool:
        self._control.poll()
        if self._wait_out_pause():
            self._emit(PhaseChanged(phase="extracting", detail=self._spec.model))
        return self._control.stops_now

    def _change(self, change: SetTrainable | SetBatchNormLock) -> None:
        if isinstance(change, SetBatchNormLock):
            self._locked = change.value
        elif change.value:
            self._selected |= frozenset(change.layers)
        else:
            self._selected -= frozenset(change.layers)

    def _set_rate(self, rate: float) -> None:
        self._rate = rate
        if self._optimizer is not None:
            self._optimizer.learning_rate = rate
        self._emit(LearningRateChanged(epoch=self._epoch, learning_rate=rate))

    def _set_trainable(self) -> None:
        mode = "locked" if self._locked else "keras"
        apply_trainable(self.classifier, self._selected, mode)  # type: ignore[arg-type]

    def _compile(self, command_ids: tuple[str, ...], *, mid_epoch: bool = False) -> None:
        """Build the training step for what is selected now, and say what it really holds."""
        self._set_trainable()
        extracts = self._made is None or self._epochs_left >= REPAYING_EPOCHS
        made = self._assembler.assemble(self._epoch + 1, extracts=extracts, mid_epoch=mid_epoch)
        self._is_makeshift = mid_epoch
        self._emit(PhaseChanged(phase="tracing"))
        model = made.model
        self._optimizer = continue_adam(self._optimizer, model.trainable_variables, self._plan())
        model.compile(
            optimizer=self._optimizer,
            metrics=["accuracy"],
            jit_compile=jit_compile(self._device),
            steps_per_execution=steps_per_execution(
                made.flops_per_image, self._spec.batch_size, self._device
            ),
        )
        self._made = made
        self._traces = True
        self._say_what_trains(made, command_ids)

    def _plan(self) -> Any:
        """The rate as the optimizer takes it: a number, or a schedule by its own steps."""
        if self._present.schedule == "cosine":
            return keras.optimizers.schedules.CosineDecay(self._rate, self._stage_steps)
        return self._rate

    def _say_what_trains(self, made: Step, command_ids: tuple[str, ...]) -> None:
        network = self.classifier.network
        trainable, frozen = parameter_counts(network)
        self._emit(
            FreezeApplied(
                epoch=max(self._epoch, 1),
                trainable=trainable_names(made.model.network),
                trainable_parameters=trainable,
                frozen_parameters=frozen,
                command_ids=command_ids,
                frontier=self._assembler.first_computed(made),
            )
        )
        if made.ready is not None:
            self._emit(made.ready)

    def _validate(self) -> tuple[float, float] | None:
        """Loss and accuracy on the validation images; None where a Stop cut it short."""
        assert self._made is not None
        self._emit(PhaseChanged(phase="validating"))
        size = evaluation_batch(self._spec.image_size)
        count = len(self._data.validation)
        callback = PassCallback(count, size, self._emit, self._is_stopped_now)
        batches = self._made.validation.batches(self._data.validation, size)
        model = self._made.model
        result = model.evaluate(batches, verbose=0, callbacks=[callback], return_dict=True)
        if callback.stopped:
            return None
        return float(result["loss"]), float(result["accuracy"])

    def _is_stopped_now(self) -> bool:
        self._control.poll()
        return self._control.stops_now

    def test(self) -> tuple[float, float] | None:
        """Read the test split once, with the weights to keep; writes the predictions.

        Returns:
            Cross-entropy and accuracy; None where a Stop cut it short.
        """
        self._emit(PhaseChanged(phase="testing"))
        best = self._directory.checkpoints / "best.npz"
        if self._spec.keep == "best" and best.exists():
            load_weights(best, self.classifier.network)
        assert self._made is not None
        rows = self._assembler.test_rows(self._made)
        size = evaluation_batch(self._spec.image_size)
        pool = self._data.pools["test"]
        callback = PassCallback(len(pool.labels), size, self._emit, self._is_stopped_now)
        model = self._made.model if rows is not None else None
        network = self.classifier.network
        network.jit_compile = jit_compile(self._device)
        return predict_test(network, model, rows, pool, size, callback, self._directory.predictions)

    def export(self, *, keep_checkpoint: bool) -> None:
        """Write `model.keras`, which plain Keras loads; the checkpoints may then be needless."""
        export_network(self.classifier.network, self._directory, keep_checkpoint=keep_checkpoint)

    def _save_checkpoint(self, name: str) -> None:
        position = Position(
            stage=self._stage,
            epoch=self._epoch,
            step=self._step,
            learning_rate=self._rate,
            trainable=tuple(sorted(self._selected)),
            batchnorm_locked=self._locked,
        )
        if self._optimizer is None:
            return
        self._emit(PhaseChanged(phase="saving", detail="checkpoint"))
        path = self._directory.checkpoints / f"{name}.npz"
        try:
            size = save_checkpoint(path, self.classifier.network, self._optimizer, position)
        except OSError as error:
            text = f"the checkpoint could not be written ({error.strerror}); training goes on"
            self._emit(LogLine(level="warning", text=text))
            return
        self._emit(CheckpointSaved(epoch=self._epoch, step=self._step, path=str(path), bytes=size))
