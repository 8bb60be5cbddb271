"""Output that cannot be written, and descriptors that are closed: told as that, in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.processes import TRAIN, call_bare

WriteRun = Callable[..., str]
TRAINS = " ".join([*TRAIN, "--epochs 1 --plain --runs-dir trained"])
CANNOT = "cifar-tui: expected a standard output that can be written, found: "
FULL = f"{CANNOT}No space left on device"
SCIKIT_LEARN = pytest.mark.slow("that this command, which loads scikit-learn, is no exception")
SAID = {">/dev/full": FULL, ">&-": f"{CANNOT}closed"}


def ran(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command line with next to no environment, as a shell would."""
    command = f'exec "{sys.executable}" -m tui {line}'
    return call_bare([command], folder, {"HOME": str(folder)}, program=("sh", "-c"))


@pytest.mark.parametrize(
    ("command", "redirection"),
    [
        ("rank --runs-dir runs", ">/dev/full"),
        ("rank --runs-dir runs", ">&-"),
        ("rank --runs-dir runs --json", ">/dev/full"),
        ("report --runs-dir runs", ">/dev/full"),
        ("runs --runs-dir runs", ">/dev/full"),
        pytest.param("dataset digits --json", ">/dev/full", marks=SCIKIT_LEARN),
        ("models", ">/dev/full"),
        ("--help", ">/dev/full"),
        ("--help", ">&-"),
        ("--version", ">/dev/full"),
    ],
)
def test_what_prints_says_that_it_cannot(
    command: str, redirection: str, tmp_path: Path, write_run: WriteRun
) -> None:
    write_run("CustomCNN", test=0.7)
    done = ran(f"{command} {redirection}", tmp_path)
    assert (done.returncode, done.stderr) == (2, f"{SAID[redirection]}\n")


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "0<&-", "0<&- 2>&-"])
def test_what_is_not_written_to_may_be_closed(redirection: str, tmp_path: Path) -> None:
    done = ran(f"--version {redirection}", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("cifar-tui")


@pytest.mark.parametrize(
    ("command", "redirection"),
    [
        ("", "2>&-"),
        ("", ">&- 2>&-"),
        ("", "0<&- >&- 2>&-"),
        ("", ">/dev/full 2>&-"),
        ("trian", "0<&- >&- 2>&-"),
        ("models --color", "0<&- >&- 2>&-"),
    ],
)
def test_a_complaint_with_nowhere_to_go_is_an_exit_status(
    command: str, redirection: str, tmp_path: Path
) -> None:
    done = ran(f"{command} {redirection}", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


@pytest.mark.slow("that a real training goes on when its output finds no room")
def test_a_training_outlives_its_output(tmp_path: Path) -> None:
    done = ran(f"{TRAINS} >/dev/full", tmp_path)
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1].startswith(f"{FULL}; the training continued without it")
    assert "Traceback" not in done.stderr
    assert recorded(tmp_path) == "RunEnded"


@pytest.mark.slow("that TensorFlow writes into no file of a run that took a closed descriptor")
def test_no_file_of_a_training_takes_the_place_of_a_closed_descriptor(tmp_path: Path) -> None:
    assert ran(f"{TRAINS} 0<&- >&- 2>&-", tmp_path).returncode == 0
    assert recorded(tmp_path) == "RunEnded"


def recorded(folder: Path) -> object:
    """The kind of the last event; every line of the record is one."""
    (events,) = folder.glob("trained/*/events.jsonl")
    return [json.loads(line)["event"] for line in events.read_text().splitlines()][-1]
