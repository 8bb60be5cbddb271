"""Runs combined from Python."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.errors import InputError
from engine.protocol.events import Event, RunEnded
from tests.support.ensembles import exported_run, names_in
from tests.support.runs import RunWriter


@pytest.fixture
def runs(write_run: RunWriter, classifier_file: Path) -> list[engine.Run]:
    """Two finished runs with models that can be read, of other splits."""
    found = [exported_run(write_run, seed=seed) for seed in (0, 1)]
    for run in found:
        shutil.copy(classifier_file, run.directory.model)
    return [engine.open_run(run.directory.path) for run in found]


def test_runs_are_named_in_any_way_and_the_result_is_a_run(
    runs: list[engine.Run], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    told: list[Event] = []
    where = tmp_path / "runs"
    one, other = runs
    made = engine.ensemble([one, other.run_id], runs_dir=where, on_event=told.append)
    assert made.spec.ensemble is not None
    assert made.spec.ensemble.run_ids == (one.run_id, other.run_id)
    assert made.status == "completed"
    assert made.train_seconds == 20
    assert isinstance(told[-1], RunEnded)
    table = engine.rank(where).set_index("run_id")
    assert table.loc[made.run_id, "members"] == [one.run_id, other.run_id]
    assert table.loc[one.run_id, "members"] == []
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("given", "by", "words"),
    [
        ("a-run", None, r"^runs: expected several runs, found 'a-run'"),
        (5, None, r"^runs: expected several runs, found 5"),
        ([], "votes", r"^by: expected probabilities or weights, found 'votes'"),
        ([], None, r"^expected two runs or more, found none"),
    ],
)
def test_what_cannot_be_combined_is_one_line(
    given: Any, by: Any, words: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=words):
        engine.ensemble(given, by=by, runs_dir=tmp_path)
    assert names_in(tmp_path) == set()
