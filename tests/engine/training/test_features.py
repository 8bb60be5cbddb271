"""What becomes of kept features: found again, mapped, made again, or done without."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import keras
import pytest

import engine.backend.lite
import engine.features.extraction
import engine.training.assembly
import engine.training.learner
from engine.backend.lite import LiteError, has_lite
from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.features.store import FeatureStore
from engine.protocol.commands import Command, CommandQueue, SetBatchNormLock, SetTrainable, Stop
from engine.protocol.events import (
    BatchEnded,
    CommandRejected,
    EpochEnded,
    Event,
    FeaturesReady,
    FreezeApplied,
    LogLine,
)
from engine.runs.resume import resumption_of
from engine.training.learner import OTHER_FEATURES
from engine.training.trainer import Trainer
from tests.support.training import Train, Trained, TrainTwice, train_plainly

pytestmark = pytest.mark.usefixtures("small_net")

HEAD, LAST = Stage("head", 2, 1e-3, 0), Stage("fine-tune", 1, 1e-4, 8)
TWO_STAGES = RunSpec(
    model="MobileNetV2",
    dataset="digits",
    stages=(HEAD, LAST),
    image_size=32,
    batch_size=16,
    train_limit=100,
    validation=0.2,
    weights="none",
)
HEAD_ONLY = dataclasses.replace(TWO_STAGES, stages=(HEAD,))
ONE_EPOCH = dataclasses.replace(HEAD_ONLY, stages=(dataclasses.replace(HEAD, epochs=1),))
A_BATCH = 2e-6
"""Gigabytes that hold the pooled features of 16 images, and not those of 100."""

NO_DISK = pytest.param(A_BATCH, 0.0, marks=pytest.mark.slow("no place on the disk, either"))


@pytest.fixture(scope="module")
def first(train_once: Train, small_net: None) -> Trained:
    """The run that finds nothing."""
    return train_once(TWO_STAGES)


@pytest.fixture
def cache(first: Trained, kept_cache: Path, own_feature_cache: Path) -> Path:
    """A cache of the test's own that holds what the first run has kept."""
    shutil.copytree(kept_cache, own_feature_cache, dirs_exist_ok=True)
    return own_feature_cache


def sources(run: Trained) -> list[str]:
    """Where each of its features came from."""
    return [ready.source for ready in run.all(FeaturesReady)]


def warnings(run: Trained) -> list[str]:
    return [line.text for line in run.all(LogLine) if line.level == "warning"]


def test_the_next_run_starts_without_extracting(train: Train, first: Trained, cache: Path) -> None:
    second = train(TWO_STAGES)
    # One pass over the images gives both stages their features.
    assert sources(first) == ["extracted", "cache"]
    assert sources(second) == ["cache", "cache"]
    assert first.losses == second.losses


@pytest.mark.slow("what a stage that needs no features leaves to those before it")
def test_a_stage_of_all_layers_leaves_those_before_it_their_features(
    train: Train, first: Trained
) -> None:
    everything = Stage("all", 1, 1e-4, None)
    run = train(dataclasses.replace(TWO_STAGES, stages=(HEAD, LAST, everything)))
    assert sources(run) == ["extracted", "cache"]
    assert run.losses[:6] == first.losses
    assert run.all(FreezeApplied)[-1].frontier == ""


@pytest.mark.slow("that a training with kept features equals the one without")
def test_without_kept_features_the_training_is_the_same(train: Train, first: Trained) -> None:
    plain = train_plainly(train, HEAD_ONLY)
    assert not plain.all(FeaturesReady)
    assert plain.losses == pytest.approx(first.losses[:4], rel=1e-3)


def kept_frontiers(cache: Path) -> list[str]:
    """What the cache keeps of the training images, a frontier an entry."""
    entries = FeatureStore(cache, 1).entries()
    return sorted(str(e.about["frontier"]) for e in entries if e.about["split"] == "train")


@pytest.mark.slow("that a later cut takes no other room for what is the same")
def test_what_trains_behind_a_frontier_makes_no_other_features(train: Train, cache: Path) -> None:
    before = kept_frontiers(cache)
    fewer = dataclasses.replace(LAST, unfreeze_last=4)
    run = train(dataclasses.replace(TWO_STAGES, stages=(HEAD, fewer)))
    # The pooled features of the frozen backbone are those of before.
    assert sources(run) == ["extracted", "cache"]
    added = kept_frontiers(cache)
    assert len(added) == len(before) + 1
    assert len(set(added)) == len(added)


@pytest.mark.slow("a damaged entry met by a run")
def test_altered_features_are_made_again(train: Train, first: Trained, cache: Path) -> None:
    for path in (cache / "features").glob("*.features"):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    second = train(HEAD_ONLY)
    assert sources(second) == ["extracted"]
    assert second.losses == first.losses[:4]


