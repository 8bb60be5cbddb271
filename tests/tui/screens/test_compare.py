"""Runs side by side: curves that need no colour, differing settings, classes, and chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from engine.runs.listing import RunRecord, load_run
from tests.support.screens import AnyPilot, OnScreen, text_of, until
from tui.panels.charts.overlay import LETTERS, OverlayChart, dotted
from tui.panels.comparison import Comparison, read_predictions, read_records
from tui.panels.comparison_text import (
    chance_text,
    classes_text,
    legend,
    overlay,
    settings_text,
)
from tui.screens.compare import CompareScreen

MakeRun = Callable[..., RunRecord]
IMAGES = 40


@pytest.fixture
def make_run(write_run: Any) -> MakeRun:
    """Writes a run that got the first `right` of 40 images of two classes right."""

    def make(model: str, right: int | None = None, **asked: Any) -> RunRecord:
        test = None if right is None else right / IMAGES
        run = load_run(write_run.runs_dir / write_run(model, test=test, epochs=3, **asked))
        if right is not None:
            labels = np.arange(IMAGES) % 2
            said = np.where(np.arange(IMAGES) < right, labels, 1 - labels)
            probabilities = np.full((IMAGES, 2), 0.1, np.float32)
            probabilities[np.arange(IMAGES), said] = 0.9
            np.savez(run.directory.predictions, labels=labels, probabilities=probabilities)
        return run

    return make


def compare(runs: Sequence[RunRecord]) -> Comparison:
    return read_predictions(read_records(runs))


@pytest.fixture
def three(make_run: MakeRun) -> Comparison:
    """A worse run, the best one, and one that was not tested."""
    return compare(
        [
            make_run("CustomCNN", 20, seed=1),
            make_run("EfficientNetLite0", 36, image_size=128),
            make_run("VGG16", status="interrupted"),
        ]
    )


def test_the_best_run_comes_first_and_is_held_against_the_others(three: Comparison) -> None:
    assert [run.name for run in three.runs] == ["A EfficientNetLite0", "B CustomCNN", "C VGG16"]
    chance = chance_text(three).plain
    # 16 images that only one got right: twice 2⁻¹⁶, as none is only the other's.
    assert "only A EfficientNetLite0 was right on 16 and only B CustomCNN on 0" in chance
    assert "is statistically significant (McNemar's test, p < 0.001)" in chance
    assert "C VGG16 is left out: it has no test predictions." in chance


def test_until_the_predictions_are_read_their_tables_say_so(make_run: MakeRun) -> None:
    found = read_records([make_run("CustomCNN", 20), make_run("VGG16", 30)])
    assert chance_text(found).plain == classes_text(found, 60).plain == "reading the predictions…"
    assert "model" in settings_text(found, 60).plain


def test_other_test_images_are_not_compared(make_run: MakeRun) -> None:
    one, other = make_run("CustomCNN", 30), make_run("VGG16", 20)
    np.savez(
        other.directory.predictions,
        labels=np.zeros(IMAGES, np.int64),
        probabilities=np.full((IMAGES, 2), 0.5, np.float32),
    )
    assert "expected two runs tested on the same images" in chance_text(compare([one, other])).plain


def test_classes_stand_side_by_side(three: Comparison) -> None:
    lines = classes_text(three, 60).plain.split("\n")
    assert lines[0].split() == ["A", "B", "C"]
    assert lines[1].split() == ["class", "0", "0.9000", "0.5000", "–"]
    assert len(lines) == 3


def test_the_classes_of_other_data_are_not_shown_under_the_names_of_these(
    make_run: MakeRun,
) -> None:
    found = compare([make_run("CustomCNN", 30), make_run("VGG16", 20, dataset="digits")])
    lines = classes_text(found, 60).plain.split("\n")
    assert lines[1].split() == ["class", "0", "0.7500", "–"]


def test_without_any_predictions_the_tables_say_so(make_run: MakeRun) -> None:
    found = compare([make_run("CustomCNN"), make_run("VGG16")])
    assert "no run here was tested" in classes_text(found, 60).plain
    assert chance_text(found).plain.count("is left out") == 2


@pytest.mark.parametrize("width", [110, 55, 36])
def test_only_settings_that_differ_are_named(three: Comparison, width: int) -> None:
    lines = settings_text(three, width).plain.split("\n")
    names = [line[:12].strip() for line in lines if line[:12].strip()]
    assert names == ["model", "image size", "seed"]
    assert all(len(line) <= width for line in lines)
    for value in ("EfficientNetLite0", "CustomCNN", "VGG16"):
        assert any(value in line for line in lines)


def test_values_that_take_room_stand_once_for_all_that_share_them(make_run: MakeRun) -> None:
    found = compare([make_run("EfficientNetLite0"), make_run("CustomCNN"), make_run("CustomCNN")])
    assert [line.split() for line in settings_text(found, 30).plain.split("\n")] == [
        ["model", "A", "EfficientNetLite0"],
        ["BC", "CustomCNN"],
    ]


def test_runs_of_the_same_settings_say_so(make_run: MakeRun) -> None:
    found = compare([make_run("CustomCNN", 20), make_run("CustomCNN", 30)])
    assert settings_text(found, 60).plain == "none: all runs have the same settings"


def test_curves_are_over_epochs_or_minutes(three: Comparison) -> None:
    by_epoch, by_time = overlay(three, by_time=False), overlay(three, by_time=True)
    assert (by_epoch.x_title, by_time.x_title) == ("epoch", "min")
    assert [x for x, _ in by_epoch.curves[0]] == [1, 2, 3]
    assert [y for _, y in by_epoch.curves[0]] == pytest.approx([0.4, 0.7, 0.8])
    minutes = [x for x, _ in by_time.curves[0]]
    assert minutes == sorted(minutes)
    assert 0 < minutes[0] < minutes[-1] < 1


def test_strokes_differ_in_the_dots_they_leave_out() -> None:
    line = [(0.0, 0.0), (6.0, 0.0)]
    solid, every_third = list(dotted(line, (1,))), list(dotted(line, (1, 0, 0)))
    assert [x for x, _ in solid] == [dot / 2 for dot in range(12)]
    assert every_third == solid[::3]


def test_the_legend_drops_what_does_not_fit(three: Comparison) -> None:
    for width in (100, 60, 44):
        lines = legend(three, width).plain.split("\n")
        assert [line[0] for line in lines] == list("ABC")
        assert max(map(len, lines)) <= max(width, 50)
        assert "test 0." in lines[0]
        assert ("seed" in lines[0]) == (width == 100)


def text(pilot: AnyPilot, name: str) -> str:
    return text_of(pilot.app, f"#compare-{name}")


def chart(pilot: AnyPilot) -> str:
    found = pilot.app.screen.query_one(OverlayChart)
    return "\n".join(found.render_line(y).text for y in range(found.size.height))


async def test_letters_mark_the_curves_and_a_key_changes_the_axis(
    make_run: MakeRun, on_screen: OnScreen
) -> None:
    runs = [make_run("CustomCNN", 20), make_run("VGG16", 30, status="stopped")]
    async with on_screen(CompareScreen(tuple(runs)), (120, 40)) as pilot:
        await until(pilot, lambda: "A" in chart(pilot))
        assert "epoch" in chart(pilot)
        await pilot.press("x")
        await until(pilot, lambda: "min" in chart(pilot))
        assert "is statistically significant (McNemar's test, p = 0.002)" in text(pilot, "chance")
        assert text(pilot, "settings").split()[:2] == ["A", "B"]


async def test_of_seven_runs_six_are_shown_and_it_says_so(
    make_run: MakeRun, on_screen: OnScreen
) -> None:
    runs = [make_run("CustomCNN", 20 + seed, seed=seed) for seed in range(7)]
    async with on_screen(CompareScreen(tuple(runs)), (80, 24)) as pilot:
        await until(pilot, lambda: text(pilot, "legend").startswith("A"))
        assert "1 more were marked: six fit" in text(pilot, "head")
        for width, height in ((80, 24), (40, 12), (200, 60)):
            await pilot.resize_terminal(width, height)
            letters = [line[0] for line in text(pilot, "legend").split("\n")]
            assert letters == list(LETTERS)
            await pilot.press("x", "down", "end")
            assert pilot.app.export_screenshot()
