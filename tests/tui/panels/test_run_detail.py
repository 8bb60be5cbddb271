"""A run in full: its tabs, what each says, and clear words where something is not there."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from textual.app import ComposeResult
from textual.screen import Screen
from textual.style import Style
from textual.widgets import Static

from engine.analysis.predictions import Predictions, calibration, class_accuracies, confusion
from engine.analysis.predictions import worst_mistakes as worst
from engine.backbones.catalogue import find_backbone
from engine.config.planning import plan_runs, usual_run
from engine.config.settings import Keep, Options
from engine.config.spec import RunSpec
from engine.protocol.facts import DataFacts, LayerNode
from engine.runs.listing import RunRecord, load_run, load_snapshot
from engine.state.snapshot import RunSnapshot, Status
from tests.support.ensembles import write_ensemble
from tests.support.runs import RunWriter
from tests.support.screens import AnyPilot, OnScreen, until
from tui.panels.charts.curves import CurveChart
from tui.panels.layers.columns import SCALE
from tui.panels.layers.drawing import ColumnHeads
from tui.panels.run_detail.calibration import calibration_text
from tui.panels.run_detail.classes import classes_text
from tui.panels.run_detail.confusion import confusion_text
from tui.panels.run_detail.curves import curves_note
from tui.panels.run_detail.facts import facts_text
from tui.panels.run_detail.layers import EndedTree
from tui.panels.run_detail.material import Material, Outcome
from tui.panels.run_detail.mistakes import mistakes_text, tiling
from tui.panels.run_detail.palette import READABLE, Palette, contrast
from tui.panels.run_detail.panel import RunDetail
from tui.panels.run_detail.tabs import NAMES, tab_lines
from tui.panels.run_detail.times import times_text
from tui.panels.tables.runs import RunTable
from tui.screens.results.screen import ResultsScreen
from tui.settings import keys
from tui.settings.themes import DARK, LIGHT

Shown = Callable[..., AbstractAsyncContextManager[tuple[AnyPilot, RunDetail]]]
NAMES_OF_THREE = ("cat", "dog", "ship")
LABELS = [0, 0, 0, 0, 1, 1, 1, 1]
SAID = [0, 0, 0, 1, 1, 1, 0, 0]


def predictions(labels: list[int], said: list[int], classes: int = 3) -> Predictions:
    """Of what is said each a little surer than the one before."""
    probabilities = np.full((len(labels), classes), 0.0, np.float32)
    for row, (predicted, sure) in enumerate(
        zip(said, np.linspace(0.6, 0.95, len(said)), strict=True)
    ):
        probabilities[row] = (1 - sure) / (classes - 1)
        probabilities[row, predicted] = sure
    return Predictions(np.array(labels), probabilities)


def outcome(labels: list[int] = LABELS, said: list[int] = SAID, classes: int = 3) -> Outcome:
    found = predictions(labels, said, classes)
    return Outcome(
        confusion(found),
        tuple(map(float, class_accuracies(found))),
        calibration(found),
        worst(found),
        len(labels),
    )


def palette(theme: Any) -> Palette:
    return Palette.of(
        {
            "background": theme.background,
            "foreground": theme.foreground,
            "primary": theme.primary,
            "validation": theme.variables["validation"],
        }
    )


@pytest.fixture
def run(write_run: Any) -> RunRecord:
    """A tested run of three epochs, without predictions as yet."""
    return load_run(write_run.runs_dir / write_run("CustomCNN", test=0.8, epochs=3))


@pytest.fixture
def snapshot(run: RunRecord, layers: LayerNode) -> RunSnapshot:
    return replace(
        load_snapshot(run),
        data=DataFacts(640, 64, 8, NAMES_OF_THREE),
        layers=layers,
        trainable=frozenset({"predictions"}),
        trainable_parameters=1_280,
        frozen_parameters=5_000,
        stage=1,
    )


@pytest.fixture
def material(run: RunRecord, snapshot: RunSnapshot) -> Material:
    return Material(run, snapshot, outcome(), None, palette(DARK), 70, 20)


def write_predictions(run: RunRecord, found: Predictions) -> None:
    np.savez(run.directory.predictions, labels=found.labels, probabilities=found.probabilities)


# The tabs.


@pytest.mark.parametrize("width", [120, 86, 76, 56, 40, 20])
@pytest.mark.parametrize("active", NAMES)
def test_the_active_tab_is_in_sight_with_a_heavy_rule_below(width: int, active: str) -> None:
    titles, rule = tab_lines(active, width).plain.split("\n")
    assert len(titles) <= width
    start, end = rule.index("━"), rule.rindex("━") + 1
    assert titles[start:end].split()[-1][:5] in (active[:5], "matri")
    assert len(rule) == max(width, end)


@pytest.mark.parametrize("width", [120, 76, 56])
def test_all_tabs_are_in_sight_at_the_usual_sizes(width: int) -> None:
    assert len(tab_lines("curves", width).plain.split("\n")[0].split()) >= len(NAMES)


class DetailScreen(Screen[None]):
    """A run in full, alone on the screen."""

    def __init__(self, run: RunRecord, snapshot: RunSnapshot | None) -> None:
        super().__init__()
        self.detail = RunDetail(id="run-detail")
        self.detail.show(run, snapshot)

    def compose(self) -> ComposeResult:
        yield self.detail


@pytest.fixture
def shown(on_screen: OnScreen) -> Shown:
    """Opens a panel alone on a screen, a run shown before its parts are there."""

    @asynccontextmanager
    async def open_panel(
        run: RunRecord, snapshot: RunSnapshot | None, size: tuple[int, int] = (80, 24)
    ) -> AsyncIterator[tuple[AnyPilot, RunDetail]]:
        screen = DetailScreen(run, snapshot)
        async with on_screen(screen, size) as pilot:
            screen.detail.focus()
            await pilot.pause()
            yield pilot, screen.detail

    return open_panel


def text(detail: RunDetail, name: str = ".-shown .run-text") -> str:
    return "".join(str(part.render()) for part in detail.query(name).results(Static))


def pages(detail: RunDetail) -> list[str | None]:
    return [page.id for page in detail.query(".run-page") if page.display]


async def test_keys_choose_the_tabs_and_go_round(
    shown: Shown, run: RunRecord, snapshot: RunSnapshot
) -> None:
    async with shown(run, snapshot) as (pilot, detail):
        seen = [detail.tab]
        for _ in NAMES:
            await pilot.press("right")
            seen.append(detail.tab)
        assert seen == [*NAMES, NAMES[0]]
        await pilot.press("left")
        assert detail.tab == NAMES[-1]
        for number, name in enumerate(NAMES, 1):
            await pilot.press(str(number))
            assert detail.tab == name
            assert len(pages(detail)) == 1


async def test_a_run_that_came_before_its_parts_is_shown_and_one_after_them_does_no_harm(
    shown: Shown, run: RunRecord, snapshot: RunSnapshot
) -> None:
    async with shown(run, snapshot) as (pilot, detail):
        chart = detail.query_one("#run-accuracy", CurveChart)
        assert chart.data is not None
        assert len(chart.data.validation) == 3
        assert str(detail.border_title) == f"CustomCNN · {run.run_id}"
        await pilot.app.pop_screen()
        detail.show(replace(run, status="failed"), None)
        assert detail.run_id == run.run_id


async def test_facts_and_times_come_from_the_summary(
    shown: Shown, run: RunRecord, snapshot: RunSnapshot
) -> None:
    async with shown(run, snapshot, size=(120, 40)) as (pilot, detail):
        await pilot.press("2")
        for part in ("0.8000", "3.38 M", "depth 50", "141 M FLOPs per image", "0:15 in all"):
            assert part in text(detail)
        await pilot.press("7")
        assert "0:15 from start to end, of which 0:10 counted as training" in text(detail)


@pytest.mark.parametrize(
    ("state", "test", "trained"),
    [
        ("running", "not tested yet", "train now"),
        ("failed", "not tested, so not ranked", "trained at the end"),
    ],
)
def test_a_run_that_trains_is_not_spoken_of_as_ended(
    material: Material, run: RunRecord, state: Status, test: str, trained: str
) -> None:
    summary = replace(run.summary, test_accuracy=None, ranked=False)
    record = replace(run, status=state, summary=summary)
    words = facts_text(replace(material, run=record, width=120)).plain
    assert test in words
    assert trained in words


@pytest.mark.parametrize(
    ("keep", "words"),
    [
        ("last", "weights of epoch 3 of 3, the last (keep: last); best 0.7300 in epoch 2"),
        ("best", "0.7300, weights of epoch 2 of 3\n"),
    ],
)
def test_the_facts_say_why_the_last_epoch_counts_and_not_the_best(
    material: Material, run: RunRecord, keep: Keep, words: str
) -> None:
    reached: dict[str, Any] = {
        "val_accuracy": 0.7,
        "best_val_accuracy": 0.73,
        "best_epoch": 2,
        "epochs": 3,
    }
    spec = replace(run.file.spec, keep=keep)
    record = replace(
        run, summary=replace(run.summary, **reached), file=replace(run.file, spec=spec)
    )
    assert words in facts_text(replace(material, run=record, width=120)).plain


def test_keras_names_what_it_does_to_batchnorm(material: Material, run: RunRecord) -> None:
    spec = replace(run.file.spec, batchnorm="keras")
    record = replace(run, file=replace(run.file, spec=spec))
    assert (
        "BatchNorm as Keras does it" in facts_text(replace(material, run=record, width=120)).plain
    )


def test_settings_that_the_user_left_alone_are_dim(material: Material, run: RunRecord) -> None:
    def dim(spec: RunSpec) -> set[str]:
        asked = replace(run, file=replace(run.file, spec=spec))
        text = facts_text(replace(material, run=asked, usual=usual_run(spec), width=120))
        at = [(text.plain[span.start : span.end], span.style) for span in text.spans]
        names = [(words.strip(), value[1]) for (words, _), value in pairwise(at)]
        shown = {"recipe", "input", "weights", "data", "time"}
        return {name for name, style in names if name in shown and style == "$muted"}

    (usual,) = plan_runs([find_backbone("VGG16")], Options())
    assert dim(usual) == {"recipe", "input", "weights", "data"}
    assert dim(replace(usual, batch_size=32)) == {"recipe", "weights", "data"}
    (other,) = plan_runs([find_backbone("VGG16")], Options(recipe="notebook", dataset="digits"))
    assert dim(other) == {"input", "weights"}
    assert dim(replace(usual, recipe="one that was removed")) == set()


async def test_which_settings_were_left_alone_is_found_out_in_a_thread(
    shown: Shown, run: RunRecord, snapshot: RunSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    def noted(spec: RunSpec) -> RunSpec | None:
        threads.append(threading.current_thread())
        return usual_run(spec)

    monkeypatch.setattr("tui.panels.run_detail.panel.usual_run", noted)
    async with shown(run, snapshot, size=(120, 40)) as (pilot, detail):
        await pilot.press("2")
        await until(pilot, lambda: threads and detail._usual is not None)
        await pilot.press("1", "2")
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


async def test_while_the_record_is_read_the_panel_says_so(
    shown: Shown, run: RunRecord, snapshot: RunSnapshot
) -> None:
    async with shown(run, None) as (pilot, detail):
        assert text(detail, "#run-curves-note") == "reading the record…"
        detail.show(run, snapshot)
        await pilot.pause()
        assert detail.query_one("#run-charts").display
        assert text(detail, "#run-curves-note") == ""


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_titles_of_the_curves_are_never_cut(
    shown: Shown, run: RunRecord, snapshot: RunSnapshot, size: tuple[int, int]
) -> None:
    async with shown(run, snapshot, size=size) as (pilot, detail):
        title = detail.query_one("#run-accuracy-title", Static)
        await until(pilot, lambda: "★" in text(detail, "#run-accuracy-title"))
        await until(pilot, lambda: 0 < len(str(title.render())) <= title.content_size.width)
        told = str(title.render())
        assert ("best" in told) == (size[0] != 120)


# What is not there.


@pytest.mark.parametrize(
    ("status", "test", "words"),
    [
        ("interrupted", None, "this run was not tested, so there are no predictions"),
        ("completed", 0.5, "this run was tested, but predictions.npz is no longer there"),
    ],
)
async def test_without_predictions_each_of_their_tabs_says_why(
    shown: Shown, write_run: Any, status: str, test: float | None, words: str
) -> None:
    run = load_run(write_run.runs_dir / write_run(status=status, test=test, epochs=1))
    async with shown(run, load_snapshot(run)) as (pilot, detail):
        for key in ("3", "4", "5", "6"):
            await pilot.press(key)
            await until(pilot, lambda: text(detail) == words)


async def test_predictions_of_a_diverged_run_are_a_clear_line(shown: Shown, run: RunRecord) -> None:
    found = predictions(LABELS, SAID)
    found.probabilities[0] = np.nan
    write_predictions(run, found)
    async with shown(run, None) as (pilot, detail):
        await pilot.press("3")
        await until(pilot, lambda: "found NaN for 1 of 8 images" in text(detail))


def test_curves_say_how_little_there_is(write_run: Any) -> None:
    def note(epochs: int) -> str:
        return curves_note(load_snapshot(load_run(write_run.runs_dir / write_run(epochs=epochs))))

    assert note(0) == "no batch was trained, so there are no curves"
    assert note(1) == "one epoch only: its validation is a single point"
    assert note(2) == ""


def test_a_class_without_images_is_named(material: Material) -> None:
    for page in (confusion_text, classes_text):
        assert page(material, outcome()).plain.endswith("no test image of ship")


def test_without_a_mistake_the_pages_say_so(material: Material) -> None:
    perfect = outcome(LABELS, LABELS)
    assert "no mistake on the test images" in confusion_text(material, perfect).plain
    assert mistakes_text(material, perfect).plain == "no mistake on the test images"


# What the pages say.


def test_the_confusion_matrix_stands_under_its_classes(material: Material) -> None:
    lines = confusion_text(material, outcome()).plain.split("\n")
    assert lines[0].split() == ["cat", "dog", "ship"]
    assert [line.split() for line in lines[1:3]] == [
        ["cat", "3", "1", "·"],
        ["dog", "2", "2", "·"],
    ]
    assert lines[5] == "most often: dog taken for cat, 2 of 4 images"
    for name in ("cat", "dog", "ship"):
        assert lines[0].index(name) + len(name) == lines[0].index("ship") + 4 - 8 * (
            2 - NAMES_OF_THREE.index(name)
        )


@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize("right", [True, False])
def test_text_on_every_shade_can_be_read(theme: Any, right: bool) -> None:
    for percent in range(101):
        style = palette(theme).heat(percent / 100, right)
        assert style.foreground is not None
        assert style.background is not None
        assert contrast(style.foreground, style.background) >= READABLE


async def test_another_theme_colours_the_matrix_anew(
    shown: Shown, run: RunRecord, snapshot: RunSnapshot
) -> None:
    write_predictions(run, predictions(LABELS, SAID))

    def colours(detail: RunDetail) -> set[Any]:
        content: Any = detail.query_one(".-shown .run-text", Static).content
        return {s.style.background for s in content.spans if isinstance(s.style, Style)}

    async with shown(run, snapshot) as (pilot, detail):
        await pilot.press("3")
        await until(pilot, lambda: "most often" in text(detail))
        dark = colours(detail)
        assert dark
        pilot.app.theme = LIGHT.name
        await until(pilot, lambda: colours(detail).isdisjoint(dark))


LONG_NAMES = ("airplane", "automobile", "golden retriever")


def named(material: Material, width: int, height: int = 20) -> Material:
    """The same run on classes of longer names, in other room."""
    assert material.snapshot is not None
    data = replace(material.snapshot.data or DataFacts(0, 0, 0, ()), class_names=LONG_NAMES)
    snapshot = replace(material.snapshot, data=data)
    return replace(material, snapshot=snapshot, width=width, height=height)


@pytest.mark.parametrize("width", [56, 74, 114, 194])
def test_names_of_classes_are_whole_where_there_is_room(material: Material, width: int) -> None:
    found = outcome()
    images = (np.zeros((32, 32, 3), np.uint8),) * 3
    drawn = replace(named(material, width), pictures=images)
    pages = [confusion_text(drawn, found), classes_text(drawn, found), mistakes_text(drawn, found)]
    pages.append(mistakes_text(replace(drawn, pictures="not here"), found))
    for page in pages:
        table = [line for line in page.plain.split("\n") if not line.startswith(("most", "rows"))]
        assert max(map(len, table[1:])) <= width
        if width >= 74:
            assert "automobile" in page.plain
    heads = confusion_text(drawn, found).plain.split("\n")[0]
    assert ("airplane" in heads) == (width >= 56)
    if width >= 74:
        assert heads.split() == ["airplane", "automobile", "golden", "retriever"]


def test_a_head_that_is_cut_says_so(material: Material) -> None:
    heads = confusion_text(named(material, 38), outcome()).plain.split("\n")[0]
    assert heads.split() == ["airpl…", "autom…", "golde…"]


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (120, 40)])
async def test_a_page_has_no_scrollbar_with_nothing_to_scroll(
    size: tuple[int, int], shown: Shown, run: RunRecord, snapshot: RunSnapshot
) -> None:
    write_predictions(run, predictions(LABELS, SAID))
    async with shown(run, snapshot, size) as (pilot, detail):
        for number in range(1, len(NAMES) + 1):
            await pilot.press(str(number))
            await pilot.pause()
            await pilot.app.workers.wait_for_complete()
            await pilot.pause()
            for part in detail.query(".run-page"):
                assert not part.show_horizontal_scrollbar
                assert not part.show_vertical_scrollbar or part.max_scroll_y


def test_accuracy_by_class_has_best_and_worst(material: Material) -> None:
    lines = classes_text(material, outcome()).plain.split("\n")
    assert lines[0] == "best cat 0.7500   worst dog 0.5000"
    assert [line.split()[0] for line in lines[2:4]] == ["cat", "dog"]
    assert (lines[2].count("█"), lines[3].count("█")) == (31, 21)  # three quarters, a half
    assert "4 images" in lines[2]


def test_calibration_has_a_row_for_each_bin_that_holds_images(material: Material) -> None:
    found = outcome()
    lines = calibration_text(material, found).plain.split("\n")
    filled = [part for part in found.calibration.bins if part.images]
    assert lines[0].startswith(f"ECE {found.calibration.ece:.4f}, confidence is ")
    assert len(lines) == 4 + len(filled)
    assert all("│" in line for line in lines[4:])


def test_times_are_in_proportion(run: RunRecord, material: Material) -> None:
    summary = replace(run.summary, phase_seconds={"training": 8.0, "testing": 4.0})
    lines = times_text(replace(material, run=replace(run, summary=summary))).plain.split("\n")
    training, testing, rest = lines[2:5]
    assert (training.split()[0], testing.split()[0]) == ("training", "testing")
    assert (training.count("█"), testing.count("█")) == (41, 20)
    assert rest.split() == ["in", "no", "phase", *rest.split()[3:-4], "3.0", "s", "20", "%"]


# The mistakes.


@pytest.mark.parametrize(
    ("room", "across", "down", "rows"),
    [
        ((76, 18), 2, 1, 14),
        ((56, 15), 2, 1, 11),
        ((71, 52), 2, 2, 16),
        ((120, 38), 4, 2, 12),
        ((196, 58), 5, 3, 16),
        ((20, 5), 1, 1, 6),
    ],
)
def test_as_many_images_as_fit(room: tuple[int, int], across: int, down: int, rows: int) -> None:
    tiles = tiling(*room)
    assert (tiles.across, tiles.down, tiles.rows) == (across, down, rows)


def test_mistakes_are_drawn_side_by_side_with_truth_and_prediction(material: Material) -> None:
    found = outcome()
    images: tuple[NDArray[np.uint8], ...] = (np.zeros((32, 32, 3), np.uint8),) * 3
    page = mistakes_text(replace(material, pictures=images), found).plain
    lines = page.split("\n")
    assert lines[0].startswith("1–2 of the 3 most confident mistakes")
    assert lines[2].count("▀") == 2 * 32
    assert sum("▀" in line for line in lines) == 16
    truths, taken = lines[-2:]
    assert truths.split() == ["truth", "dog", "#7", "truth", "dog", "#6"]
    assert taken.split()[:3] == ["taken", "cat", "0.9500"]
    assert {len(line) for line in lines[2:]} == {2 * 32 + 3}


def test_mistakes_name_the_file_of_an_own_image(material: Material) -> None:
    found = material.tested
    assert isinstance(found, Outcome)
    files = tuple(f"cat/IMG_{i}.jpg" for i in range(found.images))
    index = found.mistakes[0].index
    for pictures in (None, "not here"):
        page = mistakes_text(replace(material, pictures=pictures), replace(found, files=files))
        assert f"IMG_{index}.jpg" in page.plain


async def test_mistakes_are_paged_through_and_their_images_read(
    shown: Shown, write_run: Any, small_cifar10: Any, tmp_path: Path
) -> None:
    data = str(small_cifar10.write_python(tmp_path))
    run = load_run(write_run.runs_dir / write_run(test=0.5, data_path=data))
    labels = small_cifar10.labels[100:].tolist()
    write_predictions(run, predictions(labels, [(label + 1) % 10 for label in labels], 10))
    async with shown(run, None) as (pilot, detail):
        await pilot.press("5")
        await until(pilot, lambda: "▀" in text(detail))
        assert "1–2 of the 20" in text(detail)
        await pilot.press("down", "down")
        assert "5–6 of the 20" in text(detail)
        await pilot.press(*["up"] * 3)
        assert "1–2 of the 20" in text(detail)


async def test_images_that_cannot_be_those_are_not_drawn(
    shown: Shown, write_run: Any, small_cifar10: Any, tmp_path: Path
) -> None:
    data = str(small_cifar10.write_python(tmp_path))
    run = load_run(write_run.runs_dir / write_run(test=0.5, data_path=data))
    write_predictions(run, predictions(LABELS, SAID))
    async with shown(run, None) as (pilot, detail):
        await pilot.press("5")
        await until(pilot, lambda: "not drawn" in text(detail))
        assert "expected the 8 images that this run was tested on, found 20" in text(detail)
        assert "class 1  taken for  class 0" in text(detail)


# The layers.


async def test_the_layers_stand_as_they_ended(
    shown: Shown, run: RunRecord, snapshot: RunSnapshot
) -> None:
    async with shown(run, snapshot) as (pilot, detail):
        await pilot.press("8")
        await pilot.pause()
        note = text(detail, "#run-layers-note")
        assert note.startswith("1.28 K of 6.28 K parameters train")
        assert note.endswith(" · bar: moved in the last epoch")
        heads = str(detail.query_one(ColumnHeads).render())
        assert heads.split() == ["layer", "kind", "output", "params", "state", "moved", SCALE]
        tree = detail.query_one(EndedTree)
        rows = [node.data for node in tree.root.children]
        assert [row.title for row in rows if row] == ["backbone", "head"]
        assert [tree.state_of(row).now for row in rows if row] == ["frozen", "trains"]
        await pilot.press("u")
        assert not tree.root.children[0].is_expanded
        await pilot.press("down")
        assert tree.cursor_line == 1


def test_every_key_of_the_panel_has_an_action() -> None:
    for key in keys.keys_of("detail"):
        name = key.action.partition("(")[0]
        assert hasattr(RunDetail, f"action_{name}"), key


async def test_a_number_on_the_results_opens_that_tab_of_the_run(
    run: RunRecord, on_screen: OnScreen
) -> None:
    screen = ResultsScreen(run.directory.path.parent)
    async with on_screen(screen) as pilot:
        await until(pilot, lambda: screen.current_run == run.run_id)
        detail = screen.query_one(RunDetail)
        await pilot.press("7")
        await until(pilot, lambda: detail.has_focus and "from start to end" in text(detail))
        assert detail.tab == "times"
        await pilot.press("escape")
        await until(pilot, lambda: screen.query_one(RunTable).has_focus)


# More classes than fit.


def hundred(material: Material, **changes: Any) -> tuple[Material, Outcome]:
    labels = list(range(100))
    tested = outcome(labels, [*labels[1:], 0], classes=100)
    names = tuple(f"kind-{i}" for i in range(100))
    assert material.snapshot is not None
    snapshot = replace(material.snapshot, data=DataFacts(640, 64, 100, names))
    return replace(material, snapshot=snapshot, tested=tested, **changes), tested


def test_of_many_classes_the_part_that_fits_is_drawn_beside_its_names(material: Material) -> None:
    lines = confusion_text(*hundred(material)).plain.split("\n")
    # 70 cells hold the names in 7, a blank, and 15 numbers of 4; 20 lines leave 15 rows
    assert lines[0].split() == ["kin"] * 15
    assert [line.split()[0] for line in lines[1:16]] == [f"kind-{i}" for i in range(15)]
    assert "rows 1–15, columns 1–15 of 100 classes" in lines[17]
    lines = confusion_text(*hundred(material, corner=(40, 990))).plain.split("\n")
    assert [line.split()[0] for line in lines[1:16]] == [f"kind-{i}" for i in range(40, 55)]
    assert "rows 41–55, columns 86–100 of 100 classes" in lines[17]
    assert max(len(line) for line in lines[:17]) <= 70


async def test_the_arrows_move_over_a_large_matrix(
    shown: Shown, run: RunRecord, snapshot: RunSnapshot
) -> None:
    labels = list(range(100))
    write_predictions(run, predictions(labels, [*labels[1:], 0], classes=100))
    async with shown(run, snapshot) as (pilot, detail):
        await pilot.press("3")
        await until(pilot, lambda: "rows 1–" in text(detail))
        await pilot.press("j", "shift+right")
        await until(pilot, lambda: re.search(r"rows [2-9].*columns [2-9]", text(detail)))
        await pilot.press(*["down"] * 20)
        await until(pilot, lambda: "–100, columns" in text(detail))
        await pilot.press(*["k"] * 30, *["shift+left"] * 30)
        await until(pilot, lambda: re.search(r"rows 1–.*columns 1–", text(detail)))


async def test_every_page_shows_a_run_that_combines_others(
    shown: Shown, write_run: RunWriter
) -> None:
    run = write_ensemble(write_run)
    ensemble = run.file.spec.ensemble
    assert ensemble is not None
    found = predictions(LABELS, SAID)
    np.savez(run.directory.predictions, labels=found.labels, probabilities=found.probabilities)
    async with shown(run, load_snapshot(run), size=(120, 40)) as (pilot, detail):
        for number in range(1, len(NAMES) + 1):
            await pilot.press(str(number))
            await until(pilot, lambda: "reading" not in text(detail))
        await pilot.press("2")
        for part in (
            "probabilities of 2 runs averaged",
            *(f"{run_id} (50 %)" for run_id in ensemble.run_ids),
            "left-out",
            "0.9600, on 130 images that no member trained on",
            "0:20 of training",
        ):
            assert part in " ".join(text(detail).split())
        assert "epoch" not in text(detail)
