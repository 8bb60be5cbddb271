"""What the results screen says around its table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tui.screens.results.ranking import Ranking
from tui.screens.results.texts import count_words, head_line, note_text, verdict_text

FOLDER = Path("runs")
ROW = {"run_id": "a", "dataset": "cifar10", "differs": ""}


def test_an_empty_folder_is_named() -> None:
    assert note_text(Ranking(), FOLDER).startswith("No runs in runs yet.")
    assert note_text(Ranking([ROW]), FOLDER) == ""


def test_of_many_broken_directories_some_are_named() -> None:
    broken = tuple(f"torn-{number}: expected an object" for number in range(10))
    few = note_text(Ranking([ROW], broken=broken[:1]), FOLDER)
    assert few == "left out, as they cannot be read: torn-0"
    assert note_text(Ranking([ROW], broken=("a:b: expected an object",)), FOLDER).endswith(": a:b")
    assert note_text(Ranking([ROW], broken=broken), FOLDER).endswith(
        "torn-7 and 2 more (`cifar-tui rank` names all)"
    )


@pytest.mark.parametrize(
    ("total", "shown", "by_model", "words"),
    [
        (1, 1, False, "1 run"),
        (10_000, 10_000, False, "10,000 runs"),
        (14, 3, True, "3 of 14 runs by model"),
    ],
)
def test_how_many_runs(total: int, shown: int, by_model: bool, words: str) -> None:
    assert count_words(total, shown, by_model=by_model) == words


def test_the_verdict_breaks_between_its_parts() -> None:
    ranking = Ranking([ROW, ROW | {"differs": "64 px"}], notes=["★ best: A", "⚡ fastest: B"])
    assert verdict_text(ranking, (), 200).count("\n") == 0
    assert verdict_text(ranking, (), 200).endswith("w why")
    lines = verdict_text(ranking, ("a", "b"), 24).splitlines()
    assert lines[0] == "★ best: A · ⚡ fastest: B"
    assert lines[1].startswith("≠ ")
    assert verdict_text(Ranking(), (), 80) == ""


@pytest.mark.parametrize("width", [20, 80, 200])
def test_the_head_has_the_width_of_the_screen(width: int) -> None:
    words: dict[str, Any] = {"count": "2 runs", "wanted": "acc>0.9", "marked": 2, "order": "wall ▴"}
    line = head_line(Ranking([ROW]), FOLDER, **words, width=width)
    assert line.cell_length == width
    assert line.plain.strip().startswith("Results")
    if width == 200:
        for part in ("2 runs", "/ acc>0.9", "CIFAR-10", "2 marked, c compares", "sorted by wall ▴"):
            assert part in line.plain
    assert head_line(None, FOLDER, **words, width=width).plain.strip() == "Results"
