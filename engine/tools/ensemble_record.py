"""What the record of an ensemble says: its spec, its network's facts and layers, its files."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from engine.config.ensemble import MODEL, Ensemble, Member
from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.protocol.events import Event, RunStarted
from engine.protocol.facts import LayerNode, ModelFacts
from engine.runs.directory import RunDirectory
from engine.runs.recorder import METRICS, Recorder
from engine.tools.ensemble_candidates import Candidate


def member_of(candidate: Candidate, members: int) -> Member:
    """Return a candidate as one of so many members, all of the same weight."""
    summary = candidate.run.summary
    return Member(
        run_id=candidate.run_id,
        model=candidate.spec.model,
        weight=1 / members,
        train_seconds=summary.train_seconds,
        wall_seconds=summary.wall_seconds,
    )


def spec_of(ensemble: Ensemble, members: Sequence[Candidate]) -> RunSpec:
    """Return what an ensemble is asked; where that is nothing, it has what its first member has."""
    return replace(
        members[0].spec,
        model=MODEL,
        recipe=f"mean {ensemble.by}",
        stages=(Stage("combine", 0, 0.0, None),),
        image_size=max(each.spec.image_size for each in members),
        weights="members",
        validation=_validation(members),
        test_time_flip=any(each.spec.test_time_flip for each in members),
        keep="last",
        patience=None,
        ensemble=ensemble,
    )


def _validation(members: Sequence[Candidate]) -> float | Literal["test"]:
    """Return the members' share held out; `test` where one of them was validated on that split."""
    shares = [each.spec.validation for each in members]
    return "test" if "test" in shares else shares[0]


def started_as(spec: RunSpec, members: Sequence[Candidate], device: str) -> RunStarted:
    """Return the first facts of an ensemble, put together from those of its members.

    Args:
        spec: of the ensemble.
        members: in its order.
        device: that computes: `cpu:0`.
    """
    assert spec.ensemble is not None
    starts = [each.started for each in members]
    if spec.ensemble.by == "weights":
        starts = starts[:1]  # one network, of whichever weights
    model = ModelFacts(
        parameters=sum(each.model.parameters for each in starts),
        depth=max(each.model.depth for each in starts),
        flops=sum(each.model.flops for each in starts),
        image_size=spec.image_size,
        backbone_layers=0,
    )
    return RunStarted(
        spec=spec,
        model=model,
        data=replace(starts[0].data, validation_images=spec.ensemble.validation_images),
        layers=_joined([each.layers for each in starts]),
        steps_per_epoch=0,
        epochs=0,
        device=device,
    )


def _joined(trees: Sequence[LayerNode]) -> LayerNode:
    """Return one tree of several, in which each name begins with its member's number."""
    if len(trees) == 1:
        return _resting(trees[0])
    return replace(
        trees[0],
        name=MODEL,
        parameters=sum(tree.parameters for tree in trees),
        trainable=False,
        children=tuple(_resting(tree, f"{number}/") for number, tree in enumerate(trees, 1)),
        flops=sum(tree.flops for tree in trees),
        trainable_parameters=sum(tree.trainable_parameters for tree in trees),
    )


def _resting(node: LayerNode, prefix: str = "") -> LayerNode:
    """Return a tree of which nothing trains, its names with a prefix."""
    children = tuple(_resting(child, prefix) for child in node.children)
    return replace(node, name=f"{prefix}{node.name}", trainable=False, children=children)


def record(
    directory: RunDirectory, spec: RunSpec, events: Iterable[Event], first: RunDirectory
) -> None:
    """Write the events of an ensemble and what is made of them, as the recorder of any run does.

    Args:
        directory: of the ensemble.
        spec: of the ensemble.
        events: all of them, in order.
        first: of its first member, which may name the files of the test images.

    Raises:
        OSError: some of it could not be written.
    """
    if first.images.is_file():
        shutil.copyfile(first.images, directory.images)
    head = ",".join(METRICS) + "\r\n"  # no epoch, so no line below it
    directory.metrics.write_text(head, encoding="ascii", newline="")
    recorder = Recorder(directory, spec)
    for event in events:
        recorder.record(event)
    full = recorder.retry()
    recorder.close()
    if full is not None:
        raise OSError(full.words)
