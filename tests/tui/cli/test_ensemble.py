"""`cifar-tui ensemble`: what it prints and rejects, and how it ends; the rest is the engine's."""

from __future__ import annotations

import io
import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from engine.config.ensemble import Method
from engine.protocol.events import Event, PhaseChanged, PhaseProgressed
from engine.runs.listing import list_runs
from tests.support.ensembles import exported_run, names_in, write_ensemble
from tests.support.runs import RunWriter
from tui.__main__ import main
from tui.cli.ensemble import Teller
from tui.cli.parser import build_parser

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which commands look for runs."""
    monkeypatch.setenv("CIFAR_TUI_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def members(write_run: RunWriter, runs_dir: Path, classifier_file: Path) -> list[str]:
    """Two finished runs on the digits with models that can be read, of other splits."""
    runs = [exported_run(write_run, seed=seed) for seed in (0, 1)]
    for run in runs:
        shutil.copy(classifier_file, run.directory.model)
    return [run.run_id for run in runs]


def made(runs_dir: Path, members: list[str]) -> str:
    """The id of the one run that was made of these."""
    (found,) = names_in(runs_dir) - {*members}
    return found


def test_what_is_tried_and_what_comes_of_it_is_printed(
    members: list[str], runs_dir: Path, capfd: Capture
) -> None:
    assert main(["ensemble", *members]) == 0
    out, err = capfd.readouterr()
    name = made(runs_dir, members)
    for line in (
        "nothing is chosen, all runs are averaged: they hold out ",
        f"{name}: probabilities of 2 runs averaged\n",
        f"   50 %  {members[0]}\n   50 %  {members[1]}\n",
        " on 500 test images\n",
        "train 0:20, that of its members added up\n",
        f"model: {runs_dir / name / 'model.keras'}, ",
    ):
        assert line in out
    assert err == ""


def test_json_is_one_object_alone(members: list[str], runs_dir: Path, capfd: Capture) -> None:
    assert main(["ensemble", *members, "--by", "weights", "--json"]) == 0
    out, err = capfd.readouterr()
    found, name = json.loads(out), made(runs_dir, members)
    (run,) = (run for run in list_runs(runs_dir).runs if run.run_id == name)
    assert found["run"] == name
    assert (found["by"], found["validation_images"], found["left_out"]) == ("weights", 0, [])
    assert [(it["run"], it["weight"]) for it in found["members"]] == [(it, 0.5) for it in members]
    assert found["test_accuracy"] == run.summary.test_accuracy
    assert err == ""


def stop_at(phase: str, number: signal.Signals) -> Callable[..., None]:
    """Return what sends a signal to this process once a phase is told."""

    def tell(teller: Teller, event: Event) -> None:
        if isinstance(event, PhaseChanged) and event.phase == phase:
            signal.raise_signal(number)

    return tell


@pytest.mark.parametrize(
    ("number", "phase"), [(signal.SIGTERM, "saving"), (signal.SIGHUP, "testing")]
)
def test_a_signal_to_end_leaves_nothing_and_is_the_status(
    members: list[str],
    runs_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    phase: str,
) -> None:
    monkeypatch.setattr(Teller, "__call__", stop_at(phase, number))
    with pytest.raises(SystemExit) as ended:
        main(["ensemble", *members])
    assert ended.value.code == 128 + number
    assert names_in(runs_dir) == {*members}
    assert signal.getsignal(number) is signal.SIG_DFL


def test_ctrl_c_leaves_nothing_and_says_so(
    members: list[str], runs_dir: Path, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    monkeypatch.setattr(Teller, "__call__", stop_at("saving", signal.SIGINT))
    assert main(["ensemble", *members]) == 130
    assert capfd.readouterr().err == "cifar-tui: interrupted; nothing was written\n"
    assert names_in(runs_dir) == {*members}


def test_bad_input_is_one_line_and_writes_nothing(
    write_run: RunWriter, runs_dir: Path, capfd: Capture
) -> None:
    one = exported_run(write_run).run_id
    other = exported_run(write_run, "VGG16").run_id
    combined = write_ensemble(write_run).run_id
    before = names_in(runs_dir)
    for words, said in (
        ([], "expected two runs or more, found none; `cifar-tui rank` lists them"),
        ([one], f"expected two runs or more, found {one} alone; `cifar-tui rank` lists them"),
        ([one, one], f"expected each run once, found {one} twice; name another run instead"),
        ([one, "none-such"], "expected the id of a run, a part of one or a path, found 'none-"),
        ([one, combined], f"expected runs of one network each, found the ensemble {combined}"),
        ([one, other, "--by", "weights"], "--by: expected runs of one network, to average wei"),
        ([one, other, "--by", "weights"], "; give --by probabilities, which takes any"),
        ([one, other, "--by", "votes"], "--by: expected probabilities or weights, found 'votes'"),
    ):
        assert main(["ensemble", *words]) == 2
        out, err = capfd.readouterr()
        assert said in err
        assert err.startswith("cifar-tui: ")
        assert (err.count("\n"), out) == (1, "")
    assert names_in(runs_dir) == before


def test_the_ways_to_choose_from_are_those_there_are() -> None:
    by = next(it for it in build_parser().commands["ensemble"].arguments if it.dest == "by")
    assert by.choices == get_args(Method)


def test_other_commands_reject_it_in_one_line(
    write_run: RunWriter, runs_dir: Path, capfd: Capture
) -> None:
    run = write_ensemble(write_run)
    run.directory.model.touch()
    for words, said in (
        (["resume", run.run_id], f"expected a run that trains, found the ensemble {run.run_id}"),
        (
            ["train", "CustomCNN", "--dataset", "digits", "--weights", run.run_id, "--plain"],
            f"--weights: expected the run of one network, found the ensemble {run.run_id}; name",
        ),
    ):
        assert main(words) == 2
        err = capfd.readouterr().err
        assert said in err
        assert err.count("\n") == 1


def test_lists_and_reports_take_it_as_a_run(
    write_run: RunWriter, runs_dir: Path, capfd: Capture
) -> None:
    run = write_ensemble(write_run)
    assert main(["rank"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert any("Ensemble" in line and "0.9500" in line and "0:20" in line for line in lines)
    assert main(["rank", "--csv", "--filter", "model:ensemble"]) == 0
    heads, row = capfd.readouterr().out.splitlines()
    members = run.file.spec.ensemble.run_ids if run.file.spec.ensemble else ()
    assert dict(zip(heads.split(","), row.split(","), strict=True))["members"] == "; ".join(members)
    assert main(["rank", "--by-model"]) == 0
    assert "Ensemble" in capfd.readouterr().out
    assert main(["runs"]) == 0
    assert run.run_id in capfd.readouterr().out
    for words in (["report"], ["report", "--html"]):
        assert main(words) == 0
        said = capfd.readouterr().out
        assert "One ensemble is left out: it combines the models of other runs." in said
        assert "CustomCNN" in said


def test_progress_is_drawn_over_on_a_terminal_and_nowhere_else() -> None:
    progress = PhaseProgressed(done=1_024, total=5_000, unit="images")

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, drawn in (
        (Terminal(), "  1,024 of 5,000 images\r" + " " * 23 + "\rtesting a\n"),
        (io.StringIO(), "testing a\n"),
    ):
        tell = Teller(stream)
        tell(progress)
        tell(PhaseChanged(phase="testing", detail="a"))
        assert stream.getvalue() == drawn
