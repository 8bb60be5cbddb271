"""Another terminal's screen over a training without one: watched, told to end, played again."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pseudo_terminal import Terminal

from engine.runs.listing import load_run
from tui.__main__ import main

TRAIN = ["train", "CustomCNN", "--dataset", "digits", "--epochs", "500", "--train-limit", "150"]
SECONDS = 240


@pytest.fixture
def plain_training(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A training with `--plain` that has begun, in a session of its own as under a scheduler."""
    arguments = [sys.executable, "-m", "tui", *TRAIN, "--plain", "--runs-dir", str(tmp_path)]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, start_new_session=True)
    until(lambda: list(tmp_path.glob("*/metrics.csv")))
    yield process
    with suppress(ProcessLookupError):
        process.kill()
    process.wait()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"the condition did not come true in {SECONDS} s"
        time.sleep(0.02)


def attach(runs_dir: Path) -> Terminal:
    terminal = Terminal(["attach", "--runs-dir", str(runs_dir)])
    terminal.wait_for("Attached to", SECONDS)
    return terminal


def test_a_training_without_a_screen_is_attached_left_and_stopped(
    tmp_path: Path, plain_training: subprocess.Popen[bytes]
) -> None:
    (path,) = tmp_path.iterdir()
    first, second = attach(tmp_path), attach(tmp_path)
    for terminal in (first, second):
        terminal.wait_for("training", SECONDS)
    first.press("d")
    assert first.close() == 0
    assert f"cifar-tui attach {path.name}".encode() in first.drawn
    assert plain_training.poll() is None
    second.press("s")
    second.wait_for("After this epoch", SECONDS)
    second.press("n")
    second.wait_for("The queue has ended", SECONDS)
    second.press("q")
    assert second.close() == 0
    assert plain_training.wait(SECONDS) == 130
    assert load_run(path).status == "stopped"

    replay = Terminal(["replay", path.name, "--speed", "10000", "--runs-dir", str(tmp_path)])
    replay.wait_for("The queue has ended", SECONDS)
    replay.press("q")
    assert replay.close() == 0
    for terminal in (first, second, replay):
        assert b"Traceback" not in terminal.drawn


def test_a_killed_training_is_seen_within_ten_seconds(
    tmp_path: Path, plain_training: subprocess.Popen[bytes]
) -> None:
    terminal = attach(tmp_path)
    terminal.wait_for("training", SECONDS)
    plain_training.kill()
    plain_training.wait()
    killed_after = time.perf_counter() - terminal.started_at
    seen_after = terminal.wait_for("interrupted", SECONDS)
    assert seen_after - killed_after < 10
    terminal.press("q")
    assert terminal.close() == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["attach"], "found none; `cifar-tui train` makes one"),
        (["attach", "vgg"], "'vgg'"),
        (["attach", "nowhere/at-all"], "nowhere/at-all"),
        (["replay"], "expected RUN"),
        (["replay", "vgg"], "'vgg'"),
        (["replay", "vgg", "--speed", "0"], "--speed: expected 1 to 10,000, found 0"),
        (["replay", "vgg", "--speed", "-3"], "found -3"),
        (["replay", "vgg", "--speed", "nan"], "found nan"),
        (["replay", "vgg", "--speed", "fast"], "'fast'"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main([*arguments, "--runs-dir", str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("cifar-tui: ")
    assert printed.err.count("\n") == 1
    assert said in printed.err


def test_without_a_terminal_the_log_is_named(
    write_run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = write_run(test=0.5)
    assert main(["attach", run_id, "--runs-dir", str(write_run.runs_dir)]) == 2
    assert f"tail -f {write_run.runs_dir / run_id / 'run.log'}" in capsys.readouterr().err
    assert main(["replay", run_id, "--runs-dir", str(write_run.runs_dir)]) == 2
    assert "expected a terminal" in capsys.readouterr().err
