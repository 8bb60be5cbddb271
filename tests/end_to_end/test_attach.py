"""Another terminal's screen over a training without one: watched, told to end, played again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from pseudo_terminal import Terminal

from engine.runs.listing import load_run
from tests.support.processes import SECONDS, TRAIN, has_trained, until
from tui.__main__ import main


@pytest.fixture
def plain_training(tmp_path: Path, start: Callable[..., psutil.Popen]) -> psutil.Popen:
    """A training with `--plain` that has begun, in a session of its own as under a scheduler."""
    options = ("--epochs", "500", "--plain", "--runs-dir", str(tmp_path))
    process = start(*TRAIN, *options, start_new_session=True)
    until(lambda: has_trained(tmp_path))
    return process


def attach(runs_dir: Path) -> Terminal:
    terminal = Terminal(["attach", "--runs-dir", str(runs_dir)])
    terminal.wait_for("Attached to", SECONDS)
    return terminal


@pytest.mark.slow("that screens of other processes watch, leave and stop a real training")
def test_a_training_without_a_screen_is_attached_left_and_stopped(
    tmp_path: Path, plain_training: psutil.Popen
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
    assert plain_training.wait(timeout=SECONDS) == 130
    assert load_run(path).status == "stopped"

    replay = Terminal(["replay", path.name, "--speed", "10000", "--runs-dir", str(tmp_path)])
    replay.wait_for("The queue has ended", SECONDS)
    replay.press("q")
    assert replay.close() == 0
    for terminal in (first, second, replay):
        assert b"Traceback" not in terminal.drawn


@pytest.mark.slow("that ten seconds are kept by the real clocks of two processes")
def test_a_killed_training_is_seen_within_ten_seconds(
    tmp_path: Path, plain_training: psutil.Popen
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
def test_what_cannot_be_shown_is_rejected_in_one_line(
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
