"""What the results screen says around its table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tui.screens.results.ranking import Ranking
from tui.screens.results.texts import count_words, head_line, legend_line, note_text

FOLDER = Path("runs")
ROW: dict[str, Any] = {
    "run_id": "a",
    "dataset": "cifar10",
    "differs": "",
    "status": "completed",
    "ranked": True,
    "val_accuracy": 0.5,
    "validation": 0.1,
    "test_time_flip": False,
}


def test_an_empty_folder_is_named() -> None:
    assert note_text(Ranking(), FOLDER).startswith("No runs in the folder runs yet.")
    assert note_text(Ranking(), FOLDER, offers=False) == "No runs in the folder runs yet."
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


def test_the_legend_is_one_line_that_says_each_thing_once() -> None:
    apart = [ROW | {"run_id": str(number), "differs": f"{number} px"} for number in range(8)]
    ranking = Ranking([ROW, *apart], {"a": "★⚡"})
    line = legend_line(ranking.rows, ranking.marks, 78).plain
    assert line == "★ most accurate · ⚡ fastest · ≠ 8 runs: other input size · w why"
    one = legend_line([ROW, apart[0]], {"a": "★"}, 78)
    assert one.plain == "★ most accurate · ≠ 1 run: other input size · w why"
    assert legend_line([ROW], {}, 78).plain == ""


def test_the_legend_is_of_the_runs_that_are_shown() -> None:
    apart = [ROW | {"run_id": "b", "differs": "64 px"}, ROW | {"run_id": "c", "differs": "digits"}]
    assert legend_line(apart[:1], {"a": "★"}, 78).plain == "≠ 1 run: other input size · w why"
    assert legend_line((), {"a": "★"}, 78).plain == ""


@pytest.mark.parametrize(
    ("differs", "words"),
    [
        (["64 px"], "≠ 1 run: other input size"),
        (["digits", "1,000 training images"], "≠ 2 runs: other data"),
        (["digits, 64 px"], "≠ 1 run: other data or input size"),
        (["digits", "64 px"], "≠ 2 runs: other data or input size"),
    ],
)
def test_the_legend_says_what_differs_here(differs: list[str], words: str) -> None:
    rows = [ROW | {"run_id": text, "differs": text} for text in differs]
    assert legend_line(rows, {}, 78).plain == words


def test_the_legend_explains_mirror_images_where_they_had_a_part() -> None:
    rows = [ROW, ROW | {"run_id": "b", "test_time_flip": True}]
    assert legend_line(rows, {}, 78).plain == "‡ tested with mirror images"


@pytest.mark.parametrize("width", [12, 40, 60, 78, 120, 200])
def test_in_little_room_the_legend_leaves_out_what_surprises_least(width: int) -> None:
    running = ROW | {"run_id": "b", "status": "running", "ranked": False, "differs": "64 px"}
    ranking = Ranking([ROW | {"validation": "test"}, running], {"a": "★⚡"})
    line = legend_line(ranking.rows, ranking.marks, width)
    assert line.cell_length <= width
    assert "w why" in line.plain
    assert ("≠" in line.plain) == (width >= 40)
    assert ("~ so far" in line.plain) == (width >= 78)
    assert ("† validated on the test split" in line.plain) == (width >= 120)


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
