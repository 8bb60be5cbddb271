"""RunStore: applies events and makes snapshots. Replaying a record makes the same screen."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from engine.config.schedule import epochs_without_gain
from engine.config.spec import RunSpec
from engine.protocol.commands import Command, Pause, Resume, SkipModel, SkipStage, Stop
from engine.protocol.events import (
    BatchEnded,
    CommandAccepted,
    CommandRejected,
    EpochEnded,
    EpochStarted,
    Event,
    FeaturesReady,
    FreezeApplied,
    HardwareSampled,
    LayersMoved,
    LearningRateChanged,
    LogLine,
    PhaseChanged,
    PhaseProgressed,
    RunEnded,
    RunResumed,
    RunStarted,
    StageStarted,
    TestEnded,
)
from engine.state.forecast import Estimate
from engine.state.kept_epoch import best_epoch, first_of_highest_accuracy, kept_epoch
from engine.state.layer_choice import leaf_nodes, training_parameters
from engine.state.pending import Pending, describe_changes, trains_then
from engine.state.series import Series
from engine.state.snapshot import TRAIN_PHASES, HardwareHistory, Marker, RunSnapshot
from engine.state.step_times import StepTimes

LOG_LINES = 500
HARDWARE_SAMPLES = 120


class RunStore:
    """The state of one run, built from nothing but its spec and its events."""

    def __init__(self, run_id: str, spec: RunSpec) -> None:
        self._now = RunSnapshot(run_id, spec, epochs=spec.epochs)
        if spec.ensemble is not None:
            # Its members were trained for it: their time counts as its own.
            self._set(phase_seconds={"training": spec.ensemble.train_seconds})
        # Lists of what snapshots hold as tuples: a longer tuple for each event is quadratic work.
        self._ended: list[EpochEnded] = []
        self._train_seconds_at_ends: list[float] = []
        self._markers: list[Marker] = []
        self._curves = {name: Series() for name in ("loss", "accuracy", "clock")}
        self._stages: list[tuple[str, int]] = []
        self._estimate: Estimate | None = None
        self._step_times = StepTimes()
        self._first_progress: PhaseProgressed | None = None
        self._pending = Pending()
        self._resumes, self._resumed_stage = False, 0
        self._log: deque[LogLine] = deque(maxlen=LOG_LINES)
        self._log_count = 0
        self._hardware: deque[HardwareSampled] = deque(maxlen=HARDWARE_SAMPLES)
        self._apply: dict[type[Event], Callable[[Any], None]] = {
            PhaseChanged: self._phase_changed,
            PhaseProgressed: self._phase_progressed,
            RunStarted: self._run_started,
            RunResumed: self._run_resumed,
            StageStarted: self._stage_started,
            EpochStarted: self._epoch_started,
            BatchEnded: self._batch_ended,
            EpochEnded: self._epoch_ended,
            FreezeApplied: self._freeze_applied,
            LayersMoved: lambda e: self._set(
                moved=e.moved, broken=self._now.broken.union(e.broken)
            ),
            FeaturesReady: lambda e: self._set(features=e),
            LearningRateChanged: self._learning_rate_changed,
            CommandAccepted: self._command_accepted,
            CommandRejected: self._command_rejected,
            HardwareSampled: self._hardware_sampled,
            LogLine: self._log_line,
            TestEnded: lambda e: self._set(test=e),
            RunEnded: self._run_ended,
        }

    def apply(self, event: Event) -> None:
        """Apply one event; one of an unknown kind changes nothing but the time."""
        if self._now.started_at is None:
            self._set(started_at=event.time, status="running")
        if isinstance(event, RunResumed):
            # The time between two attempts belongs to no phase.
            self._close_phase(self._now.last_event_at or event.time)
            self._set(phase_since=None)
        self._set(last_event_at=event.time)
        handler = self._apply.get(type(event))
        if handler is not None:
            handler(event)
        if self._estimate is not None:
            self._estimate.apply(event)

    @property
    def steps(self) -> int:
        """Steps of the current epoch."""
        return self._now.steps

    def requested(self, command: Command) -> None:
        """Show a command as pending, whether only sent or already accepted."""
        self._pending.requested(command)
        match command:
            case Pause() | Resume():
                self._set(pause_requested=isinstance(command, Pause))
            case Stop():
                self._set(stop_requested=command.when)
            case SkipModel():
                self._set(skip_requested=command.when)
            case SkipStage():
                self._set(skip_requested=self._now.skip_requested or "stage")

    def snapshot(self) -> RunSnapshot:
        """The run as it stands now."""
        self._take_over()
        curves: dict[str, Any] = {name: series.curve() for name, series in self._curves.items()}
        return replace(
            self._now,
            epochs_without_gain=self._epochs_without_gain(),
            **self._what_waits(),
            **curves,
            best_epoch=self._best_epoch(),
            kept_epoch=self._kept_epoch(),
            stages_trained=self._stages_trained(),
            eta_seconds=self._eta(),
            hardware=self._hardware[-1] if self._hardware else None,
            hardware_history=HardwareHistory.over(list(self._hardware)),
            log=tuple(self._log),
            log_count=self._log_count,
        )

    def _take_over(self) -> None:
        """Make tuples of the lists that grew since the last snapshot."""
        if len(self._ended) > len(self._now.ended_epochs):
            seconds = tuple(self._train_seconds_at_ends)
            self._set(ended_epochs=tuple(self._ended), train_seconds_at_ends=seconds)
        if len(self._markers) > len(self._now.markers):
            self._set(markers=tuple(self._markers))

    def _set(self, **changes: Any) -> None:
        self._now = replace(self._now, **changes)

    def _close_phase(self, time: float) -> None:
        now = self._now
        if now.phase_since is not None:
            spent = now.phase_seconds.get(now.phase, 0.0) + max(time - now.phase_since, 0.0)
            self._set(phase_seconds={**now.phase_seconds, now.phase: spent})

    def _train_seconds(self, time: float) -> float:
        """The run's `train_seconds` at this second, the current phase included."""
        now = self._now
        if now.phase_since is None or now.phase not in TRAIN_PHASES:
            return now.train_seconds
        return now.train_seconds + max(time - now.phase_since, 0.0)

    def _phase_changed(self, event: PhaseChanged) -> None:
        self._close_phase(event.time)
        if self._now.is_over:
            # Its process had been taken for dead.
            self._set(status="running", error="", ended_at=None)
        self._set(
            phase=event.phase,
            phase_detail=event.detail,
            phase_since=event.time,
            phase_progress=None,
            phase_units_per_second=None,
            phase_seconds_left=None,
        )
        self._first_progress = None

    def _phase_progressed(self, event: PhaseProgressed) -> None:
        # Until this first step the time was loading and tracing.
        first = self._first_progress = self._first_progress or event
        seconds, units = event.time - first.time, event.done - first.done
        pace = units / seconds if seconds > 0 and units > 0 else None
        left = None
        if pace is not None and event.total is not None:
            left = max(event.total - event.done, 0) / pace
        self._set(phase_progress=event, phase_units_per_second=pace, phase_seconds_left=left)
        if self._estimate is not None and self._now.phase == "extracting" and pace is not None:
            self._estimate.extracting(pace)

    def _run_started(self, event: RunStarted) -> None:
        self._estimate = Estimate(event)
        self._set(
            device=event.device,
            model=event.model,
            data=event.data,
            layers=event.layers,
            steps=event.steps_per_epoch,
            epochs=event.epochs,
        )

    def _run_resumed(self, event: RunResumed) -> None:
        """Drop what was recorded past the checkpoint."""
        ended = event.epoch if not event.step else event.epoch - 1
        place = ended + event.step / max(self._now.steps, 1)
        both = zip(self._ended, self._train_seconds_at_ends, strict=True)
        kept = [(epoch, seconds) for epoch, seconds in both if epoch.epoch <= ended]
        self._ended = [epoch for epoch, _ in kept]
        self._train_seconds_at_ends = [seconds for _, seconds in kept]
        self._markers = [marker for marker in self._markers if marker.x <= place]
        self._stages = [stage for stage in self._stages if stage[1] < event.stage]
        for series in self._curves.values():
            series.cut(place)
        self._pending.clear()
        self._resumes, self._resumed_stage = True, event.stage
        self._set(
            status="running",
            error="",
            ended_at=None,
            test=None,
            ended_epochs=tuple(self._ended),
            train_seconds_at_ends=tuple(self._train_seconds_at_ends),
            markers=tuple(self._markers),
            epoch=event.epoch,
            step=event.step,
            pause_requested=False,
            stop_requested="",
            skip_requested="",
        )

    def _stage_started(self, event: StageStarted) -> None:
        self._stages.append((event.trains, event.stage))
        if self._now.skip_requested == "stage":
            self._set(skip_requested="")
        self._set(stage=event.stage, stage_trains=event.trains, learning_rate=event.learning_rate)
        if event.stage > 1 and not (self._resumes and event.stage == self._resumed_stage):
            self._mark(f"{event.trains}, {event.learning_rate:.0e}")

    def _epoch_started(self, event: EpochStarted) -> None:
        self._resumes = False
        self._step_times = StepTimes()
        self._set(epoch=event.epoch, stage=event.stage, step=0, steps=event.steps)

    def _batch_ended(self, event: BatchEnded) -> None:
        self._resumes = False
        self._set(step=event.step)
        x = event.epoch - 1 + event.step / max(self._now.steps, 1)
        values = (event.loss, event.accuracy, self._train_seconds(event.time))
        for series, value in zip(self._curves.values(), values, strict=True):
            series.append(x, value)
        times = self._step_times.after(event, self._now.spec.batch_size)
        if times is not self._step_times:
            self._step_times = times
            self._set(
                images_per_second=event.images_per_second,
                step_seconds=times.step_seconds,
                input_wait_seconds=times.input_wait_seconds,
            )

    def _epoch_ended(self, event: EpochEnded) -> None:
        self._ended.append(event)
        self._train_seconds_at_ends.append(self._train_seconds(event.time))
        self._set(step=self._now.steps, learning_rate=event.learning_rate)

    def _freeze_applied(self, event: FreezeApplied) -> None:
        carried = self._pending.settle(event.command_ids)
        self._set(
            trainable=frozenset(event.trainable),
            selected=frozenset(event.selected or event.trainable),
            batchnorm_locked=event.batchnorm_locked,
            trainable_parameters=event.trainable_parameters,
            frozen_parameters=event.frozen_parameters,
            features=self._now.features if event.frontier == self._now.frontier else None,
            frontier=event.frontier,
        )
        done = describe_changes(carried, self._now.layers)
        if event.planned:
            done = f"{done}, unfroze {event.planned}" if done else f"unfroze {event.planned}"
        if done:
            self._mark(f"{done}, {self._now.learning_rate or math.nan:.0e}")

    def _learning_rate_changed(self, event: LearningRateChanged) -> None:
        self._pending.rate_changed(event.learning_rate)
        self._set(learning_rate=event.learning_rate)
        if not self._resumes:
            self._mark(f"rate {event.learning_rate:.1e}")

    def _command_accepted(self, event: CommandAccepted) -> None:
        self.requested(event.command)
        self._pending.accepted(event.command)

    def _command_rejected(self, event: CommandRejected) -> None:
        self._pending.settle((event.command.id,))
        match event.command:
            case Pause():
                self._set(pause_requested=False)
            case Stop():
                self._set(stop_requested="")
            case SkipModel() | SkipStage():
                self._set(skip_requested="")

    def _hardware_sampled(self, event: HardwareSampled) -> None:
        self._hardware.append(event)
        peak = max(event.process_memory_bytes, self._now.peak_memory_bytes or 0)
        if peak > 0:
            self._set(peak_memory_bytes=peak)

    def _log_line(self, event: LogLine) -> None:
        self._log.append(event)
        self._log_count += 1

    def _run_ended(self, event: RunEnded) -> None:
        self._close_phase(event.time)
        self._pending.clear()
        self._set(status=event.status, error=event.error, ended_at=event.time, phase_since=None)

    def _mark(self, text: str) -> None:
        self._markers.append(Marker(self._place(), text))

    def _place(self) -> float:
        """How far the run is, in epochs."""
        now = self._now
        done = float(self._ended[-1].epoch) if self._ended else 0.0
        return done if now.epoch <= done else now.epoch - 1 + now.step / max(now.steps, 1)

    def _what_waits(self) -> dict[str, Any]:
        now, waiting = self._now, self._pending
        layers, lock = waiting.layers(now.selected), waiting.lock(now.batchnorm_locked)
        seen: dict[str, Any] = {
            "pending": layers,
            "pending_lock": lock,
            "pending_ids": waiting.ids,
            "pending_now": waiting.is_for_now,
            "pending_learning_rate": waiting.learning_rate,
        }
        if self._estimate is None or not now.stage:
            return seen
        estimate, tree = self._estimate, now.layers
        seen["epoch_seconds_now"] = estimate.costs.epoch_seconds(estimate.work)
        if (not layers and lock is None) or tree is None:
            return seen
        locked = now.batchnorm_locked if lock is None else lock
        trains = trains_then(tree, now.selected, layers, locked=locked)
        work = estimate.work_if(trains)
        training = (n.name for n in leaf_nodes(tree) if n.name in trains and n.trainable_parameters)
        return seen | {
            "epoch_seconds_after_pending": estimate.costs.epoch_seconds(work),
            "extraction_seconds_after_pending": estimate.extraction_seconds(work),
            "trainable_parameters_after_pending": training_parameters(tree, trains),
            "frontier_after_pending": next(training, ""),
        }

    def _epochs_without_gain(self) -> int:
        now = self._now
        return epochs_without_gain(
            [epoch.val_accuracy for epoch in now.ended_epochs if epoch.stage == now.stage]
        )

    def _best_epoch(self) -> int | None:
        if self._now.spec.keep == "best":
            return self._kept_epoch()
        best = best_epoch(self._now.ended_epochs)
        return best.epoch if best else None

    def _kept_epoch(self) -> int | None:
        test, keep, epochs = self._now.test, self._now.spec.keep, self._now.ended_epochs
        if test is not None and test.epoch is not None:
            return test.epoch
        kept = kept_epoch(epochs, keep)
        if test is not None and keep == "best":  # an older record
            kept = first_of_highest_accuracy(epochs) or kept
        return kept.epoch if kept else None

    def _stages_trained(self) -> tuple[str, ...]:
        counts = Counter(epoch.stage for epoch in self._now.ended_epochs)
        return tuple(f"{trains} {counts[stage]} ep" for trains, stage in self._stages)

    def _eta(self) -> float | None:
        now = self._now
        if not now.stage or now.status != "running" or self._estimate is None:
            return None
        ended = bool(now.ended_epochs) and now.ended_epochs[-1].epoch == now.epoch
        return self._estimate.seconds_left(
            now.stage - 1,
            done=sum(epoch.stage == now.stage for epoch in now.ended_epochs),
            step=0 if ended else now.step,
            extraction_left=now.phase_seconds_left if now.phase == "extracting" else None,
        )
