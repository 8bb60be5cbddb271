"""Print how soon a command has its effect, and how late the screen's event loop is meanwhile.

    python tests/benchmarks/responsiveness.py [--model EfficientNetLite0] [--data PATH]

Fine-tunes the last 30 layers under the real screen, without a terminal. Commands that need no new
trace (a learning rate, a pause, a resume, a checkpoint) are sent at random moments, validation
included; the delay runs from the request to the event that reports its effect. The event loop's lag
is by how much a sleep of 10 ms overruns meanwhile. Beside them: the time of one batch.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.backbones.catalogue import find_backbone
from engine.config.planning import plan_runs
from engine.config.settings import Options
from engine.config.spec import RunSpec
from engine.protocol.commands import Command, Pause, Resume, SaveCheckpoint, SetLearningRate, Stop
from engine.protocol.events import (
    BatchEnded,
    CheckpointSaved,
    Event,
    LearningRateChanged,
    PhaseChanged,
)
from engine.sessions.local import Session
from tui.app import CifarApp
from tui.session.source import Source

ROUNDS = 25
NAP = 0.01


class Watch:
    """A sink that notes when what is waited for is said."""

    def __init__(self) -> None:
        self.batches: list[tuple[float, BatchEnded]] = []
        self._matches: Callable[[Event], bool] = lambda event: False
        self._seen_at: float | None = None

    def __call__(self, index: int, run_id: str, event: Event) -> None:
        """Take an event on the trainer's thread."""
        at = time.perf_counter()
        if isinstance(event, BatchEnded):
            self.batches.append((at, event))
        if self._seen_at is None and self._matches(event):
            self._seen_at = at

    async def effect(self, send: Callable[[], None], matches: Callable[[Event], bool]) -> float:
        """Seconds from a request to the event that reports its effect."""
        self._matches, self._seen_at = matches, None
        began = time.perf_counter()
        send()
        while self._seen_at is None:
            await asyncio.sleep(0.001)
        return self._seen_at - began


def requests(number: int) -> list[tuple[str, Command, Callable[[Event], bool]]]:
    """One round: each command and what reports its effect."""
    rate = 1e-4 * (1 + number % 2)
    return [
        (
            "rate",
            SetLearningRate(value=rate),
            lambda e: isinstance(e, LearningRateChanged) and e.learning_rate == rate,
        ),
        ("pause", Pause(), lambda e: isinstance(e, PhaseChanged) and e.phase == "paused"),
        ("resume", Resume(), lambda e: isinstance(e, PhaseChanged) and e.phase != "paused"),
        ("checkpoint", SaveCheckpoint(), lambda e: isinstance(e, CheckpointSaved)),
    ]


async def measure(specs: Sequence[RunSpec], runs: Path) -> tuple[Watch, dict[str, list[float]]]:
    """Train under the screen and time the commands."""
    watch, session = Watch(), Session(specs, runs)
    session.add_sink(watch)
    delays: dict[str, list[float]] = {"lag": []}
    source = Source(session, lambda specs: Session(specs, runs))
    app = CifarApp(source, runs_dir=runs)
    async with app.run_test(size=(120, 40)):
        while not watch.batches or watch.batches[-1][1].epoch < 3:
            await asyncio.sleep(0.05)
        lag = asyncio.create_task(note_lag(delays["lag"]))
        for number in range(ROUNDS):
            for name, command, matches in requests(number):
                await asyncio.sleep(random.uniform(0.05, 0.5))
                send = lambda command=command: app.request(command)  # noqa: E731
                delays.setdefault(name, []).append(await watch.effect(send, matches))
        lag.cancel()
        session.send(Stop(when="now"))
        while session.is_alive:
            await asyncio.sleep(0.05)
    return watch, delays


async def note_lag(into: list[float]) -> None:
    """Note by how much short sleeps overrun, until cancelled."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(NAP)
        into.append(time.perf_counter() - began - NAP)


def main() -> None:
    """Train, command, print medians and 99th percentiles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="EfficientNetLite0")
    parser.add_argument("--data", default=None)
    parser.add_argument("--train-limit", type=int, default=2_000)
    asked = parser.parse_args()
    options = Options(
        recipe="notebook",
        dataset="cifar10" if asked.data else "digits",
        data_path=asked.data,
        train_limit=asked.train_limit if asked.data else None,
        epochs=(1, 1_000),
        learning_rates=(1e-3, 1e-4),
    )
    specs = plan_runs([find_backbone(asked.model)], options)
    with tempfile.TemporaryDirectory() as folder:
        watch, delays = asyncio.run(measure(specs, Path(folder)))
    steps = [
        (later - earlier) / event.batches
        for (earlier, _), (later, event) in zip(watch.batches, watch.batches[1:], strict=False)
    ]
    print(f"{'':12}{'median':>10}{'p99':>10}   milliseconds")
    print(f"{'batch':12}{1e3 * statistics.median(steps):10.1f}")
    for name, seconds in delays.items():
        worst = statistics.quantiles(seconds, n=100)[98]
        print(f"{name:12}{1e3 * statistics.median(seconds):10.1f}{1e3 * worst:10.1f}")


if __name__ == "__main__":
    main()
