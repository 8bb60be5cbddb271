"""Training by a call: what comes back, what is told, and how it ends before its time."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import pkgutil
import random
import signal
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import engine
from engine.common.codec import to_plain
from engine.errors import InputError, RunError
from engine.protocol.commands import Stop
from engine.protocol.events import EpochEnded, EpochStarted, Event, PhaseChanged, RunEnded
from engine.runs.directory import write_json
from engine.runs.listing import list_runs
from tests.support.processes import until

small = partial(
    engine.train, "customcnn", dataset="digits", train_limit=100, batch_size=32, epochs=2
)


@dataclass
class Trained:
    """A run, and what its caller saw meanwhile."""

    run: engine.Run
    events: list[Event]
    threads: set[int]
    rejected: list[Exception]
    random: tuple[float, float]
    """Drawn after it, from `random` and from NumPy."""
    settings: tuple[Any, ...]
    """Keras', after it."""
    meanwhile: str
    """Keras' type of numbers, during it."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """One run of two epochs, in a process that has its own settings of Keras, and all modules."""
    for module in pkgutil.walk_packages(engine.__path__, "engine."):
        importlib.import_module(module.name)
    events: list[Event] = []
    threads: set[int] = set()
    rejected: list[Exception] = []
    meanwhile = ""
    folder = tmp_path_factory.mktemp("trained")

    def second() -> None:
        try:
            small(runs_dir=folder / "second")
        except InputError as error:
            rejected.append(error)

    def watch(event: Event) -> None:
        nonlocal meanwhile
        events.append(event)
        threads.add(threading.get_ident())
        if isinstance(event, EpochStarted) and event.epoch == 1:
            meanwhile = keras.config.floatx()
            second()
            other = threading.Thread(target=second)
            other.start()
            other.join()

    numbers: Any = np.array([2])
    config = keras.config
    before = (config.floatx(), config.dtype_policy(), config.max_epochs())
    config.set_floatx("float16")
    config.set_dtype_policy("mixed_float16")
    config.set_max_epochs(1)
    random.seed(7)
    np.random.seed(7)
    try:
        run = small(runs_dir=folder / "runs", on_event=watch, epochs=numbers)
        found = (config.floatx(), config.dtype_policy().name, config.max_epochs())
    finally:
        config.set_floatx(before[0])
        config.set_dtype_policy(before[1])
        config.set_max_epochs(before[2])
    drawn = (random.random(), float(np.random.random()))
    return Trained(run, events, threads, rejected, drawn, found, meanwhile)


def test_a_run_comes_back_with_its_figures(trained: Trained) -> None:
    run = trained.run
    assert run.status == "completed"
    assert run.path.is_absolute()
    assert run.path.name == run.run_id
    assert run.test_accuracy is not None
    assert 0 <= run.test_accuracy <= 1
    assert repr(run).startswith(f"<Run {run.run_id}: CustomCNN on digits, completed, test accura")


def test_every_event_is_told_in_order_on_the_thread_that_asked(trained: Trained) -> None:
    assert trained.threads == {threading.get_ident()}
    assert isinstance(trained.events[0], PhaseChanged)
    assert [type(e) for e in trained.events].count(RunEnded) == 1
    assert [e.epoch for e in trained.events if isinstance(e, EpochEnded)] == [1, 2]


def test_a_second_training_at_the_same_time_is_one_clear_error(trained: Trained) -> None:
    assert len(trained.rejected) == 2
    for error in trained.rejected:
        assert str(error).startswith("expected one training at a time in a process, found another")
    assert not (trained.run.path.parents[1] / "second").exists()


def test_the_process_is_left_as_it_was(trained: Trained) -> None:
    expected = random.Random(7).random(), float(np.random.RandomState(7).random())
    assert trained.random == expected
    assert trained.settings == ("float16", "mixed_float16", 1)
    assert trained.meanwhile == "float32"


class EnoughError(Exception):
    """Raised by what listens."""


@pytest.mark.slow("that what a listener raises leaves a run to resume")
def test_what_a_listener_raises_leaves_a_run_to_resume(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """All of it in a coroutine of a thread that is not the main one, as some notebooks have it."""
    raised: list[EnoughError] = []
    resumed: list[engine.Run] = []

    def stop(event: Event) -> None:
        if isinstance(event, EpochEnded):
            raise EnoughError("seen enough")

    async def first_cell() -> None:
        try:
            small(runs_dir=tmp_path, epochs=4, on_event=stop)
        except EnoughError as error:
            raised.append(error)

    async def second_cell() -> None:
        resumed.append(engine.resume(run))

    call_on_a_thread(first_cell)
    (record,) = list_runs(tmp_path).runs
    run = engine.open_run(record.run_id, runs_dir=tmp_path)
    assert run.status == "interrupted"
    assert raised[0].__notes__ == [
        f"engine.resume({str(run.path)!r}) resumes the run from its checkpoint"
    ]
    assert 0 < len(run.curves) < 4
    # What waits behind it in its queue is not begun with it.
    queue = (run.spec, replace(run.spec, seed=1))
    write_json(record.directory.spec, replace(record.file, queue_specs=queue))
    call_on_a_thread(second_cell)
    assert [(each.path, each.status) for each in resumed] == [(run.path, "completed")]
    assert resumed[0].curves["epoch"].tolist() == [1, 2, 3, 4]
    assert len(list_runs(tmp_path).runs) == 1
    with pytest.raises(InputError, match=r"^expected an unfinished run, found .* completed"):
        engine.resume(run)
    assert capfd.readouterr().out == ""


def call_on_a_thread(cell: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run a coroutine on a thread of its own."""
    thread = threading.Thread(target=lambda: asyncio.run(cell()))
    thread.start()
    thread.join()


