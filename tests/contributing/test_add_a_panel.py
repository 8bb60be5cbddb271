"""A page of a run is added by a row: the example is opened by its key and stands in the help."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from engine.runs.directory import RunDirectory
from tests.support.runs import RunWriter

ROOT = Path(__file__).resolve().parents[2]


def test_it_is_opened_by_its_key(write_run: RunWriter) -> None:
    run = RunDirectory(write_run.runs_dir / write_run("CustomCNN", test=0.5))
    shares = np.array([[0.9, 0.1], [0.75, 0.25], [0.4, 0.6]], np.float32)
    np.savez(run.predictions, labels=np.array([0, 1, 1]), probabilities=shares)
    command = [sys.executable, "-m", "tests.contributing.page_of_the_page", str(write_run.runs_dir)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=200)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["text"] == "most confident mistake 0.7500 of 3 test images"
    assert "sureness" in found["tabs"]
    assert "How sure the model was" in found["help"]
    assert "9 How sure the model was" in found["keys"]
