"""The index of ranking rows: the rows are those of the folder, whatever became of either."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.common.codec import to_plain
from engine.config.spec import RunSpec
from engine.config.stage import Stage
from engine.machine.provenance import Origin
from engine.ranking import index as runs_index
from engine.ranking.index import INDEX_NAME, RankingRows, ranking_rows, read_index
from engine.ranking.row import KINDS, ranking_row
from engine.runs.directory import RunDirectory, SpecFile
from engine.runs.listing import RunRecord, list_runs, load_if_run
from engine.runs.lock import locked
from engine.runs.notes import Notes, read_notes, write_notes
from engine.runs.summary import Summary
from engine.runs.trash import trash_run
from engine.state.snapshot import Status

SPEC = RunSpec("VGG16", "cifar10", (Stage("head", 2, 1e-3, 0),), 96)
FILE = SpecFile(
    SPEC, ("VGG16",), 0, 1_700_000_000.0, Origin("elsewhere", 1, "tensorflow", {}, None)
)
SUMMARY = Summary(
    "completed",
    ranked=True,
    test_accuracy=0.5,
    test_loss=1.5,
    test_images=100,
    val_accuracy=float("nan"),
    train_seconds=9.5,
    wall_seconds=11.0,
    phase_seconds={"training": 9.5},
    flops=2**59 + 1,
    stages=("head 2 ep",),
    curve=((4.5, float("nan")), (9.5, 0.81)),
)


@pytest.fixture(autouse=True)
def indexed_at_once() -> Iterator[None]:
    """Index any folder, and files however young: the tests change a file's size each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs_index, "WORTH_AN_INDEX", 1)
        patch.setattr(runs_index, "SETTLED_SECONDS", 0.0)
        yield


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    """Three runs: ranked, failed, and without a summary."""
    for number, status in enumerate(("completed", "failed", None)):
        write_spec(tmp_path / f"run-{number}", number)
        if status is not None:
            write_summary(tmp_path / f"run-{number}", number, status)  # type: ignore[arg-type]
    return tmp_path


def write_spec(path: Path, number: int) -> None:
    path.mkdir(exist_ok=True)
    file = dataclasses.replace(FILE, created_at=1_700_000_000.0 + number // 2)
    write_longer(path / "spec.json", to_plain(file))


def write_summary(path: Path, number: int, status: Status = "completed") -> None:
    accuracy = 1 / (number + 1)
    write_longer(
        path / "summary.json",
        to_plain(dataclasses.replace(SUMMARY, status=status, test_accuracy=accuracy)),
    )


def write_longer(path: Path, plain: Any) -> None:
    """Write a file in place, at a size that it never had: its time may be the same."""
    size = path.stat().st_size if path.exists() else 0
    text = json.dumps(plain)
    path.write_text(text + " " * max(size + 1 - len(text), 0))


def without_index(runs_dir: Path) -> RankingRows:
    listing = list_runs(runs_dir)
    rows = [ranking_row(run, read_notes(run.directory)) for run in listing.runs]
    return RankingRows(rows, listing.broken)


def read_in(look: Callable[[], RankingRows]) -> tuple[RankingRows, list[str]]:
    """What a look gives, and the folders that it read."""
    read: list[str] = []

    def load(path: Path) -> RunRecord | None:
        read.append(path.name)
        return load_if_run(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs_index, "load_if_run", load)
        return look(), read


def test_a_second_look_reads_only_what_is_not_over(runs_dir: Path) -> None:
    (runs_dir / "broken").mkdir()
    (runs_dir / "broken" / "spec.json").write_text("{")
    (runs_dir / "photos").mkdir()
    expected = without_index(runs_dir)
    first, read = read_in(lambda: ranking_rows(runs_dir))
    assert (first, sorted(read)) == (expected, ["broken", "photos", "run-0", "run-1", "run-2"])
    assert list(first.rows[0]) == list(KINDS)
    second, read = read_in(lambda: ranking_rows(runs_dir))
    assert (second, read) == (expected, ["photos", "run-2"])
    write_summary(runs_dir / "run-1", 7)
    third, read = read_in(lambda: ranking_rows(runs_dir))
    assert (third, read) == (without_index(runs_dir), ["photos", "run-1", "run-2"])


def test_a_file_written_a_moment_ago_is_not_believed_to_stay(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs_index, "SETTLED_SECONDS", 1_000.0)
    for _ in range(2):
        _, read = read_in(lambda: ranking_rows(runs_dir))
        assert read == ["run-0", "run-1", "run-2"]


def test_a_few_runs_have_no_index(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs_index, "WORTH_AN_INDEX", 4)
    assert ranking_rows(runs_dir) == without_index(runs_dir)
    assert not (runs_dir / INDEX_NAME).exists()


def test_a_stopped_run_that_goes_on_is_read_from_its_directory(runs_dir: Path) -> None:
    write_summary(runs_dir / "run-0", 0, "stopped")
    ranking_rows(runs_dir)
    with locked(runs_dir / "run-0" / "lock"):
        status = {row["run_id"]: row["status"] for row in ranking_rows(runs_dir).rows}
        assert status == {"run-0": "running", "run-1": "failed", "run-2": "interrupted"}
        assert ranking_rows(runs_dir) == without_index(runs_dir)
    assert ranking_rows(runs_dir) == without_index(runs_dir)
    assert ranking_rows(runs_dir).rows[-1]["status"] == "stopped"


CHANGES = st.sampled_from(
    ["spec", "summary", "stopped", "interrupted", "no summary", "broken spec", "broken summary",
     "notes", "broken notes", "linked summary", "remove", "trash", "hold", "let go", "rename",
     "no spec", "index", "no index"]
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), CHANGES), min_size=1, max_size=12))
def test_the_rows_are_those_without_an_index_after_any_change(
    changes: list[tuple[int, str]],
) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as held:
        runs_dir = Path(folder)
        for number in range(4):
            write_spec(runs_dir / f"run-{number}", number)
            write_summary(runs_dir / f"run-{number}", number)
        ranking_rows(runs_dir)
        for number, what in changes:
            change(runs_dir, runs_dir / f"run-{number}", number, what, held)
            assert ranking_rows(runs_dir) == without_index(runs_dir)
        assert ranking_rows(runs_dir) == without_index(runs_dir)