@pytest.mark.slow("that ctrl+c in a script leaves a run to resume")
def test_ctrl_c_leaves_a_checkpoint_and_is_raised_again(tmp_path: Path) -> None:
    def press() -> None:
        until(lambda: [*tmp_path.glob("*/metrics.csv")])
        os.kill(os.getpid(), signal.SIGINT)

    presses = threading.Thread(target=press)
    presses.start()
    with pytest.raises(KeyboardInterrupt) as raised:
        small(runs_dir=tmp_path, epochs=10_000)
    presses.join()
    (run,) = list_runs(tmp_path).runs
    assert run.status == "interrupted"
    assert [*run.directory.checkpoints.iterdir()] != []
    assert str(run.directory.path) in raised.value.__notes__[0]


@pytest.mark.slow("that a run which another process stops comes back as a run")
def test_a_stop_from_another_process_ends_it_without_an_error(tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, EpochStarted) and event.epoch == 1:
            (spec,) = tmp_path.glob("*/spec.json")
            line = json.dumps(to_plain(Stop(when="now"))) + "\n"
            spec.with_name("commands.jsonl").write_text(line)

    run = small(runs_dir=tmp_path, epochs=10_000, on_event=stop)
    assert run.status == "stopped"
    assert run.test_accuracy is None


def test_a_run_that_fails_is_an_error_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(
        RunError, match=r": expected the device gpu:7, .* choose `device` cpu"
    ) as raised:
        small(runs_dir=tmp_path, device="gpu:7")
    assert raised.value.path is not None
    run = engine.open_run(raised.value.path)
    assert (run.status, run.test_accuracy, len(run.curves)) == ("failed", None, 0)
    # The next one is let in.
    with pytest.raises(RunError):
        small(runs_dir=tmp_path, device="gpu:7")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "model": ({"model": "customcn"}, r"^expected a model of the catalogue, found 'customcn'; did"),
    "models": ({"model": ["a"]}, r"^model: expected the name of one model, found \["),
    "epochs": ({"epochs": 0}, r"^epochs: expected 1 to 10000, found 0$"),
    "text": ({"epochs": "3,2"}, r"^epochs: expected a whole number, found '3,2'$"),
    "stages": ({"epochs": (1, 2, 3)}, r"^epochs: expected at most 2, one a stage, found 3; "),
    "rate": ({"learning_rates": object()}, r"^learning_rates: expected a number, found "),
    "share": ({"validation": float("nan")}, r"^validation: expected a share above 0 and below 0.9"),
    "seed": ({"seed": -1}, r"^seed: expected 0 to 2147483647, found -1$"),
    "flip": ({"flip": "yes"}, r"^flip: expected true or false, found 'yes'$"),
    "dataset": ({"dataset": 5}, r"^dataset: expected a text, found 5$"),
    "no data": ({"dataset": "nothing"}, r"^dataset: expected cifar10, .* found 'nothing', no such"),
    "recipe": ({"recipe": "best"}, r"^recipe: expected .*, found 'best'$"),
    "weights": ({"weights": Path("none.h5")}, r"^weights: .*none.h5"),
    "kind": ({"weights": 5}, r"^weights: expected a text, found 5$"),
    "device": ({"device": "tpu"}, r"^device: expected auto, cpu, gpu or gpu:N, found 'tpu'$"),
    "unfreezes": ({"unfreezes": [(2, 3)]}, r"^unfreezes: expected engine.Unfreeze\(after_epoch, l"),
    "both": (
        {"unfreezes": [engine.Unfreeze(1, 60)], "block_every": 1},
        r"^unfreezes: expected no `block_every` beside it, found 1;",
    ),
    "epoch": ({"unfreezes": [engine.Unfreeze(1.5, 60)]}, r"^unfreezes: expected engine.Unfreeze"),  # type: ignore[arg-type]
    "listener": (
        {"on_event": 5},
        r"^on_event: expected a function that takes an event, found '5'$",
    ),
    "folder": ({"runs_dir": 5}, r"^runs_dir: expected the path of a folder, found 5$"),
}


@pytest.mark.parametrize("case", WRONG)
def test_bad_input_is_one_line_by_keyword_before_anything_is_written(
    case: str, tmp_path: Path
) -> None:
    asked, words = WRONG[case]
    usual: dict[str, Any] = {
        "model": "EfficientNetLite0",
        "dataset": "digits",
        "runs_dir": tmp_path / "runs",
    }
    if case == "weights":
        usual["model"] = "CustomCNN"
    with pytest.raises(InputError, match=words) as raised:
        engine.train(**(usual | asked))
    assert "\n" not in str(raised.value)
    assert [*tmp_path.iterdir()] == []


def test_a_folder_that_cannot_be_written_is_one_line(unprivileged: Path) -> None:
    unprivileged.chmod(0o500)
    with pytest.raises(
        InputError, match=r"^runs_dir: .*: expected a writable folder .* another `runs_dir`$"
    ):
        small(runs_dir=unprivileged / "runs")


def test_an_earlier_run_gives_its_weights(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(RunError) as raised:
        small(runs_dir=tmp_path, weights=trained.run, device="gpu:7")
    assert raised.value.path is not None
    spec = engine.open_run(raised.value.path).spec
    assert spec.weights == str(trained.run.path / "model.keras")


def test_what_is_said_of_the_weights_is_a_warning(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = trained.run.run_id
    Path(name).write_text("no weights")
    with (
        pytest.warns(UserWarning, match=f"^`weights`: took the file {name}, not the run"),
        pytest.raises(InputError, match=r"^weights: "),
    ):
        small(runs_dir=trained.run.path.parent, weights=name)
