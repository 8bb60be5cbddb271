"""Records of earlier versions open in ranking, attach, replay and resume."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.analysis.test_images import read_test_images
from engine.backbones.catalogue import find_backbone
from engine.config.recipe_store import read_recipe
from engine.config.spec import RunSpec
from engine.datasets.image_file import decode_image
from engine.datasets.image_folder import list_folder
from engine.datasets.sample_ranges import by_largest_sample
from engine.model.build import build_classifier
from engine.protocol.events import EpochEnded, Event, RunEnded, RunStarted
from engine.ranking.table import rank_runs
from engine.runs.listing import RunRecord, list_runs, load_run, load_snapshot, read_events
from engine.runs.reading import recorded_data
from engine.runs.resume import find_unfinished
from engine.sessions.attached import AttachedSession
from engine.sessions.local import Session
from engine.sessions.replay import ReplaySession
from engine.tools.predict import Predictor

GOLDEN = Path(__file__).parents[1] / "golden"
RECORDED_AT = "/tmp/golden"
"""Where the own images lay."""
QUEUE_FIRST, QUEUE_SECOND = "20261129-234803-customcnn", "20261129-234816-customcnn"
BEST = "20261129-234738-efficientnetlite0"
KILLED = "20261129-234821-customcnn"
SHAPES, DEEP = "20261129-234834-customcnn", "20261129-234841-customcnn"
FAILED = "20261129-234905-customcnn"
STATES = {
    BEST: "completed",
    QUEUE_FIRST: "completed",
    QUEUE_SECOND: "stopped",
    KILLED: "interrupted",
    SHAPES: "completed",
    DEEP: "stopped",
    FAILED: "failed",
}
RANKED = {BEST, QUEUE_FIRST, QUEUE_SECOND, SHAPES}


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    """A copy of the runs, whose own images lie where the copy says."""
    runs = tmp_path / "runs"
    shutil.copytree(GOLDEN / "runs", runs)
    for path in (*runs.glob("*/spec.json"), *runs.glob("*/events.jsonl")):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(RECORDED_AT, str(GOLDEN / "images")), encoding="utf-8")
    return runs


class Heard:
    """A sink that keeps the events of each run."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Event]] = []

    def __call__(self, index: int, run_id: str, event: Event) -> None:
        self.events.append((run_id, event))

    def of(self, kind: type[Event], run_id: str) -> list[Any]:
        return [event for run, event in self.events if run == run_id and type(event) is kind]


def test_they_stay_small() -> None:
    assert sum(path.stat().st_size for path in GOLDEN.rglob("*") if path.is_file()) < 1e6


def test_all_are_listed_and_ranked(golden: Path) -> None:
    listing = list_runs(golden)
    assert listing.broken == ()
    assert {run.run_id: run.state for run in listing.runs} == STATES
    rows = {row["run_id"]: row for row in rank_runs(listing).rows}
    assert {run_id for run_id, row in rows.items() if row["ranked"]} == RANKED
    assert list(rows)[:2] == [SHAPES, QUEUE_FIRST]
    failed = rows[FAILED]
    assert "expected readable test images" in failed["error"]


@pytest.mark.parametrize("run_id", STATES)
def test_each_is_attached_to_and_replayed_as_it_was(golden: Path, run_id: str) -> None:
    record = load_run(golden / run_id)
    told = [type(event) for event in read_events(record.directory)]
    sessions: tuple[Callable[[], AttachedSession | ReplaySession], ...] = (
        lambda: AttachedSession(record),
        lambda: ReplaySession(record, 10_000),
    )
    for make in sessions:
        session, heard = make(), Heard()
        session.add_sink(heard)
        session.start()
        assert session.join(30)
        session.close()
        ended = heard.of(RunEnded, run_id)
        assert [event.status for event in ended] == [STATES[run_id]]
        for kind in (RunStarted, EpochEnded):
            assert len(heard.of(kind, run_id)) == told.count(kind)
    snapshot = load_snapshot(record)
    assert len(snapshot.ended_epochs) == told.count(EpochEnded)


