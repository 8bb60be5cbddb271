"""One training as it is called: killed and resumed to the same bytes, frozen, ranked, exported."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.protocol.commands import SetTrainable
from engine.protocol.events import EpochEnded, Event, LogLine, RunEnded
from engine.runs.directory import RunDirectory
from engine.runs.listing import list_runs, load_run, load_snapshot, read_events
from engine.sessions.attached import append_command
from engine.sessions.replay import ReplaySession
from engine.state.store import RunStore
from tests.support.processes import TRAIN, call, summary, until
from tui.__main__ import main

Start = Callable[..., psutil.Popen]
EPOCHS = 10
LAYER = "block3_conv1"


@dataclass(frozen=True)
class Whole:
    """A run that nothing interrupted, and what it printed."""

    directory: RunDirectory
    printed: str

    @property
    def runs_dir(self) -> str:
        """The folder it lies in, as an option has it."""
        return str(self.directory.path.parent)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Train by the command, to the end."""
    folder = tmp_path_factory.mktemp("whole")
    done = call(*TRAIN, "--epochs", str(EPOCHS), "--plain", "--runs-dir", str(folder / "runs"))
    assert (done.returncode, done.stderr) == (0, "")
    (path,) = (folder / "runs").iterdir()
    return Whole(RunDirectory(path), done.stdout)


def test_a_training_says_what_it_does_and_ends_in_the_ranking(
    whole: Whole, capsys: pytest.CaptureFixture[str]
) -> None:
    assert whole.printed.replace("\n", "").isprintable()
    assert re.search(r"model   depth \d+, [\d,]+ parameters, .* FLOPs", whole.printed)
    assert "parameters train" in whole.printed
    assert f"epoch {EPOCHS}/{EPOCHS} ended" in whole.printed
    assert whole.printed.splitlines()[-1] == f"runs: {whole.runs_dir}"
    assert main(["rank", "--json", "--runs-dir", whole.runs_dir]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["status"], row["ranked"], row["epochs"]) == ("completed", True, EPOCHS)
    assert (row["seed"], row["train_limit"]) == (0, 100)
    assert f"{row['test_accuracy']:.4f}" in whole.printed


def results(directory: RunDirectory) -> dict[str, bytes | str]:
    """What a finished run leaves of its weights, predictions and epochs."""
    with zipfile.ZipFile(directory.model) as archive:
        weights = archive.read("model.weights.h5")
    with zipfile.ZipFile(directory.predictions) as archive:
        predictions = b"".join(archive.read(name) for name in sorted(archive.namelist()))
    return {
        "weights": weights,
        "predictions": predictions,
        "metrics": directory.metrics.read_bytes(),
    }


def test_a_killed_training_resumes_to_the_same_bytes(
    whole: Whole, tmp_path: Path, start: Start
) -> None:
    place = ("--plain", "--runs-dir", str(tmp_path))
    process = start(*TRAIN, "--epochs", str(EPOCHS), *place)
    until(lambda: process.poll() is not None or list(tmp_path.glob("*/checkpoints/last.npz")))
    process.kill()
    assert process.wait() == -signal.SIGKILL
    (run,) = map(RunDirectory, tmp_path.iterdir())
    assert not run.summary.exists()
    resumed = call("resume", *place)
    assert resumed.returncode == 0, resumed.stderr
    assert "resumed after epoch" in resumed.stdout
    assert summary(tmp_path)["status"] == "completed"
    assert results(run) == results(whole.directory)
    assert list(tmp_path.iterdir()) == [run.path]


def test_work_trains_one_run_and_leaves_its_queue(
    whole: Whole, tmp_path: Path, start: Start
) -> None:
    """As a scheduler does it: ended by SIGTERM when its time is over, and started again."""
    place = ("--runs-dir", str(tmp_path))
    two = (*TRAIN[:2], "CustomCNN", *TRAIN[2:])
    process = start(*two, "--epochs", str(EPOCHS), "--plain", *place)
    until(lambda: process.poll() is not None or list(tmp_path.glob("*/checkpoints/last.npz")))
    process.kill()
    process.wait()
    (run,) = map(RunDirectory, tmp_path.iterdir())
    worker = start("work", run.run_id, "--json", *place, stdout=subprocess.PIPE, text=True)
    for line in worker.stdout:
        if json.loads(line)["event"] == "BatchEnded":
            worker.terminate()
            break
    worker.stdout.read()
    assert worker.wait() == 143
    assert summary(tmp_path)["status"] == "interrupted"
    ended = call("work", run.run_id, *place)
    assert ended.returncode == 0, ended.stderr
    assert results(run) == results(whole.directory)
    assert list(tmp_path.iterdir()) == [run.path]
    over = call("work", run.run_id, *place)
    assert over.returncode == 2
    assert f"expected an unfinished run, found {run.run_id} completed" in over.stderr


