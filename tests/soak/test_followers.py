"""8 screens watch one training while processes send it 1,000 commands; it hardly notices.

By hand: `pytest tests/soak/test_followers.py -s`; some minutes on two cores. `ROUNDS`, `FOLLOWERS`
and `COMMANDS` make it shorter or longer. What counts is the CPU time of the trainer's process, not
the time on the clock, which eight more processes on two cores must cost.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from engine.protocol.commands import Resume, Stop
from engine.protocol.events import (
    CommandAccepted,
    CommandRejected,
    EpochEnded,
    Event,
    RunEnded,
    RunStarted,
)
from engine.runs.reading import RecordReader
from engine.sessions.attached import append_command

FOLLOWERS = int(os.environ.get("FOLLOWERS", "8"))
COMMANDS = int(os.environ.get("COMMANDS", "1000"))
ROUNDS = int(os.environ.get("ROUNDS", "12"))
SENDERS = 4
EPOCHS_EACH = 2
"""Of a window in which CPU time is measured."""
MOST = 1.03
SECONDS = 300
TRAIN = ["train", "CustomCNN", "--dataset", "digits", "--recipe", "notebook", "--epochs", "1000"]
TRAIN += ["--batch-size", "16", "--train-limit", "700"]
MODES = {"watched": "", "refusing": "refused", "obeying": "light"}
"""What is sent while all watch, 4 commands a second; the last are rates and pauses, carried out."""
HERE = Path(__file__).parent


def python(*arguments: object, **more: int) -> subprocess.Popen[str]:
    command = [sys.executable, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": "."}
    return subprocess.Popen(command, env=environment, text=True, **more)  # type: ignore[call-overload,no-any-return]


@contextmanager
def ended(*processes: subprocess.Popen[str]) -> Iterator[None]:
    """See to it that none is left, and that a stopped one goes too."""
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


@dataclass
class Meter:
    """CPU time that the trainer's process takes for an epoch."""

    process: psutil.Process
    reader: RecordReader
    steps: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    is_over: bool = False

    def until(self, kind: type[Event]) -> float:
        """CPU seconds of the process when its record has the next event of a kind."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            events = self.reader.read()
            seconds = sum(self.process.cpu_times()[:2]) if not self.is_over else 0.0
            for event in events:
                self.take(event)
            if any(isinstance(event, kind) for event in events):
                return seconds
            time.sleep(0.005)
        raise AssertionError(f"no {kind.__name__} within {SECONDS} s")

    def take(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self.steps = event.steps_per_epoch
        elif isinstance(event, (CommandAccepted, CommandRejected)):
            self.answered[event.command.id] += 1
        self.is_over = self.is_over or isinstance(event, RunEnded)

    def window(self) -> tuple[float, int]:
        """CPU seconds a batch over some epochs, and the commands answered in them."""
        before, began = self.answered.total(), self.until(EpochEnded)
        for _ in range(EPOCHS_EACH):
            now = self.until(EpochEnded)
        return (now - began) / EPOCHS_EACH / self.steps, self.answered.total() - before


def signalled(processes: list[subprocess.Popen[str]], number: signal.Signals) -> None:
    for process in processes:
        process.send_signal(number)


Window = tuple[float, int, float]
"""CPU seconds a batch; commands answered; how often the CPU of the windows before and after."""


def measured(
    meter: Meter, run: Path, followers: list[subprocess.Popen[str]]
) -> dict[str, list[Window]]:
    """The windows of each mode in turn, each between two in which nobody watches."""
    figures: dict[str, list[Window]] = {mode: [] for mode in MODES}
    signalled(followers, signal.SIGSTOP)
    meter.until(EpochEnded)  # what the record holds by now
    before, _ = meter.window()
    for number in range(ROUNDS):
        for mode, kind in MODES.items():
            signalled(followers, signal.SIGCONT)
            seed = f"{mode}{number}"
            sender = [python(HERE / "commander.py", run, kind, 10**6, 4, seed)] if kind else []
            with ended(*sender):
                cpu, commands = meter.window()
            append_command(run / "commands.jsonl", Resume())
            signalled(followers, signal.SIGSTOP)
            after, _ = meter.window()
            figures[mode].append((cpu, commands, 2 * cpu / (before + after)))
            before = after
    signalled(followers, signal.SIGCONT)
    return figures


def printed(figures: dict[str, list[Window]], steps: int) -> dict[str, float]:
    """Print the medians; gives how often the CPU time of nobody watching each mode takes."""
    more = {mode: statistics.median(w[2] for w in each) for mode, each in figures.items()}
    print(f"\nCPU a batch of the trainer, {FOLLOWERS} followers, medians of {ROUNDS}:")
    for mode, windows in figures.items():
        cpu = statistics.median(window[0] for window in windows)
        commands = sum(window[1] for window in windows)
        spread = sorted(window[2] for window in windows)
        low, high = spread[len(spread) // 4], spread[-1 - len(spread) // 4]
        print(f"{mode:10}{1e3 * cpu:8.2f} ms {100 * (more[mode] - 1):+7.2f} %", end="")
        print(f" (quartiles {100 * (low - 1):+.1f}, {100 * (high - 1):+.1f})", end="")
        if commands:
            extra = cpu * (1 - 1 / more[mode]) * steps * EPOCHS_EACH * ROUNDS / commands
            print(f", {commands} commands, {1e3 * extra:.1f} ms each", end="")
        print()
    return more


def command_ids(run: Path) -> list[str]:
    lines = (run / "commands.jsonl").read_text().splitlines()
    return [json.loads(line)["id"] for line in lines if line]


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A training in a process of its own; its run has begun."""
    process = python("-m", "tui", *TRAIN, "--plain", "--runs-dir", tmp_path, stdout=-3, stderr=-3)
    with ended(process):
        deadline = time.monotonic() + SECONDS
        while not list(tmp_path.glob("*/metrics.csv")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield process


def test_all_are_answered_and_the_trainer_hardly_notices(
    tmp_path: Path, trainer: subprocess.Popen[str]
) -> None:
    (run,) = tmp_path.iterdir()
    followers = [python(HERE / "follower.py", run, stdout=-1) for _ in range(FOLLOWERS)]
    with ended(*followers):
        for follower in followers:
            assert follower.stdout is not None
            assert follower.stdout.readline() == "caught up\n"
        meter = Meter(psutil.Process(trainer.pid), RecordReader(run / "events.jsonl"))
        more = printed(measured(meter, run, followers), meter.steps)
        all_kinds(run, meter)
        said = [follower.communicate(timeout=SECONDS)[0] for follower in followers]
    with suppress(subprocess.TimeoutExpired):
        assert trainer.wait(SECONDS) == 130
    sent = command_ids(run)
    assert len(sent) >= COMMANDS
    print(f"{len(sent):,} commands sent, {len(meter.answered):,} answered")
    assert meter.answered == Counter(sent)
    seen = [json.loads(lines.splitlines()[-1]) for lines in said]
    assert len({told["state"] for told in seen}) == 1
    for told in seen:
        assert Counter(told["answers"]) == Counter(sent)
    assert more["watched"] < MOST
    assert more["refusing"] < MOST


def all_kinds(run: Path, meter: Meter) -> None:
    """Send what is missing of the commands from some processes at once, then stop the run."""
    each = -(-COMMANDS // SENDERS)
    senders = [python(HERE / "commander.py", run, "all", each, 8, f"s{i}") for i in range(SENDERS)]
    with ended(*senders):
        assert [sender.wait(SECONDS) for sender in senders] == [0] * SENDERS
    append_command(run / "commands.jsonl", Resume())
    for _ in range(2):
        # What waits for an epoch's end is done then; a Stop would have it taken back.
        meter.until(EpochEnded)
    append_command(run / "commands.jsonl", Stop(when="epoch"))
    meter.until(RunEnded)