def resumed(runs: Path, run: RunRecord) -> tuple[int, Heard]:
    heard = Heard()
    session = Session((), runs, sinks=[heard], hardware=False, resumes=run)
    session.start()
    assert session.join(120)
    return session.exit_code, heard


@pytest.mark.slow("that a checkpoint of an earlier version is resumed")
def test_a_run_killed_in_mid_epoch_is_resumed(golden: Path) -> None:
    spec = golden / KILLED / "spec.json"
    plain = json.loads(spec.read_text())
    plain["queue_specs"][0]["stages"][0]["epochs"] = plain["spec"]["stages"][0]["epochs"] = 3
    spec.write_text(json.dumps(plain))
    status, heard = resumed(golden, find_unfinished(golden, KILLED))
    assert status == 0
    assert [event.epoch for event in heard.of(EpochEnded, KILLED)] == [3]
    record = load_run(golden / KILLED)
    assert record.status == "completed"
    assert record.summary.ranked
    # What waited for the epoch's end came too late for another one.
    assert "block3_conv1" not in load_snapshot(record).trainable


@pytest.mark.slow("that a queue recorded by an earlier version goes on")
def test_a_stopped_queue_is_resumed_with_the_rest_of_it(golden: Path) -> None:
    status, heard = resumed(golden, find_unfinished(golden, QUEUE_SECOND))
    assert status == 0
    assert [event.epoch for event in heard.of(EpochEnded, QUEUE_SECOND)] == [3]
    runs = list_runs(golden).runs
    assert [run.file.spec.seed for run in runs[:1]] == [3]
    assert [run.status for run in runs[:1]] == ["completed"]


def test_16_bit_images_are_seen_as_they_were_and_not_trained_on_further(golden: Path) -> None:
    record = load_run(golden / DEEP)
    images = read_test_images(record.file.spec, recorded_data(record.directory.events))
    files = [path for path, _ in list_folder(GOLDEN / "images" / "deep").test]
    expected = [decode_image(path, 32, 32, by_largest_sample).pixels for path in files]
    assert np.array_equal(images, expected)
    status, _ = resumed(golden, find_unfinished(golden, DEEP))
    assert status == 1
    error = load_run(golden / DEEP).summary.error
    assert error.startswith(f"{DEEP}: expected 16-bit images scaled as when the run began")


def test_a_model_recorded_before_predicts_by_its_own_rule_and_says_so(golden: Path) -> None:
    classifier = build_classifier(
        find_backbone("CustomCNN"),
        image_shape=(32, 32, 3),
        image_size=32,
        classes=2,
        seed=0,
        load_weights=None,
    )
    classifier.network.save(golden / DEEP / "model.keras")
    predictor = Predictor(load_run(golden / DEEP))
    image = GOLDEN / "images" / "deep" / "light" / "01.png"
    predicted = predictor.predict(image)
    assert np.array_equal(predicted.pixels, decode_image(image, 32, 32, by_largest_sample).pixels)
    assert "scaled by its own largest sample" in predicted.note
    assert [name for name, _ in predicted.classes[:2]] in (["dark", "light"], ["light", "dark"])
    plain = predictor.predict(GOLDEN / "images" / "shapes" / "light" / "01.png")
    assert plain.note == ""


@pytest.mark.parametrize("path", sorted((GOLDEN / "recipes").iterdir()), ids=lambda path: path.stem)
def test_recipe_files_are_read(path: Path) -> None:
    assert read_recipe(path).stages


def test_specs_have_what_they_had(golden: Path) -> None:
    spec: RunSpec = load_run(golden / BEST).file.spec
    assert (spec.keep, spec.flip, spec.label_smoothing, spec.image_size) == ("best", True, 0.05, 32)
