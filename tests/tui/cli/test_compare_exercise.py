"""`train --compare-exercise`: what it queues, what it skips, and the answers at its end."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import tui.cli.train
from engine.config.spec import RunSpec
from tests.support.fake_session import FakeSession
from tests.support.screens import Running, is_open, until
from tui.__main__ import main
from tui.cli.output import print_answers
from tui.screens.answers import AnswersScreen
from tui.screens.results.screen import ResultsScreen

WriteRun = Callable[..., str]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[RunSpec]:
    """What would be trained, on a machine without weights and without a network."""
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    specs: list[RunSpec] = []

    def train(asked: Sequence[RunSpec], arguments: argparse.Namespace, **options: Any) -> int:
        assert options == {"ends_on_answers": True}
        specs.extend(asked)
        return 0

    monkeypatch.setattr(tui.cli.train, "train", train)
    return specs


def test_the_notebook_recipe_and_a_reason_for_each_that_is_skipped(
    queued: list[RunSpec], capsys: Capture
) -> None:
    words = ["train", "--compare-exercise", "--dataset", "digits", "--plain"]
    assert main([*words, "EfficientNetLite0"]) == 0
    found = [(spec.model, spec.recipe, spec.epochs) for spec in queued]
    assert found == [("CustomCNN", "notebook", 8), ("EfficientNetLite0", "notebook", 8)]
    lines = capsys.readouterr().err.splitlines()
    skipped = ("ResNet50V2", "MobileNetV2", "VGG16", "EfficientNetB0")
    assert len(lines) == 4
    for line, model in zip(lines, skipped, strict=True):
        assert line.startswith(f"cifar-tui: skipped {model}: https://")
        assert "with --weights" in line


def test_a_recipe_that_is_named_is_kept(queued: list[RunSpec]) -> None:
    words = ["--compare-exercise", "--dataset", "digits", "--weights", "none"]
    assert main(["train", *words, "--recipe", "recommended"]) == 0
    assert {spec.recipe for spec in queued} == {"recommended"}
    assert len(queued) == 5


def test_without_it_a_model_has_to_be_named(capsys: Capture) -> None:
    assert main(["train", "--plain"]) == 2
    assert capsys.readouterr().err.startswith("cifar-tui: expected MODEL, found none; ")


def test_the_answers_are_printed_within_the_width(
    write_run: WriteRun, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    shown = [
        write_run("EfficientNetLite0", test=0.9183, train_seconds=441),
        write_run("CustomCNN", test=0.7310, train_seconds=64, weights="none", image_size=32),
    ]
    write_run("CustomCNN", test=0.9900, train_seconds=1)
    print_answers(tmp_path / "runs", shown)
    out = capsys.readouterr().out
    assert "2. Which model trained faster?\n   Measured: CustomCNN trained faster: 1:04" in out
    assert "   ! The input sizes differ" in out
    assert max(map(len, out.splitlines())) <= 60


async def test_the_end_of_the_queue_opens_the_answers_over_the_ranking_once(
    session: FakeSession, running: Running
) -> None:
    async with running(session) as pilot:
        app: Any = pilot.app
        app.ends_on_answers = True
        session.alive = False
        await until(pilot, lambda: is_open(app, AnswersScreen))
        await pilot.press("escape")
        await until(pilot, lambda: not is_open(app, AnswersScreen))
        assert isinstance(app.screen, ResultsScreen)
        assert not app.ends_on_answers
