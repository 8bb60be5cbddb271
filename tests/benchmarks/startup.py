"""How long until something is seen: `python tests/benchmarks/startup.py [ROUNDS]`.

Prints the median seconds of `cifar-tui --help` and of the launcher's first frame, started cold as
a process of its own each time.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pseudo_terminal import Terminal


def help_seconds() -> float:
    """Seconds that `--help` takes."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "tui", "--help"], capture_output=True, check=True)
    return time.perf_counter() - started


def first_frame_seconds(runs_dir: str) -> float:
    """Seconds until the launcher's title is drawn."""
    terminal = Terminal([], {"CIFAR_TUI_RUNS": runs_dir})
    seconds = terminal.wait_for("New session", 30)
    terminal.press("q")
    terminal.close()
    return seconds


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as runs_dir:
        # Where there are no runs the first page is shown instead.
        (Path(runs_dir) / "any").mkdir()
        (Path(runs_dir) / "any" / "spec.json").touch()
        helps = [help_seconds() for _ in range(rounds)]
        frames = [first_frame_seconds(runs_dir) for _ in range(rounds)]
    print(f"--help       {statistics.median(helps):.2f} s, worst {max(helps):.2f} s")
    print(f"first frame  {statistics.median(frames):.2f} s, worst {max(frames):.2f} s")


if __name__ == "__main__":
    main()
