"""The card about the network under the cursor."""

from __future__ import annotations

from typing import Any

import pytest

from engine.backbones.catalogue import CATALOGUE, find_backbone
from tests.support.launcher import Launcher
from tests.support.screens import shows, until
from tui.app import CifarApp
from tui.panels.network_card import NetworkCard, OwnRuns, card_text, own_runs

NOON = 1_700_000_000.0  # 2023-11-14, whatever the time zone
ROW = {"image_size": 96, "flops": 1.42e9, "seconds": 720.0, "weights": "to download (95 MB)"}


def row(model: str, dataset: str, best: float | None, created_at: float = NOON) -> dict[str, Any]:
    return {
        "model": model,
        "dataset": dataset,
        "test_accuracy": best,
        "created_at": created_at,
    }


def test_a_network_is_told_with_its_family_and_what_it_costs_here() -> None:
    text = card_text(find_backbone("ResNet50"), ROW, None).plain
    for words in (
        "ResNet · 2015",
        "Each block adds its input to its output",
        "It is built of 16, 33 or 50 bottlenecks",
        "parameters  23.6 M without the head",
        "depth       50 layers",
        "FLOPs       1.42 G at 96 px",
        "ImageNet    74.9 % top-1",
        "weights     to download (95 MB)",
        "time here   ~12 min with these options",
    ):
        assert words in text, words


def test_what_is_not_known_is_not_made_up() -> None:
    asked = {"image_size": None, "flops": None, "seconds": None, "weights": ""}
    text = card_text(find_backbone("CustomCNN"), asked, ()).plain
    assert "FLOPs       not with these options" in text
    assert "your runs   none yet" in text
    assert "None" not in text


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_figures_are_wrapped_under_themselves(entry: Any) -> None:
    runs = [OwnRuns("digits", 12, 0.5, NOON)]
    lines = card_text(entry, ROW, runs, width=36).plain.partition("parameters")[2].splitlines()
    assert all(len(line) <= 36 for line in lines[1:])
    assert lines[-1].startswith(" " * 12)


def test_runs_are_grouped_by_model_and_data_set() -> None:
    found = own_runs(
        [
            row("ResNet50", "digits", None, NOON + 1),
            row("ResNet50", "cifar10", 0.91),
            row("ResNet50", "cifar10", 0.93),
            row("VGG16", "cifar10", None),
            row("VGG16", "cifar10", None),
        ]
    )
    assert [own.text for own in found["ResNet50"]] == [
        "handwritten digits: 1 run, not tested, 2023-11-14",
        "CIFAR-10: best 0.9300 of 2, last on 2023-11-14",
    ]
    assert [own.text for own in found["VGG16"]] == [
        "CIFAR-10: 2 runs, none tested, last on 2023-11-14"
    ]


async def test_the_card_follows_the_cursor_and_the_options(
    launcher: Launcher, write_run: Any, launcher_app: CifarApp
) -> None:
    write_run("CustomCNN", test=0.7310)
    launcher_app.runs_dir = write_run.runs_dir
    async with launcher((200, 60)) as page:
        await until(page.pilot, lambda: shows(page.pilot, "EfficientNet-Lite · 2020"))
        page.field("image_size").value = "64"
        await until(page.pilot, lambda: shows(page.pilot, " at 64 px"))
        await page.pilot.press("down")
        await until(page.pilot, lambda: shows(page.pilot, "A small network without pretrained"))
        await until(page.pilot, lambda: shows(page.pilot, "CIFAR-10: 0.7310 on"))


async def test_without_room_for_the_card_the_idea_stands_below_the_options(
    launcher: Launcher,
) -> None:
    async with launcher((120, 40)) as page:
        await until(page.pilot, lambda: shows(page.pilot, "EfficientNetLite0 · 2020"))
        await page.pilot.press("tab")
        await until(page.pilot, lambda: not shows(page.pilot, "EfficientNetLite0 · 2020"))
        await page.pilot.press("escape", "down")
        await until(page.pilot, lambda: shows(page.pilot, "pretraining is worth."))


async def test_runs_are_read_only_where_the_card_is_seen(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[object] = []

    def note(runs_dir: object) -> dict[str, list[OwnRuns]]:
        read.append(runs_dir)
        return {"EfficientNetLite0": [OwnRuns("cifar10", 1, 0.5, NOON)]}

    monkeypatch.setattr("tui.screens.launcher.screen.read_own_runs", note)
    async with launcher((120, 40)) as page:
        card = page.app.screen.query_one(NetworkCard)
        assert not card.display
        assert read == []
        await page.pilot.resize_terminal(200, 60)
        await until(page.pilot, lambda: shows(page.pilot, "CIFAR-10: 0.5000 on"))
        assert len(read) == 1
