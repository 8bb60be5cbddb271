"""The head of the training screen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.content import Content

from engine.protocol.events import PhaseProgressed, TestEnded
from engine.state.series import Curve
from engine.state.snapshot import RunSnapshot
from tui.panels.progress import (
    bar,
    bars_line,
    phase_words,
    shares_done,
    status_line,
    title_line,
)
from tui.session.view import SessionView

WIDTHS = (60, 80, 120, 200)


@pytest.fixture
def training(run: RunSnapshot) -> RunSnapshot:
    """The second epoch of the second stage: the seventh of eight."""
    return replace(
        run,
        status="running",
        started_at=1_000.0,
        phase="training",
        phase_since=1_290.0,
        stage=2,
        epoch=7,
        epochs=8,
        step=412,
        steps=704,
        learning_rate=1e-5,
        images_per_second=612.4,
        eta_seconds=192.0,
    )


def test_status_line_tells_everything_that_matters(training: RunSnapshot) -> None:
    line = status_line(training, 1_297.0, 140).plain
    for words in (
        "● training",
        "stage 2/2 fine-tune",
        "epoch 2/3",
        "batch 412/704",
        "rate 1.0e-05",
        "ETA  3:12",
        "elapsed  4:57",
        "612 img/s",
    ):
        assert words in line


@pytest.mark.parametrize("width", WIDTHS)
def test_every_line_is_exactly_as_wide_as_the_screen(training: RunSnapshot, width: int) -> None:
    view = SessionView((training, training))
    assert title_line(view, width).cell_length == width
    assert status_line(training, 1_297.0, width).cell_length == width
    assert bars_line(training, width).cell_length <= width


def test_the_least_important_fields_go_first(training: RunSnapshot) -> None:
    line = status_line(training, 1_297.0, 60).plain
    assert "training" in line
    assert "ETA" in line
    assert "rate" not in line


def test_the_stage_outlives_its_name(training: RunSnapshot) -> None:
    assert "stage 2/2 fine-tune" in status_line(training, 1_297.0, 120).plain
    assert "stage 2/2   epoch" in status_line(training, 1_297.0, 80).plain


def test_accuracy_and_loss_are_told_where_no_chart_does(
    training: RunSnapshot, events: dict[str, Any]
) -> None:
    assert "loss" not in status_line(training, 1_297.0, 80).plain
    curve = Curve(((6.5, 0.41234),), ())
    began = replace(training, accuracy=curve, loss=replace(curve, full=((6.5, 1.872),)))
    ended = replace(began, ended_epochs=(events["epoch_end"](6, 0.6751),))
    tested = replace(ended, test=TestEnded(loss=0.301, accuracy=0.9183, images=9))
    for run, words in (
        (began, "train 0.412 · loss 1.87"),
        (ended, "val 0.675 · loss 0.90"),
        (tested, "test 0.918 · loss 0.30"),
    ):
        for width in (60, 80, 120):
            line = status_line(run, 1_297.0, width, with_scores=True).plain
            assert words in line
            assert "ETA" in line
    assert "loss" not in status_line(training, 1_297.0, 80, with_scores=True).plain


def test_numbers_do_not_move_their_neighbours(training: RunSnapshot) -> None:
    early = status_line(replace(training, step=1, eta_seconds=59.0), 1_297.0, 140).plain
    late = status_line(replace(training, step=704, eta_seconds=600.0), 1_297.0, 140).plain
    for word in ("batch", "rate", "ETA", "elapsed", "img/s"):
        assert early.index(word) == late.index(word)


@pytest.mark.parametrize(
    ("phase", "detail", "progress", "words"),
    [
        ("queued", "", None, "starting"),
        ("loading", "TensorFlow", None, "loading TensorFlow"),
        ("downloading", "", (12 * 2**20, 90 * 2**20, "bytes"), "downloading 12/90 MB"),
        ("downloading", "", (12 * 2**20, None, "bytes"), "downloading 12.0 MB"),
        ("extracting", "", (41_200, 60_000, "images"), "extracting 41,200/60,000 images"),
        ("tracing", "batch 64", None, "tracing batch 64"),
        ("training", "batch 64", None, "training"),
        ("validating", "", (3_200, 5_000, "images"), "validating 3,200/5,000"),
        ("testing", "", None, "testing"),
        ("paused", "", None, "paused"),
        ("saving", "", None, "saving"),
    ],
)
def test_every_phase_has_its_words(
    run: RunSnapshot, phase: Any, detail: str, progress: Any, words: str
) -> None:
    done = (
        PhaseProgressed(done=progress[0], total=progress[1], unit=progress[2]) if progress else None
    )
    now = replace(run, status="running", phase=phase, phase_detail=detail, phase_progress=done)
    assert phase_words(now) == words
    assert words in status_line(now, 0.0, 120).plain


def test_a_phase_without_numbers_shows_that_it_lives(run: RunSnapshot) -> None:
    loading = replace(run, status="running", started_at=0.0, phase="loading", phase_since=0.0)
    moments = {status_line(loading, at / 4, 120).plain for at in range(8)}
    assert len(moments) == 8
    assert "0:04" in status_line(loading, 4.0, 120).plain


@pytest.mark.parametrize("status", ["completed", "stopped", "failed"])
def test_the_end_is_named(training: RunSnapshot, status: Any) -> None:
    assert status in status_line(replace(training, status=status), 1_297.0, 120).plain


def test_shares_of_epoch_stage_and_run(training: RunSnapshot) -> None:
    half = shares_done(replace(training, step=352))
    assert half == (0.5, 0.5, 6.5 / 8)
    assert shares_done(replace(training, status="completed"))[-1] == 1.0
    assert shares_done(replace(training, epoch=0))[-1] == 0.0


def test_the_first_bar_is_that_of_the_phase_at_work(training: RunSnapshot) -> None:
    progress = PhaseProgressed(done=1, total=4, unit="images")
    line = bars_line(replace(training, phase="validating", phase_progress=progress), 120).plain
    assert line.split()[0] == "validating"
    assert " 25 %" in line


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "━━━━"), (0.125, "╸━━━"), (0.5, "━━━━"), (2.0, "━━━━")]
)
def test_bar_keeps_its_length(share: float, text: str) -> None:
    assert bar(share, 4).plain == text


def test_an_extraction_tells_its_own_pace_and_not_that_of_training(training: RunSnapshot) -> None:
    extracting = replace(
        training,
        phase="extracting",
        phase_progress=PhaseProgressed(done=12_480, total=60_000, unit="images"),
        phase_units_per_second=1_104.0,
        phase_seconds_left=43.0,
    )
    line = status_line(extracting, 1_297.0, 120).plain
    assert "extracting 12,480/60,000 images  1,104 img/s  0:43 left" in line
    assert "612" not in line
    assert "batch" not in line
    narrow = status_line(extracting, 1_297.0, 80).plain
    assert "1,104 img/s  0:43 left" in narrow
    assert "ETA  3:12" in narrow
    early = replace(extracting, phase_units_per_second=None, phase_seconds_left=None)
    assert "12,480/60,000 images  0:07" in status_line(early, 1_297.0, 120).plain
    assert "612 img/s" in status_line(replace(extracting, status="stopped"), 1_297.0, 140).plain


def test_a_rate_that_was_asked_for_shows_until_it_is_confirmed(training: RunSnapshot) -> None:
    asked = replace(training, learning_rate=1e-3, pending_learning_rate=1.778e-3)
    for width in (80, 120, 200):
        assert "rate 1.0e-03 → 1.8e-03" in status_line(asked, 1_297.0, width).plain
    confirmed = status_line(replace(asked, pending_learning_rate=None), 1_297.0, 140).plain
    assert "rate 1.0e-03" in confirmed
    assert "→" not in confirmed
    assert "→" not in status_line(replace(asked, status="stopped"), 1_297.0, 140).plain


def patience_of(run: RunSnapshot, patience: int | None, without_gain: int) -> Content:
    spec = replace(run.spec, patience=patience)
    return status_line(replace(run, spec=spec, epochs_without_gain=without_gain), 1_297.0, 160)


def test_patience_is_shown_where_it_is_set(training: RunSnapshot) -> None:
    assert "patience" not in patience_of(training, None, 0).plain
    assert "patience 0/5" in patience_of(training, 5, 0).plain
    assert "patience 2/5" in patience_of(training, 5, 2).plain


@pytest.mark.parametrize(
    ("patience", "without_gain", "warns"),
    [(5, 0, False), (5, 3, False), (5, 4, True), (5, 5, True), (1, 0, False), (1, 1, True)],
)
def test_patience_warns_at_its_last_epoch(
    training: RunSnapshot, patience: int, without_gain: int, warns: bool
) -> None:
    line = patience_of(training, patience, without_gain)
    text = f"{without_gain}/{patience}"
    start = line.plain.index(text, line.plain.index("patience"))
    styles = [span.style for span in line.spans if span.start == start]
    assert styles == (["$warning"] if warns else ["$foreground"])