def change(runs_dir: Path, run: Path, number: int, what: str, held: contextlib.ExitStack) -> None:
    """Do to a run what may happen to it, whether it is there or not."""
    run.mkdir(exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        if what in ("spec", "notes", "summary", "stopped", "interrupted", "linked summary"):
            write_one(runs_dir, run, number, what)
        elif what.startswith("no "):
            where = runs_dir / INDEX_NAME if what == "no index" else run / f"{what[3:]}.json"
            where.unlink()
        elif what.startswith("broken "):
            write_longer(run / f"{what[7:]}.json", [])
        elif what == "index":
            (runs_dir / INDEX_NAME).write_text("{}")
        elif what in ("hold", "let go"):
            held.close()
            if what == "hold":
                held.enter_context(locked(run / "lock"))
        else:
            take_away(runs_dir, run, number, what)


def write_one(runs_dir: Path, run: Path, number: int, what: str) -> None:
    """Write one of a run's files, of another length than before where its name stays."""
    if what == "spec":
        write_spec(run, number)
    elif what == "notes":
        write_longer(run / "notes.json", to_plain(Notes(True, ("x",), "y" * number)))
    elif what == "linked summary":
        elsewhere = runs_dir / f"elsewhere-{number}.json"
        if not (run / "summary.json").is_symlink():  # moved, the link would lead to itself
            (run / "summary.json").replace(elsewhere)
            (run / "summary.json").symlink_to(elsewhere)
    else:
        write_summary(run, number, "completed" if what == "summary" else what)  # type: ignore[arg-type]


def take_away(runs_dir: Path, run: Path, number: int, what: str) -> None:
    """Remove a run, move it to the trash, or give it another name."""
    if what == "remove":
        shutil.rmtree(run)
    elif what == "trash":
        with contextlib.suppress(Exception):
            trash_run(RunDirectory(run))
    elif what == "rename":
        run.rename(runs_dir / f"run-{(number + 1) % 6}-again-{time.time_ns()}")


def altered(change: Callable[[dict[str, Any]], object]) -> Callable[[str], str]:
    """An index in which something is other than it was written."""

    def alter(text: str) -> str:
        plain = json.loads(text)
        change(plain)
        return json.dumps(plain)

    return alter


def in_a_row(**changes: Any) -> Callable[[str], str]:
    """An index in which one run's row has other values."""
    return altered(lambda plain: plain["entries"]["run-0"][1].update(changes))


HOSTILE: list[Callable[[str], str]] = [
    lambda text: "",
    lambda text: text[: len(text) // 2],
    lambda text: "[" * 100_000,
    lambda text: "[]",
    lambda text: "null",
    altered(lambda plain: plain.update(format=99)),
    altered(lambda plain: plain.pop("entries")),
    altered(lambda plain: plain.update(entries=[])),
    altered(lambda plain: plain["entries"].update(x=3)),
    altered(lambda plain: plain["entries"].update(x=["!", None, ""])),
    altered(lambda plain: plain["entries"].update(x=[[1.5], None, ""])),
    altered(lambda plain: plain["entries"].update(x=[[1], None, "\x1b"])),
    altered(lambda plain: plain["entries"].update(x=[[1], {}, ""])),
    altered(lambda plain: plain["entries"]["run-0"][1].pop("model")),
    in_a_row(model="\x1b[2J"),
    in_a_row(model="[/x]"),
    in_a_row(model=1),
    in_a_row(status="running"),
    in_a_row(status="better"),
    in_a_row(ranked=1),
    in_a_row(tags=3),
    in_a_row(tags=["\n"]),
    in_a_row(stages=["\x1b"]),
    in_a_row(validation=[]),
    in_a_row(validation="\x1b"),
    in_a_row(test_accuracy="0.5"),
    in_a_row(test_accuracy=float("inf")),
    in_a_row(flops=2**63),
    in_a_row(curve=[3]),
    in_a_row(curve=[["x", 0.5]]),
    in_a_row(curve=[[1.5]]),
    lambda text: text.replace("0.5", "1e999"),
]


@pytest.mark.parametrize("damage", HOSTILE)
def test_an_index_that_makes_no_sense_is_ignored_and_made_anew(
    runs_dir: Path, damage: Callable[[str], str]
) -> None:
    ranking_rows(runs_dir)
    index = runs_dir / INDEX_NAME
    sound = index.read_text()
    index.write_text(damage(sound))
    assert read_index(index) == {}
    assert ranking_rows(runs_dir) == without_index(runs_dir)
    assert index.read_text() == sound


@pytest.mark.parametrize("kind", ["folder", "pipe", "loop", "huge"])
def test_whatever_lies_in_its_place_costs_only_time(runs_dir: Path, kind: str) -> None:
    index = runs_dir / INDEX_NAME
    if kind == "folder":
        index.mkdir()
    elif kind == "pipe":
        os.mkfifo(index)
    elif kind == "loop":
        index.symlink_to(INDEX_NAME)
    else:
        index.touch()
        os.truncate(index, runs_index.MAX_BYTES + 1)
    for _ in range(2):
        assert ranking_rows(runs_dir) == without_index(runs_dir)
    assert [path.name for path in runs_dir.glob(".*")] == [INDEX_NAME]


def test_a_folder_that_cannot_be_written_is_ranked_without(runs_dir: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    runs_dir.chmod(0o555)
    try:
        assert ranking_rows(runs_dir) == without_index(runs_dir)
    finally:
        runs_dir.chmod(0o755)
    assert not (runs_dir / INDEX_NAME).exists()


def test_an_index_of_other_files_says_nothing(runs_dir: Path, tmp_path_factory: Any) -> None:
    """As after copying a folder of runs with its index, and changing a run."""
    ranking_rows(runs_dir)
    copied = tmp_path_factory.mktemp("copied")
    shutil.copytree(runs_dir, copied, dirs_exist_ok=True)
    path = copied / "run-0" / "summary.json"
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.write_text(path.read_text().replace('"test_accuracy": 1.0', '"test_accuracy": 0.5'))
    os.utime(path, ns=times)
    assert ranking_rows(copied) == without_index(copied)
    assert [row["test_accuracy"] for row in ranking_rows(copied).rows if row["ranked"]] == [0.5] * 2


def test_notes_written_over_show_at_the_next_look(runs_dir: Path) -> None:
    for note in ("one", "two", "six"):
        write_notes(RunDirectory(runs_dir / "run-0"), Notes(note=note))
        assert [row["note"] for row in ranking_rows(runs_dir).rows if row["note"]] == [note]


def test_no_folder_has_no_rows_and_gets_no_index(tmp_path: Path) -> None:
    assert ranking_rows(tmp_path / "nowhere") == RankingRows([], ())
    assert not (tmp_path / "nowhere").exists()


def test_importing_it_loads_nothing_heavy() -> None:
    code = (
        "import engine.ranking.index, engine.ranking.filter, engine.runs.trash, sys;"
        "print({'pandas', 'numpy', 'keras'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
