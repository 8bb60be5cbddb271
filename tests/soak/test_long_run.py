"""Hundreds of epochs under the screen: memory stays flat, the screen stays prompt.

By hand: `EPOCHS=500 pytest tests/soak/test_long_run.py -s`; some minutes on two cores. The lag is
that of a machine with nothing else to do: `MOST_LAG_MS` raises what is allowed on a busy one.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from pseudo_terminal import Terminal

PROGRAM = Path(__file__).with_name("long_run.py")
EPOCHS = int(os.environ.get("EPOCHS", "500"))
MOST_LAG_MS = float(os.environ.get("MOST_LAG_MS", "50"))
SETTLED_EPOCH = min(50, EPOCHS // 4)
"""By then all that is made once is made."""
PARTS = 10
"""Into which the training is cut, to see whether its end is as prompt as its beginning."""


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[list[float]]]:
    """What the program noted: `lags` (second, late, CPU), `memory` (second, epoch, bytes)."""
    folder = tmp_path_factory.mktemp("long")
    into = folder / "figures.json"
    arguments = [str(EPOCHS), str(folder), str(into)]
    terminal = Terminal(arguments, {"PYTHONPATH": "."}, program=[str(PROGRAM)])
    began = time.monotonic()
    assert terminal.close() == 0, terminal.drawn.decode(errors="replace")
    (summary,) = folder.glob("*/summary.json")
    assert json.loads(summary.read_text())["status"] == "completed"
    print(f"\n{EPOCHS} epochs in {time.monotonic() - began:.0f} s, ", end="")
    print(f"{terminal.bytes_drawn / 1e6:.1f} MB drawn")
    noted: dict[str, list[list[float]]] = json.loads(into.read_text())
    return noted


def percentile_99(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


def test_memory_stays_flat(figures: dict[str, list[list[float]]]) -> None:
    megabytes = {int(epoch): rss / 1e6 for _, epoch, rss in figures["memory"]}
    assert len(megabytes) == EPOCHS
    window = range(SETTLED_EPOCH, 2 * SETTLED_EPOCH)
    settled = statistics.median(megabytes[epoch] for epoch in window)
    last = statistics.median(megabytes[EPOCHS - i] for i in range(SETTLED_EPOCH // 2))
    shown = sorted({1, SETTLED_EPOCH, *range(EPOCHS // 5, EPOCHS + 1, EPOCHS // 5)})
    print("\nMB at epoch " + ", ".join(f"{epoch}: {megabytes[epoch]:.0f}" for epoch in shown))
    print(f"from epoch {SETTLED_EPOCH} on to the end: {100 * (last / settled - 1):+.2f} %")
    assert last <= 1.05 * settled
    assert max(megabytes[epoch] for epoch in range(SETTLED_EPOCH, EPOCHS + 1)) <= 1.05 * settled


def test_the_screen_stays_prompt(figures: dict[str, list[list[float]]]) -> None:
    first, last = figures["memory"][0][0], figures["memory"][-1][0]
    naps = [nap for nap in figures["lags"] if first <= nap[0] <= last]
    late, own = (parted(naps, column, first, last) for column in (1, 2))
    every = [1e3 * nap[1] for nap in naps]
    print(f"\nlag of the event loop: median {statistics.median(every):.1f} ms, ", end="")
    print(f"p99 {percentile_99(every):.1f} ms, most {max(every):.0f} ms of {len(every):,} naps")
    print("p99 of each tenth: " + ", ".join(f"{value:.1f}" for value in late))
    print("of the loop's own CPU time: " + ", ".join(f"{value:.1f}" for value in own))
    assert max(late) < MOST_LAG_MS


def parted(naps: list[list[float]], column: int, first: float, last: float) -> list[float]:
    """The 99th percentile of each part of the training, ms."""
    parts: list[list[float]] = [[] for _ in range(PARTS)]
    for nap in naps:
        place = int(PARTS * (nap[0] - first) / (last - first))
        parts[min(place, PARTS - 1)].append(1e3 * nap[column])
    return [percentile_99(part) for part in parts]
