"""Which finished runs can be combined: all that can be said without images or networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.config.dataset_names import short
from engine.config.ensemble import Method
from engine.config.spec import RunSpec
from engine.errors import InputError
from engine.protocol.events import RunStarted
from engine.runs.listing import RunRecord, check_exported
from engine.runs.reading import read_thinned


@dataclass(frozen=True, slots=True)
class Candidate:
    """A finished run that may become a member, and what it recorded at its start."""

    run: RunRecord
    started: RunStarted

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.run.run_id

    @property
    def spec(self) -> RunSpec:
        """What the run was asked."""
        return self.run.file.spec


def find_candidates(runs: Sequence[RunRecord], by: Method | None = None) -> tuple[Candidate, ...]:
    """Return the runs as candidates, in their order; loads no network.

    Args:
        runs: that the user names.
        by: how they are to be combined; None for either way.

    Raises:
        InputError: fewer than two runs, one of them twice, one that is not finished or is an
            ensemble; or two that do not fit together: which, and what differs.
    """
    if len(runs) < 2:
        found = f"{runs[0].run_id} alone" if runs else "none"
        raise InputError("", "two runs or more", found, "`cifar-tui rank` lists them")
    _check_distinct(runs)
    candidates = tuple(map(_candidate, runs))
    first, *others = candidates
    for other in others:
        _check_pair(first, other)
        if by == "weights":
            _check_architecture(first, other)
    return candidates


def can_average_weights(candidates: Sequence[Candidate]) -> bool:
    """Return whether all candidates are trained forms of one network."""
    return len({_architecture(each.spec) for each in candidates}) == 1


def _check_distinct(runs: Sequence[RunRecord]) -> None:
    paths = [run.directory.path.resolve() for run in runs]
    twice = next((path.name for path in paths if paths.count(path) > 1), "")
    if twice:
        raise InputError("", "each run once", f"{twice} twice", "name another run instead")


def _candidate(run: RunRecord) -> Candidate:
    if (ensemble := run.file.spec.ensemble) is not None:
        hint = f"name its members instead: {' '.join(ensemble.run_ids)}"
        raise InputError("", "runs of one network each", f"the ensemble {run.run_id}", hint)
    check_exported(run)
    if run.status != "completed":
        hint = f"`cifar-tui resume {run.run_id}` resumes it"
        raise InputError("", "a finished run", f"one that is {run.status}", hint, run.run_id)
    events = read_thinned(run.directory.events)
    started = next((event for event in events if isinstance(event, RunStarted)), None)
    if started is None:
        expected, hint = "a record of what it was trained on", "train it again"
        raise InputError("", expected, f"none in {run.directory.events.name}", hint, run.run_id)
    return Candidate(run, started)


def _check_pair(one: Candidate, other: Candidate) -> None:
    """Reject two runs that were not tested on the same images of the same classes."""
    for expected, words, hint in _MUST_AGREE:
        mine, theirs = words(one), words(other)
        if mine != theirs:
            found = f"{mine} in {one.run_id} and {theirs} in {other.run_id}"
            raise InputError("", expected, found, hint)
    _check_classes(one, other)
    facts = one.started.data, other.started.data
    if facts[0].test_fingerprint != facts[1].test_fingerprint:
        found = f"other test images in {one.run_id} than in {other.run_id}"
        hint = "train one of them again on the images as they are now"
        raise InputError("", "runs tested on the same images", found, hint)
    if (facts[0].ranges or ()) != (facts[1].ranges or ()):
        found = f"samples scaled otherwise in {one.run_id} than in {other.run_id}"
        raise InputError("", "runs that saw the same images", found, "train one of them again")


_MUST_AGREE: tuple[tuple[str, Callable[[Candidate], str], str], ...] = (
    (
        "runs of one data set",
        lambda it: short(it.spec.dataset),
        "leave one of them out",
    ),
    (
        "runs with the same number of classes",
        lambda it: f"{len(it.started.data.class_names):,} classes",
        "leave one of them out",
    ),
    (
        "runs tested on the same images",
        lambda it: f"{it.started.data.test_images:,} test images",
        "leave one of them out",
    ),
)
"""What two runs must have in common, what it is of a run, and what to do where they do not."""


def _check_classes(one: Candidate, other: Candidate) -> None:
    names = zip(one.started.data.class_names, other.started.data.class_names, strict=True)
    for number, (mine, theirs) in enumerate(names):
        if mine != theirs:
            found = f"class {number} as {mine!r} in {one.run_id} and as {theirs!r} in "
            hint = "leave one of them out"
            raise InputError("", "runs of the same classes", f"{found}{other.run_id}", hint)


def _architecture(spec: RunSpec) -> str:
    """Return a phrase of what decides which network is exported for a data set."""
    mirrored = ", with mirror images" if spec.test_time_flip else ""
    return f"{spec.model} at {spec.image_size} px, {spec.precision}{mirrored}"


def _check_architecture(one: Candidate, other: Candidate) -> None:
    """Reject two runs whose weights do not belong into one network."""
    words = [_architecture(it.spec) for it in (one, other)]
    if words[0] != words[1]:
        found = f"{words[0]} in {one.run_id} and {words[1]} in {other.run_id}"
        hint = "give `by` probabilities, which takes any"
        raise InputError("by", "runs of one network, to average weights", found, hint)
