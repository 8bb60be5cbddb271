"""Resuming a run that was left: in a session of its own, to the same bytes."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.analysis.test_images import read_test_images
from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.errors import InputError
from engine.protocol.commands import AddRuns, Interrupt, RemoveRun, SetTrainable
from engine.protocol.events import (
    BatchEnded,
    EpochEnded,
    EpochStarted,
    Event,
    PhaseChanged,
    RunResumed,
)
from engine.protocol.facts import DataFacts, SampleRange
from engine.runs.checkpoint import Position, read_position
from engine.runs.directory import RunDirectory
from engine.runs.listing import list_runs, load_run, load_snapshot, read_events
from engine.runs.lock import holder, locked
from engine.runs.reading import recorded_data
from engine.runs.resume import Resumption, find_unfinished, resumption_of
from engine.sessions.local import Session
from tests.support.small_net import in_mobilenets_place

SPEC = RunSpec(
    model="MobileNetV2",
    dataset="digits",
    stages=(Stage("head", 2, 1e-2, 0), Stage("fine-tune", 2, 1e-3, 8, "cosine")),
    image_size=32,
    batch_size=8,
    train_limit=100,
    validation=0.2,
    weights="none",
    keep="best",
)


@pytest.fixture(scope="module", autouse=True)
def small_net() -> Iterator[None]:
    """The small backbone that holds every shape, in MobileNetV2's place."""
    with in_mobilenets_place():
        yield


class Interrupter:
    """A sink that sends commands to its session after a chosen event."""

    def __init__(self, kind: type[Event], count: int, *commands: Any) -> None:
        self.session: Session | None = None
        self._kind, self._left, self._commands = kind, count, commands

    def __call__(self, index: int, run_id: str, event: Event) -> None:
        """Count an event."""
        if type(event) is self._kind:
            self._left -= 1
            if self._left == 0 and self.session is not None:
                for command in self._commands:
                    self.session.send(command)


def run(runs: Path, specs: list[RunSpec], told: Interrupter | None = None, **resumes: Any) -> Any:
    session = Session(specs, runs, hardware=False, sinks=[told] if told else [], **resumes)
    if told is not None:
        told.session = session
    session.start()
    assert session.join(300)
    return session


def resume(runs: Path, told: Interrupter | None = None) -> Any:
    return run(runs, [], told, resumes=find_unfinished(runs, None))


def weights(directory: RunDirectory) -> dict[str, bytes]:
    """What the exported model computes: its probabilities, to the last bit."""
    saved = np.load(directory.predictions)
    return {name: saved[name].tobytes() for name in saved.files}


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """The run that nothing interrupts."""
    runs = tmp_path_factory.mktemp("straight")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIFAR_TUI_CACHE", str(tmp_path_factory.mktemp("cache")))
        run(runs, [SPEC])
    return list_runs(runs).runs[0].directory


