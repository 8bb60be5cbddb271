"""Output that cannot be written, and descriptors that are closed: told as that, in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

WriteRun = Callable[..., str]
ROOT = str(Path(__file__).parents[2])
TRAIN = "train CustomCNN --dataset digits --train-limit 100 --epochs 1 --plain --runs-dir trained"
FULL = "cifar-tui: expected a standard output that can be written, found: No space left on device"
CLOSED = "cifar-tui: expected a standard output that can be written, found: closed"


def ran(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command line with next to no environment, as a shell would."""
    environment = {"HOME": str(folder), "PYTHONPATH": ROOT, "PATH": "/usr/bin:/bin"}
    command = f'exec "{sys.executable}" -m tui {line}'
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    "command",
    [
        "rank --runs-dir runs",
        "rank --runs-dir runs --json",
        "report --runs-dir runs",
        "runs --runs-dir runs",
        "dataset digits --json",
        "models",
        "--help",
        "--version",
    ],
)
def test_what_prints_says_that_it_cannot(command: str, tmp_path: Path, write_run: WriteRun) -> None:
    write_run("CustomCNN", test=0.7)
    for redirection, said in ((">/dev/full", FULL), (">&-", CLOSED)):
        done = ran(f"{command} {redirection}", tmp_path)
        assert (done.returncode, done.stderr) == (2, f"{said}\n")


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "0<&-", "0<&- 2>&-"])
def test_what_is_not_written_to_may_be_closed(redirection: str, tmp_path: Path) -> None:
    done = ran(f"--version {redirection}", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("cifar-tui")
    assert ran(f"runs --runs-dir nowhere {redirection}", tmp_path).returncode == 0


@pytest.mark.parametrize("redirection", ["2>&-", ">&- 2>&-", "0<&- >&- 2>&-", ">/dev/full 2>&-"])
def test_a_complaint_with_nowhere_to_go_is_an_exit_status(redirection: str, tmp_path: Path) -> None:
    for command in ("", "trian", "models --color"):
        done = ran(f"{command} {redirection}", tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


def test_a_training_outlives_its_output(tmp_path: Path) -> None:
    done = ran(f"{TRAIN} >/dev/full", tmp_path)
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1].startswith(f"{FULL}; the training went on without it")
    assert "Traceback" not in done.stderr
    assert recorded(tmp_path) == "RunEnded"


def test_no_file_of_a_training_takes_the_place_of_a_closed_descriptor(tmp_path: Path) -> None:
    assert ran(f"{TRAIN} 0<&- >&- 2>&-", tmp_path).returncode == 0
    assert recorded(tmp_path) == "RunEnded"


def recorded(folder: Path) -> object:
    """The kind of the last event; every line of the record is one."""
    (events,) = folder.glob("trained/*/events.jsonl")
    return [json.loads(line)["event"] for line in events.read_text().splitlines()][-1]
