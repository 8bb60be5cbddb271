"""How long until something is seen: `python tests/benchmarks/startup.py [ROUNDS]`.

Prints the median seconds of `cifar-tui --help` and of the first frame, started cold as a process of
its own each time: the launcher's, that of the first page in a folder without runs, and the
launcher's again, on a terminal that does not answer what it is asked.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pseudo_terminal import Terminal


def help_seconds() -> float:
    """Seconds that `--help` takes."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "tui", "--help"], capture_output=True, check=True)
    return time.perf_counter() - started


def first_frame_seconds(
    runs_dir: Path, title: str = "New session", *, answers: bool = True
) -> float:
    """Seconds until a title is drawn."""
    terminal = Terminal([], {"CIFAR_TUI_RUNS": str(runs_dir)}, answers=answers)
    seconds = terminal.wait_for(title, 30)
    terminal.press("q")
    terminal.close()
    return seconds


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        empty, runs_dir = Path(folder) / "empty", Path(folder) / "runs"
        (runs_dir / "any").mkdir(parents=True)
        (runs_dir / "any" / "spec.json").touch()
        figures: dict[str, Callable[[], float]] = {
            "--help": help_seconds,
            "first frame": lambda: first_frame_seconds(runs_dir),
            "of the first page": lambda: first_frame_seconds(empty, "Train neural networks"),
            "unanswered": lambda: first_frame_seconds(runs_dir, answers=False),
        }
        for name, measure in figures.items():
            found = [measure() for _ in range(rounds)]
            print(f"{name:<17}  {statistics.median(found):.2f} s, worst {max(found):.2f} s")


if __name__ == "__main__":
    main()