@pytest.fixture(scope="module")
def left_in_its_last_epoch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one that was interrupted; to be copied."""
    runs = tmp_path_factory.mktemp("left")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIFAR_TUI_CACHE", str(tmp_path_factory.mktemp("cache")))
        first = run(runs, [SPEC], Interrupter(EpochStarted, 4, Interrupt()))
    assert first.exit_code == 143
    return runs


@pytest.fixture
def left(left_in_its_last_epoch: Path, tmp_path: Path) -> Path:
    """A copy of that folder."""
    return shutil.copytree(left_in_its_last_epoch, tmp_path / "left")


def check_ends_as(runs: Path, straight: RunDirectory) -> None:
    """Resume the only run of a folder; it must end as the one that nothing interrupted."""
    (record,) = list_runs(runs).runs
    assert record.status == "interrupted"
    assert resume(runs).exit_code == 0
    (record,) = list_runs(runs).runs
    assert record.status == "completed"
    assert weights(record.directory) == weights(straight)
    assert record.directory.metrics.read_bytes() == straight.metrics.read_bytes()
    assert not record.directory.checkpoints.exists()
    ended, before = load_snapshot(record), load_snapshot(load_run(straight.path))
    assert [e.epoch for e in ended.ended_epochs] == [1, 2, 3, 4]
    assert [m.text for m in ended.markers] == [m.text for m in before.markers]
    assert sum(isinstance(e, RunResumed) for e in read_events(record.directory)) == 1


@pytest.mark.slow("that frozen features, best weights and a cosine are resumed, too")
def test_an_interrupted_run_ends_as_if_it_never_was(left: Path, straight: RunDirectory) -> None:
    check_ends_as(left, straight)


@pytest.mark.slow("that a run is resumed from before its first step, and from within the head")
@pytest.mark.parametrize(("kind", "count"), [(PhaseChanged, 1), (BatchEnded, 4)])
def test_one_interrupted_earlier_ends_so_too(
    tmp_path: Path, straight: RunDirectory, kind: type[Event], count: int
) -> None:
    assert run(tmp_path, [SPEC], Interrupter(kind, count, Interrupt())).exit_code == 143
    check_ends_as(tmp_path, straight)


@pytest.mark.slow("that a command which waited outlives its process")
def test_what_waited_for_the_epochs_end_is_done_after_the_resumption(tmp_path: Path) -> None:
    spec = dataclasses.replace(SPEC, stages=(Stage("head", 2, 1e-2, 0),))
    toggle = SetTrainable(layers=("block4_depthwise",), value=True)
    run(tmp_path, [spec], Interrupter(EpochStarted, 1, toggle, Interrupt()))
    resume(tmp_path)
    (record,) = list_runs(tmp_path).runs
    snapshot = load_snapshot(record)
    assert snapshot.trainable == {"block4_depthwise", "head_dense"}
    assert [marker.text for marker in snapshot.markers] == ["unfroze block4_depthwise, 1e-02"]


@pytest.fixture
def scratch() -> RunSpec:
    """A run of a second."""
    return RunSpec(
        model="CustomCNN",
        dataset="digits",
        stages=(Stage("all", 1, 1e-3, None),),
        image_size=32,
        train_limit=100,
        weights="none",
        batchnorm="keras",
    )


@pytest.mark.slow("that the rest of a changed queue follows a resumed run")
def test_the_queue_goes_on_after_the_resumed_run_as_it_was_changed(
    tmp_path: Path, scratch: RunSpec
) -> None:
    one, two, three = (dataclasses.replace(scratch, seed=seed) for seed in (1, 2, 3))
    changes = (RemoveRun(position=0, model="CustomCNN"), AddRuns(specs=(three,)))
    run(tmp_path, [scratch, one, two], Interrupter(EpochStarted, 1, *changes, Interrupt()))
    assert len(list_runs(tmp_path).runs) == 1
    assert resume(tmp_path).exit_code == 0
    records = list_runs(tmp_path).runs
    assert [(r.status, r.file.spec.seed) for r in records] == [
        ("completed", 3),
        ("completed", 2),
        ("completed", 0),
    ]
    assert [record.file.queue_position for record in records] == [2, 1, 0]
    assert {record.file.queue_id for record in records} == {records[0].file.queue_id}
    assert [spec.seed for spec in records[0].file.queue_specs] == [0, 2, 3]


@pytest.mark.slow("that a run goes on with the images it began with, or not at all")
def test_a_run_whose_folder_of_images_changed_is_not_resumed(
    tmp_path: Path, scratch: RunSpec
) -> None:
    folder = tmp_path / "pets"
    for name in "ab":
        (folder / name).mkdir(parents=True)
        for i in range(10):
            Image.new("RGB", (8, 8), (i, 0, 0)).save(folder / name / f"{i}.png")
    stages = (Stage("all", 2, 1e-3, None),)
    spec = dataclasses.replace(
        scratch, dataset="folder:pets", data_path=str(folder), stages=stages, validation=0.2
    )
    (runs := tmp_path / "runs").mkdir()
    run(runs, [spec], Interrupter(EpochStarted, 2, Interrupt()))
    (folder / "a" / "9.png").rename(folder / "a" / "new.png")
    assert resume(runs).exit_code == 1
    (record,) = list_runs(runs).runs
    assert record.status == "failed"
    assert "expected the images that the run began with (16 to train" in record.summary.error
    assert find_unfinished(runs, None) == find_unfinished(runs, record.run_id) == record
    (folder / "a" / "new.png").rename(folder / "a" / "9.png")
    assert resume(runs).exit_code == 0
    (record,) = list_runs(runs).runs
    assert record.status == "completed"
    assert len(read_test_images(record.file.spec, recorded_data(record.directory.events))) == 4


def test_without_a_name_the_newest_run_is_taken_that_could_be_named(write_run: Any) -> None:
    runs_dir = write_run.runs_dir
    names = [write_run(status=status) for status in ("stopped", "failed", "failed", "completed")]
    for name in (names[1], names[3]):
        (folder := RunDirectory(runs_dir / name).checkpoints).mkdir()
        np.savez(folder / "last.npz", weights=np.zeros(1))
    assert find_unfinished(runs_dir, None).run_id == names[1]
    for name in names[:2]:
        assert find_unfinished(runs_dir, name).run_id == name
    for name in names[2:]:
        with pytest.raises(InputError, match="expected an unfinished run"):
            find_unfinished(runs_dir, name)
    with pytest.raises(InputError, match="completed; only"):
        find_unfinished(runs_dir, names[3])
    with pytest.raises(InputError, match="nowhere"):
        find_unfinished(runs_dir, "nowhere")
    with locked(runs_dir / names[1] / "lock"):
        assert find_unfinished(runs_dir, None).run_id == names[0]
        with (
            locked(runs_dir / names[0] / "lock"),
            pytest.raises(InputError, match="expected an unfinished run"),
        ):
            find_unfinished(runs_dir, None)


@pytest.mark.slow("that the best epoch of before stays the best")
def test_a_worse_epoch_after_the_resumption_is_not_the_best(tmp_path: Path) -> None:
    # The second epoch destroys what the first has learned.
    stages = (Stage("head", 1, 1e-2, 0), Stage("more", 1, 3.0, None))
    spec = dataclasses.replace(SPEC, stages=stages)
    run(tmp_path, [spec], Interrupter(EpochStarted, 2, Interrupt()))
    (directory,) = (record.directory for record in list_runs(tmp_path).runs)
    best = (directory.checkpoints / "best.npz").read_bytes()
    assert read_position(directory.checkpoints / "last.npz").best.val_accuracy > 0
    told = Interrupter(EpochEnded, 1, Interrupt())
    resume(tmp_path, told)
    assert (directory.checkpoints / "best.npz").read_bytes() == best


def test_a_damaged_checkpoint_falls_back_and_the_good_one_stays(left: Path) -> None:
    (record,) = list_runs(left).runs
    folder = record.directory.checkpoints
    before = repr(read_position(folder / "previous.npz"))  # NaN is never equal
    (folder / "last.npz").write_bytes(b"PK damaged")
    resumption = resumption_of(record.directory)
    assert repr(resumption.position) == before
    assert resumption.checkpoint == folder / "last.npz"
    assert repr(read_position(folder / "last.npz")) == before


def test_a_run_is_written_by_one_process_only(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert holder(path) is None
    with locked(path):
        held = holder(path)
        assert held is not None
        assert held.pid > 0
        with pytest.raises(InputError, match=f"process {held.pid}"), locked(path):
            pass
    assert holder(path) is None


def test_a_run_of_another_backend_is_left_as_it_is(left: Path) -> None:
    """As a machine has recorded it on which JAX computed; here TensorFlow is loaded."""
    (record,) = list_runs(left).runs
    assert record.file.origin.backend == "tensorflow"
    text = record.directory.spec.read_text()
    record.directory.spec.write_text(text.replace('"backend": "tensorflow"', '"backend": "jax"'))
    before = record.directory.events.read_bytes()
    with pytest.raises(
        InputError, match=f"^{record.run_id}: expected JAX, on which the run began, found"
    ):
        resume(left)
    assert record.directory.events.read_bytes() == before
    assert record.directory.summary.exists()


def test_both_ranges_of_samples_are_named_where_they_differ(tmp_path: Path) -> None:
    began, found = (
        DataFacts(1, 1, 1, ("a", "b"), ranges=(SampleRange("16-bit", 0.0, high),))
        for high in (4_095.0, 65_535.0)
    )
    position = Position(1, 1, 0, 1e-3, (), True)
    resumption = Resumption(RunDirectory(tmp_path), position=position, data=began)
    with pytest.raises(InputError) as refusal:
        resumption.check_data(found)
    assert str(refusal.value) == (
        f"{tmp_path.name}: expected the range of samples that the run began with (16-bit 0.0 to "
        "4095.0), found 16-bit 0.0 to 65535.0; train again"
    )
