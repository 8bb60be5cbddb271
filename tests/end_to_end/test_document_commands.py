"""The commands of the documents do what they are shown for, on a run that is there."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from PIL import Image

from engine.runs.listing import RunRecord
from tests.end_to_end.test_documents import all_commands
from tui.__main__ import main

QUICK = {"cache", "completion", "dataset", "doctor", "export", "models"}
QUICK |= {"predict", "rank", "recipes", "report", "runs"}
"""Commands that need no screen, no training and no download."""
RUNS = {"RUN", "vgg16"}
"""How the documents call the run that a command is about."""
DOWNLOADED = "cifar100"
COMMANDS = sorted(
    {
        tuple(call)
        for _, call in all_commands()
        if QUICK.intersection(call[:1]) and DOWNLOADED not in call
    }
)


@pytest.fixture
def home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Path:
    """Return the user's folder, with the images, folders and recipe that examples name."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in ("photo.jpg", "cat.jpg", "dog.png"):
        Image.new("RGB", (32, 32), "teal").save(tmp_path / name)
    for folder in ("pets", "FOLDER"):
        for kind, colour in (("cat", "black"), ("dog", "white")):
            (tmp_path / folder / kind).mkdir(parents=True)
            for i in range(10):
                Image.new("RGB", (16 + i, 16), colour).save(tmp_path / folder / kind / f"{i}.jpg")
    assert main(["recipes", "recommended"]) == 0
    (tmp_path / "mine.toml").write_text(capsys.readouterr().out)
    return tmp_path


@pytest.mark.slow("that the commands shown in the documents run, not only that they are read")
@pytest.mark.parametrize("call", COMMANDS, ids=shlex.join)
def test_it_runs(
    call: tuple[str, ...], finished: RunRecord, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [finished.run_id if word in RUNS else word for word in call]
    words += ["--yes"] if call[:2] in (("runs", "delete"), ("runs", "prune")) else []
    words = [word.replace("~", str(home), 1) if word.startswith("~") else word for word in words]
    assert main(list(dict.fromkeys(words))) == 0, capsys.readouterr().err
