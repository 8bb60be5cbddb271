"""Which epoch's weights are kept."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from engine.config.settings import Keep
from engine.config.spec import RunSpec
from engine.protocol.events import EpochEnded, TestEnded
from engine.ranking.row import ranking_row
from engine.runs.directory import RunDirectory, SpecFile
from engine.runs.listing import RunRecord
from engine.runs.notes import Notes
from engine.runs.summary import Summary, summarize
from engine.state.kept_epoch import best_epoch, first_of_highest_accuracy, is_better, kept_epoch
from tests.support.run_events import epoch_ended, play


def epochs(*validations: tuple[float, float]) -> list[EpochEnded]:
    """Accuracy and loss on the validation images, an epoch each."""
    return [
        replace(epoch_ended(number, 1, accuracy, 100.0 + number), val_loss=loss)
        for number, (accuracy, loss) in enumerate(validations, 1)
    ]


TIES = epochs((0.75, 0.9), (1.0, 0.5), (1.0, 0.2), (1.0, 0.2), (0.75, 0.1))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (epochs(), None),
        (epochs((0.5, 1.0), (0.6, 2.0)), 2),
        (TIES, 3),
        (epochs((math.nan, 0.1), (0.5, 0.9), (math.nan, 0.1)), 2),
        (epochs((0.5, math.nan), (0.5, 0.9)), 1),
        (epochs((math.nan, 0.1)), None),
    ],
)
def test_the_best_has_the_highest_accuracy_then_the_lowest_loss_and_is_the_earliest(
    found: list[EpochEnded], expected: int | None
) -> None:
    best = best_epoch(found)
    assert (best and best.epoch) == expected


def test_what_earlier_versions_kept_is_the_first_of_the_highest_accuracy() -> None:
    first = first_of_highest_accuracy(TIES)
    assert first is not None
    assert first.epoch == 2


def test_without_a_best_epoch_the_last_one_is_kept() -> None:
    unscored = epochs((math.nan, 1.0), (math.nan, 1.0))
    assert kept_epoch(unscored, "best") is kept_epoch(unscored, "last") is unscored[-1]


def test_any_accuracy_is_better_than_none() -> None:
    assert is_better(0.0, math.nan, math.nan, math.nan)
    assert not is_better(math.nan, 0.0, 0.5, 1.0)


@pytest.mark.parametrize(("keep", "kept"), [("best", 3), ("last", 5)])
def test_a_run_shows_the_validation_of_the_weights_it_exports(
    spec: RunSpec, keep: Keep, kept: int
) -> None:
    run = play(
        replace(spec, keep=keep), [*TIES, TestEnded(loss=1, accuracy=0.8, images=9, epoch=kept)]
    )
    assert run.kept_epoch == kept
    assert run.best_epoch == 3
    summary = summarize(run)
    shown = TIES[kept - 1]
    assert (summary.val_accuracy, summary.val_loss) == (shown.val_accuracy, shown.val_loss)
    assert (summary.kept_epoch, summary.epochs) == (kept, 5)


def test_a_record_of_before_shows_what_it_exported(spec: RunSpec) -> None:
    test = TestEnded(loss=1, accuracy=0.8, images=9)
    run = play(replace(spec, keep="best"), [*TIES, test])
    assert run.kept_epoch == run.best_epoch == 2
    assert play(replace(spec, keep="last"), [*TIES, test]).kept_epoch == 5


def test_a_summary_of_before_is_ranked_by_what_it_exported(spec_file: SpecFile) -> None:
    old = Summary("completed", val_accuracy=0.75, best_val_accuracy=0.8125, best_epoch=2, epochs=3)
    rows = []
    for keep in ("best", "last"):
        file = replace(spec_file, spec=replace(spec_file.spec, keep=keep))
        run = RunRecord(RunDirectory(Path("run")), file, "completed", old)
        rows.append(ranking_row(run, Notes()))
    assert [(row["val_accuracy"], row["kept_epoch"]) for row in rows] == [(0.8125, 2), (0.75, 3)]