@pytest.mark.slow("training on features mapped from the disk")
def test_beyond_the_memory_limit_features_are_mapped(train: Train) -> None:
    spec = dataclasses.replace(HEAD_ONLY, flip=True)
    mapped = train(dataclasses.replace(spec, feature_memory_gb=A_BATCH))
    (ready,) = mapped.all(FeaturesReady)
    assert ready.held == "disk"
    assert mapped.losses == train(spec).losses


@pytest.mark.slow("that a training without room for features is the plain one")
@pytest.mark.parametrize(("memory", "disk"), [(1e-8, 20.0), NO_DISK])
def test_without_room_the_plain_path_is_taken(train: Train, memory: float, disk: float) -> None:
    spec = dataclasses.replace(ONE_EPOCH, feature_memory_gb=memory, feature_disk_gb=disk)
    run = train(spec)
    assert run.status == "completed"
    assert not run.all(FeaturesReady)
    (warning,) = (text for text in warnings(run) if "random weights" not in text)
    assert "`feature_memory_gb`" in warning


@pytest.mark.slow("that a training survives a cache that cannot be written")
def test_an_unwritable_cache_is_one_warning(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    monkeypatch.setenv("CIFAR_TUI_CACHE", str(blocked))
    run = train(ONE_EPOCH)
    assert run.status == "completed"
    assert sources(run) == ["extracted"]
    assert sum(str(blocked) in text for text in warnings(run)) == 1


def test_a_stop_ends_the_extraction(train: Train, own_feature_cache: Path) -> None:
    run = train(HEAD_ONLY, extracting=[Stop(when="now")])
    assert run.status == "stopped"
    assert not run.all(EpochEnded)
    assert not list((own_feature_cache / "features").glob("*"))


@pytest.mark.slow("which features a toggle in mid-epoch goes on with, above and below")
def test_a_toggle_now_goes_on_with_what_is_held(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.training.learner, "steps_per_execution", lambda *_: 1)
    # Freezing above the held frontier needs nothing new; unfreezing below it the epoch ends on
    # images, and the next one has features again.
    above = SetTrainable(layers=("block4_depthwise",), value=False, when="now")
    below = SetTrainable(layers=("block2_conv",), value=True, when="now")
    spec = dataclasses.replace(TWO_STAGES, stages=(dataclasses.replace(LAST, epochs=4),))
    run = train(spec, BatchEnded_1=[above], EpochStarted_2=[below])
    assert run.status == "completed"
    assert [event.frontier for event in run.all(FreezeApplied)] == [
        "block3_right_depthwise",
        "block3_right_depthwise",  # the same features; the next epoch needs no other
        "",
        "block2_bn",
    ]
    assert run.phases.count("extracting") >= 2
    assert len(run.all(EpochEnded)) == 4


@pytest.mark.slow("changes asked for while the features are made, and while the step is traced")
@pytest.mark.parametrize("phase", ["extracting", "tracing"])
def test_a_toggle_now_before_the_first_batch_is_there_for_it(train: Train, phase: str) -> None:
    toggle = SetTrainable(layers=("block4_depthwise",), value=True, when="now")
    lock = SetBatchNormLock(value=False, when="now")
    told: dict[str, list[Command]] = {phase: [toggle, lock]}
    run = train(ONE_EPOCH, **told)
    assert run.status == "completed"
    kinds = [type(event) for event in run.events]
    before = run.events[: kinds.index(BatchEnded)]
    applied = [event for event in before if isinstance(event, FreezeApplied)]
    assert (toggle.id, lock.id) in [event.command_ids for event in applied]
    assert {(event.epoch, event.step) for event in applied} == {(1, 0)}
    assert "block4_depthwise" in applied[-1].trainable
    assert not run.all(CommandRejected)


@pytest.mark.slow("features made again, from earlier ones, after their layers have trained")
def test_refrozen_layers_leave_other_features(twice: TrainTwice) -> None:
    # The last block trains for an epoch, then freezes: its output is no longer what it was.
    def toggle(*, value: bool) -> SetTrainable:
        return SetTrainable(layers=("block4_depthwise",), value=value)

    kept, plain = twice(
        dataclasses.replace(HEAD_ONLY, stages=(Stage("head", 3, 1e-2, 0),)),
        EpochStarted_1=toggle(value=True),
        EpochStarted_2=toggle(value=False),
    )
    # Unfreezing needs an earlier cut; the last one comes from that.
    assert sources(kept) == ["extracted", "extracted", "derived"]
    assert not plain.all(FeaturesReady)


@pytest.mark.slow("features of several views, and smoothed labels, against every layer computed")
def test_views_and_smoothing_are_the_same_training(train: Train, twice: TrainTwice) -> None:
    spec = dataclasses.replace(
        TWO_STAGES,
        stages=(dataclasses.replace(LAST, epochs=2, schedule="cosine"),),
        flip=True,
        views=2,
        label_smoothing=0.1,
        keep="best",
    )
    kept, _ = twice(spec)
    (ready,) = kept.all(FeaturesReady)
    assert (ready.views, ready.images) == (4, 400)
    rates = [ended.learning_rate for ended in kept.all(EpochEnded)]
    assert rates == pytest.approx([5e-5, 0], abs=1e-9)
    without = train(dataclasses.replace(spec, flip=False, views=1))
    assert without.losses[0] != pytest.approx(kept.losses[0], rel=1e-3)


@pytest.mark.slow("features in half precision: kept apart, and trained on")
def test_half_precision_trains_and_is_kept_apart(train: Train, first: Trained, cache: Path) -> None:
    run = train(dataclasses.replace(HEAD_ONLY, precision="mixed_bfloat16"))
    assert run.status == "completed"
    assert sources(run) == ["extracted"]
    assert run.losses == pytest.approx(first.losses[:4], rel=0.2)
    assert run.losses != first.losses[:4]


@pytest.fixture
def on_xnnpack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has XNNPACK compute features however little that saves."""
    if not has_lite("cpu:0"):
        pytest.skip("XNNPACK comes with TensorFlow")
    monkeypatch.setattr(engine.features.extraction, "WORTH_FLOPS", 0.0)


@pytest.mark.slow("a training on features of XNNPACK, against every layer computed")
@pytest.mark.usefixtures("on_xnnpack")
def test_on_xnnpack_it_is_the_same_training(train: Train, twice: TrainTwice) -> None:
    spec = dataclasses.replace(TWO_STAGES, flip=True)
    kept, _ = twice(spec)
    assert {ready.executor for ready in kept.all(FeaturesReady)} == {"xnnpack"}
    again = train(spec)
    assert sources(again) == ["cache", "cache"]
    assert again.losses == kept.losses


@pytest.mark.usefixtures("on_xnnpack")
def test_what_xnnpack_cannot_compute_the_backend_does(
    train: Train, first: Trained, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(frozen: object) -> bytes:
        raise LiteError("no such operation")

    monkeypatch.setattr(engine.backend.lite, "_converted", fails)
    run = train(TWO_STAGES)
    # What the backend has computed before is found, and is all there is.
    assert sources(run) == ["cache", "cache"]
    assert {ready.executor for ready in run.all(FeaturesReady)} == {"backend"}
    assert run.losses == first.losses
    said = [line.text for line in run.all(LogLine) if "XNNPACK" in line.text]
    assert said == ["TensorFlow computes the features, since XNNPACK cannot: no such operation"]


def resumed(run: Trained) -> list[Event]:
    """Train the rest of a run that was stopped; returns its events."""
    events: list[Event] = []
    resumption = resumption_of(run.directory, keras.backend.backend())
    Trainer(run.spec, run.directory, events.append, CommandQueue(), resumption).run()
    return events


@pytest.mark.slow("that a resumed run computes its features as before, or says that it does not")
@pytest.mark.usefixtures("on_xnnpack")
@pytest.mark.parametrize("fails", [False, True])
def test_a_resumed_run_has_the_same_features(
    train: Train, own_feature_cache: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    monkeypatch.setattr(engine.training.learner, "steps_per_execution", lambda *_: 1)
    whole = train(HEAD_ONLY)
    stopped = train(HEAD_ONLY, BatchEnded_1=[Stop(when="now")])
    assert stopped.status == "stopped"
    shutil.rmtree(own_feature_cache / "features")
    # A new run would have its features from the backend.
    monkeypatch.setattr(engine.features.extraction, "WORTH_FLOPS", 1e30)
    if fails:
        monkeypatch.setattr(engine.training.assembly, "has_lite", lambda device: False)
    events = resumed(stopped)
    (ready,) = (event for event in events if isinstance(event, FeaturesReady))
    assert (ready.source, ready.executor) == ("extracted", "backend" if fails else "xnnpack")
    said = [event.text for event in events if isinstance(event, LogLine)]
    assert (OTHER_FEATURES in said) == fails
    losses = [event.val_loss for event in events if isinstance(event, EpochEnded)]
    if not fails:
        # Those of training are means over two parts of an epoch, which round differently.
        assert losses == [event.val_loss for event in whole.all(EpochEnded)][-len(losses) :]
