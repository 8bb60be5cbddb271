"""How long many runs take to rank: `python tests/benchmarks/ranking_scale.py [RUNS] [ROUNDS]`.

Writes run directories into a temporary folder, then prints the seconds of `cifar-tui rank` as a
process of its own, without an index and with one; of the results screen from its key to its first
frame and to its table; and of sorting.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pseudo_terminal import Terminal

from engine.common.codec import to_plain
from engine.config.recipe import NOTEBOOK
from engine.config.spec import RunSpec
from engine.machine.provenance import Origin
from engine.ranking.index import INDEX_NAME, SETTLED_SECONDS, ranking_rows
from engine.runs.directory import RunDirectory, SpecFile
from engine.runs.summary import Summary

RUNS, ROUNDS = 10_000, 5
BROKEN_EACH = 1_000
"""Of so many folders one cannot be read."""
MODELS = ("EfficientNetLite0", "CustomCNN", "ResNet50V2", "MobileNetV2", "VGG16")
ORIGIN = Origin("elsewhere", 1, "tensorflow", {"keras": "3.11.3"}, None)
CREATED_AT = 1_700_000_000.0
Seconds = tuple[float, float]
"""By the clock, and of the processor."""


def write_runs(runs_dir: Path, count: int) -> None:
    """Write that many folders as a trainer leaves them, but for their large files."""
    rng = random.Random(0)
    for number in range(count):
        model = rng.choice(MODELS)
        directory = RunDirectory(runs_dir / f"20240101-{number:06}-{model.lower()}")
        directory.path.mkdir()
        spec = RunSpec(model=model, dataset="cifar10", stages=NOTEBOOK.stages, image_size=96)
        write_plainly(directory.spec, SpecFile(spec, (model,), 0, CREATED_AT + number, ORIGIN))
        write_plainly(directory.summary, summary(rng))
        if number % BROKEN_EACH == 0:
            directory.summary.write_text("{")


def write_plainly(path: Path, value: object) -> None:
    """What `write_json` writes, without waiting for the disk."""
    path.write_text(json.dumps(to_plain(value), indent=1, allow_nan=False) + "\n")


def summary(rng: random.Random) -> Summary:
    """A run of eight epochs with figures of its own."""
    accuracy, seconds = rng.uniform(0.5, 0.95), rng.uniform(60, 900)
    epochs = range(1, NOTEBOOK.stages[0].epochs + NOTEBOOK.stages[1].epochs + 1)
    curve = tuple((seconds * i / len(epochs), accuracy * (1 - 0.3 / i)) for i in epochs)
    phases = ("loading", "extracting", "tracing", "training", "validating", "testing", "saving")
    return Summary(
        status="completed",
        ranked=True,
        test_accuracy=accuracy,
        test_loss=1 - accuracy,
        test_images=10_000,
        val_accuracy=accuracy - 0.01,
        train_seconds=seconds,
        wall_seconds=seconds + 40,
        phase_seconds={phase: seconds / len(phases) for phase in phases},
        parameters=3_425_834,
        trainable_parameters=1_964_938,
        depth=50,
        flops=141_052_864,
        epochs=len(epochs),
        images_per_second=rng.uniform(100, 3_000),
        device="cpu:0",
        stages=("head 5 ep", "last 30 layers 3 ep"),
        curve=curve,
        peak_memory_bytes=2 * 10**9,
    )


def rank_seconds(runs_dir: Path, *options: str) -> Seconds:
    """Seconds of `cifar-tui rank`, from the process's start to its end, and of its processor."""
    command = [sys.executable, "-m", "tui", "rank", "--runs-dir", str(runs_dir), *options]
    started, computed = time.perf_counter(), children_seconds()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - started, children_seconds() - computed


def children_seconds() -> float:
    """Seconds that processors spent on the processes started from here."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def cold_seconds(runs_dir: Path) -> Seconds:
    """The same without an index."""
    (runs_dir / INDEX_NAME).unlink(missing_ok=True)
    return rank_seconds(runs_dir)


def screen_seconds(runs_dir: Path) -> tuple[Seconds, Seconds]:
    """Seconds from the key that opens the results screen, pressed as soon as there is a launcher.

    Until its first frame, and until its table with the verdict is drawn. The processor's are those
    of the whole process, the launcher before it included.
    """
    computed = children_seconds()
    terminal = Terminal([], {"CIFAR_TUI_RUNS": str(runs_dir)})
    opened_at = terminal.wait_for("New session", 60)
    terminal.press("r")
    frame = terminal.wait_for("reading runs", 60) - opened_at
    table = terminal.wait_for("most accurate", 60) - opened_at
    terminal.press("q")
    terminal.close()
    computed = children_seconds() - computed
    return (frame, computed), (table, computed)


def sorting_seconds(runs_dir: Path) -> dict[str, float]:
    """Seconds of putting the rows into another order, by what does it."""
    from engine.ranking.table import rank_rows, sort_ranking

    rows = ranking_rows(runs_dir).rows
    frame = rank_rows(rows)
    return {
        "rank rows": timed(lambda: rank_rows(rows)),
        "sort by time": timed(lambda: sort_ranking(frame, "wall_seconds")),
        "sort by model": timed(lambda: sort_ranking(frame, "model")),
    }


def timed(work: Callable[[], object]) -> float:
    """The median of five."""
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        runs_dir = Path(folder)
        write_runs(runs_dir, count)
        time.sleep(SETTLED_SECONDS)
        report("rank, no index", [cold_seconds(runs_dir) for _ in range(min(rounds, 3))])
        report("rank, index", [rank_seconds(runs_dir) for _ in range(rounds)])
        report("rank --json", [rank_seconds(runs_dir, "--json") for _ in range(rounds)])
        frames, tables = zip(*(screen_seconds(runs_dir) for _ in range(rounds)), strict=True)
        report("results, frame", frames)
        report("results, table", tables)
        for what, seconds in sorting_seconds(runs_dir).items():
            print(f"{what:<16}{seconds * 1000:.0f} ms")


def report(what: str, measured: Sequence[Seconds]) -> None:
    """Print medians and the worst; on a busy machine the processor's seconds are what to read."""
    seconds, computed = zip(*measured, strict=True)
    print(
        f"{what:<16}{statistics.median(seconds):.2f} s, worst {max(seconds):.2f} s, "
        f"processor {statistics.median(computed):.2f} s",
        flush=True,
    )


if __name__ == "__main__":
    main()
