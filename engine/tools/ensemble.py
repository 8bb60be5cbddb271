"""Combine finished runs into one model, which is recorded as a run of its own."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from engine.backend import devices as backend
from engine.common.text import accuracy, whole
from engine.config.dataset_names import title
from engine.config.ensemble import Ensemble, Method
from engine.config.spec import RunSpec
from engine.errors import InputError
from engine.keras_setup.loading import check_can_compute
from engine.machine.provenance import find_origin
from engine.metrics.catalogue import as_recorded
from engine.protocol.events import (
    Event,
    LogLine,
    PhaseChanged,
    PhaseProgressed,
    RunEnded,
    TestEnded,
    now,
)
from engine.runs.directory import RunDirectory, SpecFile, create_whole, open_runs_dir
from engine.runs.listing import RunRecord, load_run
from engine.tools.ensemble_candidates import Candidate, can_average_weights, find_candidates
from engine.tools.ensemble_choice import Choice, Members, Score, choose_any, choose_in_turn
from engine.tools.ensemble_images import Labelled, read_common_images
from engine.tools.ensemble_record import member_of, record, spec_of, started_as
from engine.tools.predict import load_model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Arrays = list[NDArray[Any]]

PROGRESS_SECONDS = 0.5
METHODS: tuple[Method, ...] = get_args(Method)
OnEvent = Callable[[Event], object]


def combine(
    runs: Sequence[RunRecord],
    runs_dir: Path,
    by: Method | None = None,
    on_event: OnEvent = lambda event: None,
) -> RunRecord:
    """Combine finished runs into one model; leave nothing where that fails or is interrupted.

    Its members are chosen by the validation images that none of the runs trained on; without
    enough of these all runs are averaged. Its figures are those of the exported model, read again.

    Args:
        runs: two or more, of one data set.
        runs_dir: the folder for the run that is made.
        by: what is averaged; None tries both where both are possible, and keeps the better.
        on_event: takes the events of its record as they come, progress twice a second at most; an
            exception that it raises ends the work, and is passed on.

    Returns:
        The run that was made.

    Raises:
        InputError: runs that do not fit together, images that are not here, a model that cannot be
            read, or a backend that does not work here.
        OSError: it cannot be written.
    """
    check_can_compute()
    candidates = find_candidates(runs, by)
    open_runs_dir(runs_dir)
    try:
        return _Combination(candidates, on_event).make(runs_dir, by)
    finally:
        backend.release()


class _Plan(NamedTuple):
    """How the candidates are combined, and what was measured of that."""

    by: Method
    members: Members
    score: Score | None
    """None where there are no validation images, and so nothing was chosen."""


class _Combination:
    """Predicts with the candidates, chooses among them, and writes what they become together."""

    def __init__(self, candidates: Sequence[Candidate], on_event: OnEvent) -> None:
        self._candidates = candidates
        self._on_event = on_event
        self._events: list[Event] = []
        self._told_at = 0.0

    def make(self, runs_dir: Path, by: Method | None) -> RunRecord:
        """Choose the members and write the run that combines them."""
        began, dataset = now(), self._candidates[0].spec.dataset
        self._emit(PhaseChanged(phase="loading", detail=backend.name()))
        device = backend.choose_device("auto")
        with backend.on_device(device):
            self._emit(PhaseChanged(phase="loading", detail=title(dataset)))
            images = read_common_images(self._candidates, self._progress)
            if images.validation is None:
                self._say(f"nothing is chosen, all runs are averaged: {images.why_none}")
                everyone = tuple(range(len(self._candidates)))
                plan = _Plan(by or "probabilities", everyone, None)
            else:
                plan = self._choose(images.validation, by)
            shown = 0 if images.validation is None else len(images.validation.labels)
            members = [self._candidates[place] for place in plan.members]
            spec = spec_of(self._ensemble(plan, members, shown), members)
            file = SpecFile(
                spec=spec,
                queue=(spec.model,),
                queue_position=0,
                created_at=began,
                origin=find_origin(dataset),
                queue_id=uuid.uuid4().hex[:12],
            )
            fill = partial(self._fill, spec, members, images.test, device)
            return load_run(create_whole(runs_dir, file, fill).path)

    def _ensemble(
        self, plan: _Plan, members: Sequence[Candidate], validation_images: int
    ) -> Ensemble:
        return Ensemble(
            by=plan.by,
            members=tuple(member_of(each, len(members)) for each in members),
            left_out=tuple(each.run_id for each in self._candidates if each not in members),
            validation_images=validation_images,
            val_accuracy=plan.score.accuracy if plan.score else None,
            val_loss=plan.score.loss if plan.score else None,
        )

    def _fill(
        self,
        spec: RunSpec,
        members: Sequence[Candidate],
        test: Labelled,
        device: str,
        directory: RunDirectory,
    ) -> None:
        """Write the files of the run, after a test of the exported model, read again."""
        from engine.keras_setup.loaded import keras
        from engine.training import final_test

        assert spec.ensemble is not None
        self._emit(started_as(spec, members, device))
        self._emit(PhaseChanged(phase="saving", detail=directory.model.name))
        network = _network(spec.ensemble.by, members, test.images.shape[1:])
        final_test.save_network(network, directory.model)
        exported = keras.models.load_model(directory.model, compile=False)
        probabilities = self._predict(exported, test.images, "the exported model")
        final_test.check_finite(probabilities)
        final_test.save_predictions(directory.predictions, test.labels, probabilities)
        tested = final_test.measured(test.labels, probabilities)
        self._emit(
            TestEnded(
                loss=tested.loss,
                accuracy=tested.accuracy,
                images=len(test.labels),
                **as_recorded(tested.metrics),
            )
        )
        self._emit(RunEnded(status="completed"))
        record(directory, spec, self._events, members[0].run.directory)

    # Choosing.

    def _choose(self, validation: Labelled, by: Method | None) -> _Plan:
        """Return the better of the ways that are possible; of equal ones the single network."""
        found = list(self._choices(validation, by))
        for way, choice in found:
            self._say(self._words(way, choice, validation))
        way, choice = min(found, key=lambda it: it[1].score.rank)
        return _Plan(way, *choice)

    def _choices(self, validation: Labelled, by: Method | None) -> Iterator[tuple[Method, Choice]]:
        averages_weights = by == "weights" or (by is None and can_average_weights(self._candidates))
        predicted, sets = self._predict_each(validation, keeps_weights=averages_weights)
        singles = [_score(validation.labels, each) for each in predicted]
        for each, score in zip(self._candidates, singles, strict=True):
            self._say(f"{each.run_id} alone: {_reached(score, validation)}")
        if averages_weights:
            yield "weights", choose_in_turn(singles, partial(self._weigh, validation, sets))
        if by != "weights":
            mean = partial(_score_mean, validation.labels, predicted)
            yield "probabilities", choose_any(singles, mean)

    def _words(self, by: Method, choice: Choice, validation: Labelled) -> str:
        reached = _reached(choice.score, validation)
        if len(choice.members) == 1:
            name = self._candidates[choice.members[0]].run_id
            return f"mean {by}: nothing is better than {name} alone, {reached}"
        of = f"{len(choice.members)} of {len(self._candidates)}"
        return f"mean {by} of {of} runs: {reached}"

    def _predict_each(
        self, validation: Labelled, *, keeps_weights: bool
    ) -> tuple[list[NDArray[np.float32]], list[Arrays]]:
        """Return what each candidate predicts for the validation images, and its weights."""
        from engine.tools.ensemble_network import with_mean_output

        predicted, sets = [], []
        for each in self._candidates:
            network = load_model(each.run)
            if keeps_weights:
                sets.append(network.get_weights())
            alone = with_mean_output([network], validation.images.shape[1:])
            predicted.append(self._predict(alone, validation.images, f"{each.run_id}, validation"))
        _check_shapes(sets)
        return predicted, sets

    def _weigh(self, validation: Labelled, sets: Sequence[Arrays], members: Members) -> Score:
        """Return the score of one network with the mean weights of members."""
        from engine.tools.ensemble_network import mean_weights

        network = load_model(self._candidates[members[0]].run)
        network.set_weights(mean_weights([sets[place] for place in members]))
        detail = f"mean weights of {len(members)} runs, validation"
        return _score(validation.labels, self._predict(network, validation.images, detail))

    def _predict(self, network: Any, images: NDArray[np.uint8], detail: str) -> NDArray[np.float32]:
        from engine.tools.ensemble_network import predict

        # Not as `validating`, whose seconds are training: those are its members' alone.
        self._emit(PhaseChanged(phase="testing", detail=detail))
        total = len(images)
        return predict(network, images, lambda done: self._progress(done, total, "images"))

    # Events.

    def _emit(self, event: Event) -> None:
        self._events.append(event)
        self._on_event(event)

    def _say(self, text: str) -> None:
        self._emit(LogLine(level="info", text=text))

    def _progress(self, done: int, total: int | None, unit: Any) -> None:
        at = time.monotonic()
        if at - self._told_at >= PROGRESS_SECONDS:
            self._told_at = at
            self._emit(PhaseProgressed(done=done, total=total, unit=unit))


def _network(by: Method, members: Sequence[Candidate], shape: tuple[int, ...]) -> Any:
    from engine.tools.ensemble_network import mean_weights, with_mean_output

    networks = [load_model(each.run) for each in members]
    if by == "probabilities":
        return with_mean_output(networks, shape)
    sets = [each.get_weights() for each in networks]
    _check_shapes(sets)
    networks[0].set_weights(mean_weights(sets))
    return networks[0]


def _check_shapes(sets: Sequence[Arrays]) -> None:
    """Reject networks that have one name and differ, as between versions of the program."""
    from engine.tools.ensemble_network import have_same_shapes

    if not have_same_shapes(sets):
        found = "weights of other shapes under the same name"
        raise InputError("by", "runs of one network, to average weights", found)


def _score(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> Score:
    from engine.training.final_test import measured

    found = measured(labels, probabilities)
    return Score(found.accuracy, found.loss)


def _score_mean(
    labels: NDArray[np.int64], predicted: Sequence[NDArray[np.float32]], members: Members
) -> Score:
    import numpy as np

    return _score(labels, np.mean([predicted[place] for place in members], axis=0))


def _reached(score: Score, validation: Labelled) -> str:
    return f"{accuracy(score.accuracy)} on {whole(len(validation.labels))} validation images"
