"""The model in training: what trains, epochs and their segments, validation, test, export."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from engine.backend.adam import ContinuedAdam, continue_adam, scheduled_rate
from engine.common.codec import from_plain
from engine.config.schedule import epochs_without_gain, rate_at
from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.features.extraction import forward_batch
from engine.keras_setup.loaded import keras
from engine.model.build import Classifier
from engine.model.graph import leaf_layers
from engine.model.mirror_images import with_mirror_images
from engine.model.trainable import parameter_counts, trainable_names
from engine.protocol.commands import Command
from engine.protocol.events import (
    CommandRejected,
    EpochStarted,
    Event,
    Executor,
    FreezeApplied,
    LearningRateChanged,
    LogLine,
    Phase,
    PhaseChanged,
)
from engine.runs.checkpoint import Position, load_optimizer, load_weights
from engine.runs.directory import RunDirectory
from engine.training.assembly import Assembler, Step
from engine.training.checkpointing import Checkpointing
from engine.training.control import Control
from engine.training.evaluation import PassCallback
from engine.training.execution import steps_per_execution
from engine.training.final_test import Tested, predict_test
from engine.training.movement import Movement
from engine.training.out_of_memory import BatchParts
from engine.training.position import Place, place_of
from engine.training.preparation import Data
from engine.training.segment import EpochMeter, SegmentCallback
from engine.training.selection import Selection
from engine.training.xla_choice import XlaChoice

NOTHING_TRAINS = "nothing would train any more; leave at least one layer trainable"
OTHER_FEATURES = "the epoch continues with other features than before; its last bits may differ"
REPAYING_EPOCHS = 2
"""Epochs left in a stage, from which on extraction after a change costs less than none."""


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
        self._emit = emit
        self._control = control
        self._selection = Selection(spec, classifier)
        self._movement = Movement(classifier.network)
        self._checkpoints = Checkpointing(spec, directory, classifier.network, emit, control)
        self._parts = BatchParts(spec.batch_size, device, emit)
        self._is_makeshift = False
        self._optimizer: ContinuedAdam | None = None
        self._made: Step | None = None
        self._traces = True
        self.at = Place()
        """Where the run is."""
        stops = lambda: self._stops_pass("extracting", spec.model)  # noqa: E731
        self._assembler = Assembler(spec, classifier, data, device, emit, stops)
        self._xla = XlaChoice(spec, classifier.network, self._assembler, device, emit)
        layers = leaf_layers(classifier.network)
        control.know_layers(frozenset(name for name, leaf in layers.items() if leaf.weights))

    @property
    def steps(self) -> int:
        """Batches of an epoch."""
        return math.ceil(len(self._data.train) / self._spec.batch_size)

    @property
    def has_lost_patience(self) -> bool:
        """Whether the stage has been too long without a better validation accuracy."""
        patience = self._spec.patience
        return patience is not None and epochs_without_gain(self.at.val_accuracies) >= patience

    def select(self, stage: Stage) -> None:
        """Select what a stage trains, without compiling."""
        self._selection.begin(stage)
        self._selection.apply()

    def start_stage(self, index: int, stage: Stage) -> None:
        """Begin stage `index` (from 0) with a new optimizer, as `compile` in a notebook does."""
        self.at.begin_stage(index + 1, stage.learning_rate)
        is_last = self.at.stage == len(self._spec.stages)
        self._control.begin_stage(stage.schedule, is_last=is_last)
        self._optimizer = None
        self.select(stage)
        self._made = None

    def restore(self, checkpoint: Path, position: Position) -> None:
        """Restore the position of a checkpoint, in a stage that has been started."""
        network, at = self.classifier.network, position
        self.at = place_of(at)
        load_weights(checkpoint, network)
        self._selection.names, self._selection.locked = frozenset(at.trainable), at.batchnorm_locked
        waiting = [from_plain(Command, plain) for plain in at.waiting]
        self._control.restore(waiting, skips_stage=at.skips_stage)
        self._checkpoints.restore(at)
        self._assembler.restore_executor(at.executor)
        self._xla.restore(at.xla)
        if at.step and not at.kept:
            self._compile((), mid_epoch=True)
        else:
            self._hold_and_compile()
        load_optimizer(checkpoint, self._optimizer)
        made = self._made
        if made and at.step and (made.kept, self._executor) != (frozenset(at.kept), at.executor):
            self._emit(LogLine(level="warning", text=OTHER_FEATURES))
        if at.learning_rate != self._present.learning_rate:
            self._emit(LearningRateChanged(epoch=at.epoch, learning_rate=at.learning_rate))

    @property
    def _present(self) -> Stage:
        return self._spec.stages[self.at.stage - 1]

    def run_epoch(self) -> bool:
        """Train one epoch, or the rest of it.

        Returns:
            Whether it ended, and was not cut short by a Stop.
        """
        if not self.at.step:
            if not self._begin_epoch():
                return False
        elif self._control.needs_boundary:
            # Accepted while a resumed run had its features made.
            self._boundary(at_epoch_end=False)
        meter = self.at.meter
        order = self._assembler.order(self.at.epoch)
        while self.at.step < self.steps and not self._control.stops_now:
            self._run_segment(order, meter)
            if meter.images:
                self.at.refuse_infinite(meter.loss, self._checkpoints.last)
            if self.at.step < self.steps:
                self._boundary(at_epoch_end=False)
        if self._control.stops_now:
            self._save_checkpoint()
            return False
        return self._end_epoch(meter)

    def _begin_epoch(self) -> bool:
        """Carry out the requests that are due between two epochs; False where one was to stop."""
        self._boundary(at_epoch_end=True)
        while not self._control.stops_now:
            self._prepare_step()
            self._control.poll()
            if self._control.stops_now or not self._control.needs_boundary:
                break
            # Accepted while features were made: what is for now is due before the first batch.
            self._boundary(at_epoch_end=False)
        if self._control.stops_now:
            return False
        self.at.begin_epoch()
        self._emit(EpochStarted(epoch=self.at.epoch, stage=self.at.stage, steps=self.steps))
        return True

    def _prepare_step(self) -> None:
        """Build the step with the best possible features, between two epochs."""
        if self._made is None:
            self._hold_and_compile()
        elif self._is_makeshift:
            self._is_makeshift = False
            if not self._assembler.is_best(self._made):
                self._compile(())

    def _hold_and_compile(self) -> None:
        coming = list(self._spec.stages[self.at.stage - 1 :])
        self._assembler.hold_for_stages(coming, self._selection.locked, self.at.epoch + 1)
        self._compile((), steps=self._stage_steps)

    def _end_epoch(self, meter: EpochMeter) -> bool:
        started, paused = time.perf_counter(), self._control.paused_seconds
        validated = self._validate()
        if validated is None:
            self._save_checkpoint()
            return False
        seconds = time.perf_counter() - started - (self._control.paused_seconds - paused)
        loss, accuracy = validated
        self.at.refuse_infinite(loss, self._checkpoints.last, "validation ")
        self.at.end_epoch(accuracy)
        done = self.at.stage_epochs * self.steps
        rate = rate_at(self._present.schedule, self.at.learning_rate, done, self._stage_steps)
        ended = self.at.ended(validated, seconds, rate)
        self._emit(ended)
        self._movement.tell(self.at.epoch, self._emit)
        # The best first: the other one says which epoch that is.
        self._checkpoints.save_if_best(ended, self._optimizer, self._position())
        self._save_checkpoint()
        return True

    @property
    def _stage_steps(self) -> int:
        return self._present.epochs * self.steps

    def _run_segment(self, order: np.ndarray[Any, Any], meter: EpochMeter) -> None:
        assert self._made is not None
        if not self._traces:
            self._emit(PhaseChanged(phase="training"))
        rest = order[self.at.step * self._spec.batch_size :]
        callback = SegmentCallback(
            epoch=self.at.epoch,
            first_step=self.at.step,
            steps=self.steps,
            batch_size=self._spec.batch_size,
            images=len(rest),
            meter=meter,
            traces=self._traces,
            emit=self._emit,
            on_traced=self._on_traced,
            needs_boundary=self._needs_boundary,
        )
        model, batches = self._made.model, self._made.train.batches(rest, self._spec.batch_size)
        fit = partial(model.fit, batches, shuffle=False, verbose=0, callbacks=[callback])
        is_whole = self._parts.train(fit, model, callback)
        self.at.step = callback.step
        if not is_whole:
            self._compile_step(self._made)

    def _on_traced(self) -> None:
        self._traces = False
        self._emit(PhaseChanged(phase="training"))

    def _needs_boundary(self) -> bool:
        self._control.poll()
        return self._control.needs_boundary or self._checkpoints.is_due

    def _boundary(self, *, at_epoch_end: bool) -> None:
        """Carry out what is due between two segments."""
        self._control.poll()
        self._control.wait_out_pause()
        self._do_small_things()
        selection = self._selection
        before = (selection.names, selection.locked)
        changes = self._control.take_changes(at_epoch_end=at_epoch_end)
        if not selection.change_all(changes):
            for change in changes:
                self._emit(CommandRejected(command=change, reason=NOTHING_TRAINS))
            changes = []
        carried_out = tuple(change.id for change in changes)
        joined = ""
        if at_epoch_end and self._made is not None:
            joined = selection.follow_plan(self._present, self.at.epoch - self.at.stage_began)
        if not carried_out and not joined:
            return
        if self._made is not None and (selection.names, selection.locked) == before:
            self._say_what_trains(self._made, carried_out)
        else:
            self._compile(carried_out, joined, mid_epoch=not at_epoch_end)

    def _do_small_things(self, *, saves: bool = True) -> bool:
        """Do what can be done at any time; return whether it was a separate phase."""
        for rate in self._control.take_rates():
            self._set_rate(rate.value)
        if not saves:
            return False
        is_asked, self._control.save_checkpoint = self._control.save_checkpoint, False
        is_due = self._checkpoints.is_due and self.at.step > 0 and self._optimizer is not None
        if is_asked:
            self._checkpoints.save_as_asked(self._optimizer, self._position())
        elif is_due:
            self._save_checkpoint()
        return is_asked or is_due

    def _stops_pass(self, phase: Phase, detail: str = "") -> bool:
        """Do what can be done during a pass over images; return whether the pass is to end."""
        self._control.poll()
        has_paused = self._control.wait_out_pause()
        # While features are made the optimizer is still that of the layers before.
        if self._do_small_things(saves=phase != "extracting") or has_paused:
            self._emit(PhaseChanged(phase=phase, detail=detail))
        return self._control.stops_now

    def _set_rate(self, rate: float) -> None:
        self.at.learning_rate = rate
        if self._optimizer is not None:
            self._optimizer.learning_rate = rate
        self._emit(LearningRateChanged(epoch=self.at.epoch, learning_rate=rate))

    def _compile(
        self,
        command_ids: tuple[str, ...],
        planned: str = "",
        *,
        mid_epoch: bool = False,
        steps: int = 0,
    ) -> None:
        """Build the training step for what is selected now, and report what it really trains.

        Args:
            command_ids: of the requests that it carries out.
            planned: what joins by the stage's plan, as text.
            mid_epoch: whether only features that are already kept can be used.
            steps: how many steps the stage takes, where it begins.
        """
        self._selection.apply()
        epochs_left = self._present.epochs - (self.at.epoch - self.at.stage_began)
        extracts = self._made is None or epochs_left >= REPAYING_EPOCHS
        made = self._assembler.assemble(self.at.epoch + 1, extracts=extracts, mid_epoch=mid_epoch)
        self._is_makeshift = mid_epoch
        self._emit(PhaseChanged(phase="tracing"))
        model = made.model
        rate = scheduled_rate(self._present.schedule, self.at.learning_rate, self._stage_steps)
        self._optimizer = continue_adam(self._optimizer, model.trainable_variables, rate)
        self._compile_step(made, steps)
        self._made = made
        self._say_what_trains(made, command_ids, planned)

    def _compile_step(self, made: Step, steps: int = 0) -> None:
        batch_size, device = self._spec.batch_size, self._device
        per_execution = steps_per_execution(made.flops_per_image, batch_size, device)
        made.model.parts = self._parts.count
        self._xla.compile(made, self._optimizer, per_execution, steps)
        self._traces = True

    def _say_what_trains(self, made: Step, command_ids: tuple[str, ...], planned: str = "") -> None:
        assert self._optimizer is not None
        network, variables = self.classifier.network, self._optimizer.trained
        trainable, frozen = parameter_counts(network, variables)
        trains = trainable_names(network, variables)
        self._emit(
            FreezeApplied(
                epoch=self.at.epoch if self.at.step else self.at.epoch + 1,
                step=self.at.step,
                trainable=trains,
                trainable_parameters=trainable,
                frozen_parameters=frozen,
                selected=tuple(sorted(self._selection.names)),
                batchnorm_locked=self._selection.locked,
                command_ids=command_ids,
                planned=planned,
                frontier=self._assembler.first_computed(made),
            )
        )
        self._movement.freeze_applied(frozenset(trains))
        if made.ready is not None:
            self._emit(made.ready)

    def _validate(self) -> tuple[float, float] | None:
        """Return loss and accuracy on the validation images; None where a Stop cut it short."""
        assert self._made is not None
        self._emit(PhaseChanged(phase="validating"))
        model, source, rows = self._made.model, self._made.validation, self._data.validation
        stops = lambda: self._stops_pass("validating")  # noqa: E731

        def validate(size: int) -> tuple[float, float] | None:
            callback = PassCallback(len(rows), size, self._emit, stops)
            batches = source.batches(rows, size)
            found = model.evaluate(batches, verbose=0, callbacks=[callback], return_dict=True)
            return None if callback.stopped else (float(found["loss"]), float(found["accuracy"]))

        return self._parts.evaluate(forward_batch(self._spec.image_size), validate)

    def test(self) -> Tested | None:
        """Evaluate the test split once, with the weights to keep, and write the predictions.

        Returns:
            None where a Stop cut it short.
        """
        self._emit(PhaseChanged(phase="testing"))
        kept = self._checkpoints.restore_kept(self.at.epoch)
        assert self._made is not None
        rows = self._assembler.test_rows(self._made)
        pool = self._data.pools["test"]
        stops = lambda: self._stops_pass("testing")  # noqa: E731
        model, network = self._made.model, self.exported
        network.jit_compile = self._xla.present
        path, control = self._directory.predictions, self._control

        def predict(size: int) -> Tested | None:
            callback = PassCallback(pool.rows, size, self._emit, stops)
            emit = self._emit
            return predict_test(network, model, rows, pool, size, callback, path, control, emit)

        tested = self._parts.evaluate(forward_batch(self._spec.image_size), predict)
        return tested and tested._replace(epoch=kept)

    @cached_property
    def exported(self) -> keras.Model:
        """The network that is tested and exported; to be asked for once nothing trains any more."""
        network = self.classifier.network
        return with_mirror_images(network) if self._spec.test_time_flip else network

    def _save_checkpoint(self) -> None:
        self._checkpoints.save_last(self._optimizer, self._position())

    def _position(self) -> Position:
        kept = self._made.kept if self._made else frozenset()
        made_by = (self._executor, self._xla.used)
        best = self._checkpoints.best
        return self.at.position(self._selection, self._control, best, kept, *made_by)

    @property
    def _executor(self) -> Executor:
        """What computed the features that the step is fed with, or will compute the next ones."""
        return (self._made and self._made.executor) or self._assembler.executor
