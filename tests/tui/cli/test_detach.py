"""What is said when a training is left running: it must name what is true and work when typed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.config.spec import RunSpec
from engine.protocol.commands import Stop
from engine.runs.commands_file import CommandFile
from engine.runs.directory import RunDirectory
from tui.cli.detach import farewell

MakeSpec = Callable[..., RunSpec]


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    """A run's folder, in a path that a shell would take apart."""
    path = tmp_path / "my runs; $HOME" / "20261123-101500-customcnn"
    path.mkdir(parents=True)
    return RunDirectory(path)


def said(make_spec: MakeSpec, directory: RunDirectory, models: str, stopping: str = "") -> str:
    specs = [make_spec(model) for model in models.split()]
    return farewell(specs, directory, 12_345, stopping).splitlines()[0]


def test_the_farewell_names_what_still_trains(make_spec: MakeSpec, directory: RunDirectory) -> None:
    leaves = "A keeps training without a screen (process 12345)"
    assert said(make_spec, directory, "A") == f"{leaves}."
    assert said(make_spec, directory, "A B C D") == f"{leaves}, then B, C, D."
    assert said(make_spec, directory, "A B C D E F") == f"{leaves}, then B, C, D and 2 more."


def test_the_farewell_names_a_requested_stop(make_spec: MakeSpec, directory: RunDirectory) -> None:
    for stopping, words in (
        ("run", "trains to its end without a screen"),
        ("epoch", "stops after this epoch, without a screen"),
        ("now", "stops, without a screen"),
    ):
        line = said(make_spec, directory, "A B", stopping)
        assert line == f"A {words} (process 12345)."


def test_the_lines_to_type_do_what_they_say(make_spec: MakeSpec, directory: RunDirectory) -> None:
    directory.log.write_text("epoch 1 ended\n")
    _, follow, stop = farewell([make_spec()], directory, 12_345).splitlines()
    typed = follow.removeprefix("Follow it: ").replace("tail -f", "tail")
    shown = subprocess.run(["sh", "-c", typed], capture_output=True, text=True, check=True)
    assert shown.stdout == "epoch 1 ended\n"
    kill, _, echo = stop.partition(", or: ")
    assert kill == "Stop it:   kill 12345 (with a checkpoint)"
    subprocess.run(["sh", "-c", echo], check=True)
    assert CommandFile(directory.commands).read().commands == (Stop(id="1", when="now"),)


def test_what_stops_now_needs_no_stopping(make_spec: MakeSpec, directory: RunDirectory) -> None:
    assert "kill" not in farewell([make_spec()], directory, 12_345, "now")
    assert "kill 12345" in farewell([make_spec()], directory, 12_345, "epoch")
