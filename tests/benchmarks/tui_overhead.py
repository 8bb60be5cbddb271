"""What the screen costs the training: `python tests/benchmarks/tui_overhead.py DATA [ROUNDS]`.

Trains the same short run with `--plain` and under the screen in a pseudo-terminal of 120×40, in
turn, and prints the images per second of each and their ratio. DATA is a folder with CIFAR-10.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pseudo_terminal import Terminal

RUN = ["train", "EfficientNetLite0", "--recipe", "notebook", "--epochs", "2,1"]
RUN += ["--train-limit", "4000"]


def images_per_second(runs_dir: Path) -> float:
    """Of the one run in a folder, as its summary has it."""
    (summary,) = runs_dir.glob("*/summary.json")
    return float(json.loads(summary.read_text())["images_per_second"])


def plain(arguments: list[str], runs_dir: Path) -> float:
    """Train with `--plain`."""
    subprocess.run(
        [sys.executable, "-m", "tui", *arguments, "--plain"], capture_output=True, check=True
    )
    return images_per_second(runs_dir)


def under_the_screen(arguments: list[str], runs_dir: Path) -> tuple[float, float]:
    """Train under the screen; also the bytes a second it drew."""
    terminal = Terminal(arguments)
    while not list(runs_dir.glob("*/summary.json")):
        terminal.read(0.5)
    rate = terminal.bytes_drawn / (time.perf_counter() - terminal.started_at)
    # Before this is said a key to leave would ask first.
    terminal.wait_for("The queue has ended", 3600)
    terminal.press("q")
    terminal.close()
    return images_per_second(runs_dir), rate


def main() -> None:
    """Measure in turn and print."""
    data, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
    plains, screens = [], []
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
            arguments = [*RUN, "--data", data, "--runs-dir"]
            plains.append(plain([*arguments, one], Path(one)))
            screen, drawn = under_the_screen([*arguments, two], Path(two))
            screens.append(screen)
        print(
            f"round {number + 1}: plain {plains[-1]:.0f}, screen {screens[-1]:.0f} images/s", end=""
        )
        print(f", {drawn / 1024:.1f} KB/s drawn", flush=True)
    ratio = statistics.median(screens) / statistics.median(plains)
    print(f"screen / plain, medians of {rounds}: {ratio:.3f}")


if __name__ == "__main__":
    main()
