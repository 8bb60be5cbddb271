"""A metric is added by a row: that of the page is measured, recorded, ranked and shown."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_it_is_measured_recorded_and_shown(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.contributing.metric_of_the_page", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=200)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    with np.load(found["probabilities"]) as file:
        shares = file["probabilities"].astype("float64")
    entropy = -(shares * np.log(shares)).sum(axis=1).mean()
    assert found["event"] == found["summary"]
    assert found["summary"] == {"mean_entropy": pytest.approx(entropy, rel=1e-4)}
    text = f"entropy {entropy:.4f}"
    assert any(f", {text})" in line for line in found["lines"])
    assert text in found["facts"]
    assert "mean_entropy" in found["csv"]
    assert {"top-5", "entropy"} <= set(found["table"])
    assert {"top-5", "entropy"} <= set(found["screen"])
    assert found["filtered"] == [True, False]
