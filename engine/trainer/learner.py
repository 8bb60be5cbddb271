"""The model in training: what trains, epochs of segments, validation, test, checkpoint, export."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from engine.atomic import written_whole
from engine.backend import Batches, jit_compile
from engine.checkpoints import Position, save_checkpoint
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
from engine.frontier import FrozenPrefixModel, split_at_frontier
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
from engine.trainer.control import Control
from engine.trainer.evaluation import PassCallback, evaluation_batch
from engine.trainer.preparation import Data
from engine.trainer.segment import EpochMeter, SegmentCallback

PAUSE_POLL_SECONDS = 0.5


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
        self._train = Batches(*data.train)
        self._validation = Batches(*data.validation)
        self._device = device
        self._directory = directory
        self.ended_epochs = 0
        self._emit = emit
        self._control = control
        self._locked = spec.batchnorm == "locked"
        self._selected: frozenset[str] = frozenset()
        self._optimizer: ContinuedAdam | None = None
        self._model: keras.Model | None = None
        self._traces = True
        self._rate = math.nan
        self._stage = self._epoch = self._step = 0
        leaves = leaf_layers(classifier.network)
        control.know_layers(frozenset(name for name, leaf in leaves.items() if leaf.weights))

    @property
    def steps(self) -> int:
        """Batches of an epoch."""
        return math.ceil(len(self._train) / self._spec.batch_size)

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
        self._control.forget_rate()
        self._rate = stage.learning_rate
        self._optimizer = None
        self.select(stage)
        self._model = None

    def run_epoch(self) -> None:
        """Train one epoch and validate; returns early where a Stop says so."""
        self._boundary(at_epoch_end=True)
        if self._control.stops_now:
            return
        self._epoch += 1
        self._step = 0
        if self._model is None:
            self._compile(())
        self._emit(EpochStarted(epoch=self._epoch, stage=self._stage, steps=self.steps))
        meter = EpochMeter()
        order = np.random.default_rng((self._spec.seed, self._epoch)).permutation(len(self._train))
        while self._step < self.steps and not self._control.stops_now:
            self._run_segment(order, meter)
            self._refuse_infinite(meter)
            if self._step < self.steps:
                self._boundary(at_epoch_end=False)
        if self._control.stops_now:
            self._save_checkpoint()
            return
        self._end_epoch(meter)

    def _end_epoch(self, meter: EpochMeter) -> None:
        started = time.perf_counter()
        validated = self._validate()
        if validated is None:
            self._save_checkpoint()
            return
        self._step = 0
        self._emit(
            EpochEnded(
                epoch=self._epoch,
                stage=self._stage,
                loss=meter.loss,
                accuracy=meter.accuracy,
                val_loss=validated[0],
                val_accuracy=validated[1],
                learning_rate=self._rate,
                train_seconds=meter.seconds,
                validation_seconds=time.perf_counter() - started,
                images_per_second=meter.images_per_second,
            )
        )
        self.ended_epochs += 1
        self._save_checkpoint()

    def _refuse_infinite(self, meter: EpochMeter) -> None:
        if not math.isfinite(meter.loss):
            raise InputError(
                f"expected a finite loss, found {meter.loss} in epoch {self._epoch} at batch "
                f"{self._step}; try a lower --learning-rate than {self._rate:g}"
            )

    def _run_segment(self, order: np.ndarray[Any, Any], meter: EpochMeter) -> None:
        assert self._model is not None
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
        self._model.fit(
            self._train.batches(rest, self._spec.batch_size),
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
        if self._control.paused:
            self._emit(PhaseChanged(phase="paused"))
            while self._control.paused:
                self._control.wait(PAUSE_POLL_SECONDS)
        if self._control.save_checkpoint:
            self._control.save_checkpoint = False
            self._save_checkpoint()
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
        if self._model is not None and (self._selected, self._locked) == before:
            self._say_what_trains(self._model, tuple(carried_out))
        else:
            self._compile(tuple(carried_out))

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

    def _compile(self, command_ids: tuple[str, ...]) -> None:
        """Build the training step for what is selected now, and say what it really holds."""
        self._emit(PhaseChanged(phase="tracing"))
        self._set_trainable()
        model = FrozenPrefixModel(split_at_frontier(self.classifier.network))
        self._optimizer = continue_adam(self._optimizer, model.trainable_variables, self._rate)
        model.compile(
            optimizer=self._optimizer,
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
            jit_compile=jit_compile(self._device),
        )
        self._model = model
        self._traces = True
        self._say_what_trains(model, command_ids)

    def _say_what_trains(self, model: keras.Model, command_ids: tuple[str, ...]) -> None:
        trainable, frozen = parameter_counts(self.classifier.network)
        self._emit(
            FreezeApplied(
                epoch=max(self._epoch, 1),
                trainable=trainable_names(model),
                trainable_parameters=trainable,
                frozen_parameters=frozen,
                command_ids=command_ids,
            )
        )

    def _validate(self) -> tuple[float, float] | None:
        """Loss and accuracy on the validation images; None where a Stop cut it short."""
        assert self._model is not None
        self._emit(PhaseChanged(phase="validating"))
        size = evaluation_batch(self._spec.image_size)
        count = len(self._validation)
        callback = PassCallback(count, size, self._emit, self._is_stopped_now)
        batches = self._validation.batches(np.arange(count), size)
        result = self._model.evaluate(batches, verbose=0, callbacks=[callback], return_dict=True)
        if callback.stopped:
            return None
        return float(result["loss"]), float(result["accuracy"])

    def _is_stopped_now(self) -> bool:
        self._control.poll()
        return self._control.stops_now

    def test(self) -> tuple[float, float] | None:
        """Read the test split once with the whole network; keeps the predictions.

        Returns:
            Cross-entropy and accuracy; None where a Stop cut it short.
        """
        self._emit(PhaseChanged(phase="testing"))
        images, labels = self._data.test
        size = evaluation_batch(self._spec.image_size)
        callback = PassCallback(len(labels), size, self._emit, self._is_stopped_now)
        self.classifier.network.jit_compile = jit_compile(self._device)
        batches = Batches(images, labels).batches(np.arange(len(labels)), size)
        probabilities = np.asarray(
            self.classifier.network.predict(batches, verbose=0, callbacks=[callback])
        )
        if callback.stopped:
            return None
        with written_whole(self._directory.predictions) as aside:
            np.savez(aside, labels=labels, probabilities=probabilities)
        chosen = probabilities[np.arange(len(labels)), labels]
        loss = -np.log(np.maximum(chosen, np.finfo(np.float32).tiny)).mean()
        return float(loss), float((probabilities.argmax(axis=1) == labels).mean())

    def export(self, *, keep_checkpoint: bool) -> None:
        """Write `model.keras`, which plain Keras loads; the checkpoints may then be needless."""
        with written_whole(self._directory.model) as aside:
            self.classifier.network.save(aside)
        if keep_checkpoint:
            return
        for checkpoint in self._directory.checkpoints.glob("*.npz"):
            checkpoint.unlink()
        if self._directory.checkpoints.is_dir():
            self._directory.checkpoints.rmdir()

    def _save_checkpoint(self) -> None:
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
        path = self._directory.checkpoints / "last.npz"
        try:
            size = save_checkpoint(path, self.classifier.network, self._optimizer, position)
        except OSError as error:
            text = f"the checkpoint could not be written ({error.strerror}); training goes on"
            self._emit(LogLine(level="warning", text=text))
            return
        self._emit(CheckpointSaved(epoch=self._epoch, step=self._step, path=str(path), bytes=size))