def test_a_layer_is_frozen_at_once_and_an_interrupt_stops_it(tmp_path: Path, start: Start) -> None:
    """The command as an attached screen gives it; on standard output there are events only."""
    options = ("--train-limit", "1500", "--batch-size", "1", "--epochs", "500")
    process = start(
        *TRAIN, *options, "--json", "--runs-dir", str(tmp_path), stdout=subprocess.PIPE, text=True
    )
    command = SetTrainable(layers=(LAYER,), value=False, when="now")
    events: list[dict[str, Any]] = []
    for line in process.stdout:
        events.append(json.loads(line))
        kind = events[-1]["event"]
        if kind == "BatchEnded" and not list(tmp_path.glob("*/commands.jsonl")):
            (run,) = map(RunDirectory, tmp_path.iterdir())
            append_command(run.commands, command)
        elif kind == "FreezeApplied" and events[-1]["command_ids"]:
            process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    before, frozen, *_ = (event for event in events if event["event"] == "FreezeApplied")
    assert frozen["command_ids"] == [command.id]
    assert set(before["trainable"]) - set(frozen["trainable"]) == {LAYER}
    assert (frozen["epoch"], frozen["step"] > 0) == (1, True)
    assert (events[-1]["event"], events[-1]["status"]) == ("RunEnded", "stopped")
    assert summary(tmp_path)["status"] == "stopped"


def test_its_record_is_replayed_to_the_state_it_ended_in(whole: Whole) -> None:
    record = load_run(whole.directory.path)
    store = RunStore(record.run_id, record.file.spec)
    played: list[Event] = []

    def hear(index: int, run_id: str, event: Event) -> None:
        played.append(event)
        store.apply(event)

    session = ReplaySession(record, 10_000)
    session.add_sink(hear)
    session.start()
    assert session.join(60)
    assert store.snapshot() == load_snapshot(record)
    assert sum(isinstance(event, EpochEnded) for event in played) == EPOCHS
    assert isinstance(played[-1], RunEnded)


def test_it_is_exported_and_predicts_the_same(
    whole: Whole, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    to = str(tmp_path / "net.keras")
    place = ["--runs-dir", whole.runs_dir]
    assert main(["export", "customcnn", "--format", "keras", "--output", to, *place]) == 0
    printed = capfd.readouterr().out
    difference = re.search(r"the largest difference of a probability is (\S+), against", printed)
    assert difference is not None
    assert float(difference[1].rstrip(",")) < 1e-5


@pytest.mark.slow("that a training begins from another run's weights, and its record says so")
def test_another_training_begins_from_its_weights(
    whole: Whole, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(whole.directory.model)
    options = ["--epochs", "1", "--weights", path, "--learning-rate", "1e-6"]
    assert main([*TRAIN, *options, "--plain", "--runs-dir", str(tmp_path)]) == 0
    (run,) = list_runs(tmp_path).runs
    told = [event.text for event in read_events(run.directory) if isinstance(event, LogLine)]
    assert f"CustomCNN starts from all weights of {path}, including its head" in told
    # At such a rate it stays what it began as.
    accuracy = load_run(whole.directory.path).summary.test_accuracy
    assert run.summary.test_accuracy == pytest.approx(accuracy, abs=0.02)
    for folder, weights in ((str(tmp_path), path), (whole.runs_dir, "none")):
        capsys.readouterr()
        assert main(["rank", "--json", "--runs-dir", folder]) == 0
        assert json.loads(capsys.readouterr().out)[0]["weights"] == weights


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["MobileNetV2", "--weights", "customcnn"],
            "{model}: expected weights of MobileNetV2, found those of a",
        ),
        (["CustomCNN", "--weights", "/nope/none.h5"], "/nope/none.h5: expected"),
    ],
)
def test_weights_that_do_not_fit_are_rejected_before_a_run_begins(
    whole: Whole, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--dataset", "digits", "--plain", "--runs-dir", whole.runs_dir]
    assert main(["train", *arguments, *options]) == 2
    line = capsys.readouterr().err
    assert line.startswith(f"cifar-tui: --weights: {said.format(model=whole.directory.model)}")
    assert line.count("\n") == 1
    assert len(list(Path(whole.runs_dir).iterdir())) == 1


def test_nothing_to_resume_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ([], ["nowhere"]):
        assert main(["resume", *name, "--runs-dir", str(tmp_path)]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"cifar-tui: {tmp_path}: expected")
        assert said.count("\n") == 1
