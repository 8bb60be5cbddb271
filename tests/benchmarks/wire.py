"""What the screen sends over the wire: `python tests/benchmarks/wire.py [SECONDS] [DATA]`.

Trains in a pseudo-terminal of 120×40 and prints the bytes a second that it draws while training,
paused, and in the launcher. Then a terminal that takes 56 kbit/s, 200 ms away: the time until keys
answer, the bytes that come until then, and how fast it trains. DATA is a folder with CIFAR-10;
without it the training is CustomCNN on digits.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from pseudo_terminal import Terminal

SECONDS = 30.0
START_SECONDS = 180.0
BYTES_A_SECOND = 56_000 / 8
ROUND_TRIP_SECONDS = 0.2
SLICE_SECONDS = 0.05
KEYS = (
    ("pause", "z", "‖ paused", True),
    ("go on", "z", "‖ paused", False),
    ("all keys", "?", "finds an action by name", True),
    ("close", "\x1b", "finds an action by name", False),
)
"""Pressed in turn: a name, the key, and words that come to the screen or leave it."""
DIGITS = ["train", "CustomCNN", "--dataset", "digits", "--recipe", "notebook", "--epochs", "5000"]
IMAGES = ["train", "EfficientNetLite0", "--recipe", "notebook", "--epochs", "1,500"]


def arguments(runs_dir: Path) -> list[str]:
    """A training that outlasts every measurement."""
    if len(sys.argv) > 2:
        return [
            *IMAGES,
            "--data",
            sys.argv[2],
            "--train-limit",
            "4000",
            "--runs-dir",
            str(runs_dir),
        ]
    return [*DIGITS, "--runs-dir", str(runs_dir)]


def in_training(runs_dir: Path) -> Terminal:
    """The screen of a training in its third epoch."""
    terminal = Terminal(arguments(runs_dir))
    while rate(runs_dir, epoch=2) is None:
        if time.perf_counter() - terminal.started_at > START_SECONDS:
            raise TimeoutError(f"no second epoch within {START_SECONDS:.0f} s")
        terminal.read(SLICE_SECONDS)
    return terminal


def rate(runs_dir: Path, *, epoch: int = 0) -> float | None:
    """Images a second, the median of the last epochs; None before `epoch` has ended."""
    rates = []
    for path in runs_dir.glob("*/events.jsonl"):
        for line in path.read_text().splitlines()[-400:]:
            event = json.loads(line) if line.endswith("}") else {}
            if event.get("event") == "EpochEnded" and event["epoch"] >= epoch:
                rates.append(event["images_per_second"])
    return statistics.median(rates[-20:]) if rates else None


def drawn(terminal: Terminal, seconds: float) -> float:
    """Bytes a second that are drawn from now on."""
    before, began = terminal.bytes_drawn, time.perf_counter()
    while time.perf_counter() - began < seconds:
        terminal.read(SLICE_SECONDS)
    return (terminal.bytes_drawn - before) / seconds


def leave(terminal: Terminal) -> None:
    """End the training at once."""
    terminal.press("q")
    drawn(terminal, 1.0)
    terminal.press("n")
    terminal.close()


def bytes_a_second(seconds: float) -> None:
    """Measure and print the three screens."""
    with tempfile.TemporaryDirectory() as folder:
        terminal = in_training(Path(folder))
        training = drawn(terminal, seconds)
        terminal.press("z")
        drawn(terminal, 3.0)
        paused = drawn(terminal, seconds / 2)
        leave(terminal)
        launcher = Terminal([], {"CIFAR_TUI_RUNS": folder})
        launcher.wait_for("New session", START_SECONDS)
        drawn(launcher, 5.0)
        idle = drawn(launcher, seconds / 2)
        launcher.press("q")
        launcher.close()
    print(
        f"any line       training {training / 1e3:.1f} KB/s, paused {paused / 1e3:.2f} KB/s, "
        f"launcher {idle / 1e3:.2f} KB/s",
        flush=True,
    )


def over_a_thin_line(seconds: float) -> None:
    """Measure and print what a slow link does to keys and to the training."""
    waits: dict[str, list[tuple[float, int]]] = {name: [] for name, *_ in KEYS}
    with tempfile.TemporaryDirectory() as folder:
        terminal = in_training(Path(folder))
        drawn(terminal, seconds)
        free = rate(Path(folder)) or 0.0
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            for name, key, words, comes in KEYS:
                waits[name].append(answer(terminal, key, words, comes))
                trickle(terminal, 2.0)
        trickle(terminal, seconds)
        thin = rate(Path(folder)) or 0.0
        leave(terminal)
    answers = ", ".join(
        f"{name} {statistics.median(seconds for seconds, _ in found):.2f} s "
        f"(worst {max(found)[0]:.2f}) {statistics.median(size for _, size in found):.0f} bytes"
        for name, found in waits.items()
    )
    print(f"56 kbit/s      {answers}", flush=True)
    print(f"               training {thin:,.0f} images/s, before it {free:,.0f}", flush=True)


def answer(terminal: Terminal, key: str, words: str, comes: bool) -> tuple[float, int]:
    """Seconds from a key until words are there, or gone, with the way there and back; and bytes."""
    before, began = terminal.bytes_drawn, time.perf_counter()
    trickle(terminal, ROUND_TRIP_SECONDS / 2)
    terminal.press(key)
    while terminal.shows(words) != comes:
        if time.perf_counter() - began > START_SECONDS:
            raise TimeoutError(f"{key!r} was not answered within {START_SECONDS:.0f} s")
        trickle(terminal, SLICE_SECONDS)
    seconds = time.perf_counter() - began + ROUND_TRIP_SECONDS / 2
    return seconds, terminal.bytes_drawn - before


def trickle(terminal: Terminal, seconds: float) -> None:
    """Take no more than the link does."""
    began = time.perf_counter()
    while (now := time.perf_counter()) - began < seconds:
        terminal.read(SLICE_SECONDS, most=int(BYTES_A_SECOND * SLICE_SECONDS))
        time.sleep(max(SLICE_SECONDS - (time.perf_counter() - now), 0.0))


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    bytes_a_second(seconds)
    over_a_thin_line(seconds)


if __name__ == "__main__":
    main()
