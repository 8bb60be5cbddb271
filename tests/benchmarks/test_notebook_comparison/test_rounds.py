"""The benchmark as it is called: measured for real, rejected, failing, interrupted."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from notebook_comparison import ChildFailedError, check_bench, run_bench
from notebook_comparison.child import engine_environment
from notebook_comparison.rounds import NOTEBOOK_FILE, describe

from engine.config.recipe import NOTEBOOK
from engine.config.spec import RunSpec
from engine.errors import InputError
from engine.protocol.events import FeaturesReady, PhaseChanged

SCRIPT = NOTEBOOK_FILE.with_name("bench.py")
SPEC = RunSpec(model="MobileNet", dataset="digits", stages=NOTEBOOK.stages, image_size=32)
SMALL = ["--model=MobileNet", "--weights=none", "--dataset=digits", "--image-size=32"]
SMALL += ["--train-limit=128", "--epochs=1,1", "--json"]


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that temporary files go to."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    return folder


def started(**added: str) -> subprocess.Popen[str]:
    """The benchmark as a process of its own."""
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *SMALL],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=engine_environment(**added),
    )


@pytest.mark.slow("the figures of a whole benchmark, each training in a process of its own")
def test_a_small_bench_measures_all_three(scratch: Path, tmp_path: Path) -> None:
    """Whatever the user has set for Keras: the notebook is measured without it, too."""
    home = tmp_path / "keras"
    home.mkdir()
    (home / "keras.json").write_text('{"floatx": "bogus"}')
    process = started(KERAS_HOME=str(home), KERAS_MAX_EPOCHS="some")
    printed, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    found = json.loads(printed)
    assert list(found["medians"]) == ["notebook", "cold", "warm"]
    for one in found["medians"].values():
        assert 0 < sum(one["phase_seconds"].values()) == pytest.approx(one["total_seconds"])
        assert sum(one["stage_seconds"]) == pytest.approx(one["total_seconds"])
        assert len(one["stage_seconds"]) == len(one["epochs"]) == 2
        assert one["loading_seconds"] > 0
        assert 0 <= one["test_accuracy"] <= 1
        assert 2e8 < one["peak_memory_bytes"] < 2e10
        assert one["epochs"][1]["val_accuracy"] == pytest.approx(one["test_accuracy"], abs=0.003)
    seconds = {name: one["total_seconds"] for name, one in found["medians"].items()}
    assert found["ratios"]["cold"] == pytest.approx(seconds["notebook"] / seconds["cold"])
    assert set(found["ratios"]) == {"cold", "warm", "head_warm"}
    assert (found["spec"]["recipe"], found["spec"]["validation"]) == ("notebook", "test")
    assert found["machine"]["cores"] >= 1
    assert found["machine"]["device"]
    assert "cold: epoch 2 ended" in said
    assert list(scratch.iterdir()) == []


def test_an_interrupt_leaves_nothing_behind(scratch: Path) -> None:
    with started() as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("preparation: loading")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
    assert list(scratch.iterdir()) == []


def test_a_process_that_fails_says_why_in_one_line(scratch: Path) -> None:
    spec = replace(SPEC, data_path="nowhere")
    with pytest.raises(ChildFailedError) as failure:
        run_bench(spec, lambda *_: [], lambda _: None)
    assert str(failure.value).startswith("preparation failed: data_path: expected no path beside")
    assert list(scratch.iterdir()) == []


def test_what_cannot_be_compared_is_rejected() -> None:
    with pytest.raises(InputError, match="--model: expected one with a pretrained backbone"):
        check_bench(replace(SPEC, model="CustomCNN"), 1)
    with pytest.raises(InputError, match="--repeat: expected 1 to 100, found 0"):
        check_bench(SPEC, 0)


def test_the_notebook_is_plain_keras() -> None:
    code = NOTEBOOK_FILE.read_text()
    imports = {line.split()[1] for line in code.splitlines() if line.startswith(("import", "from"))}
    ours = {"engine", "tui"}
    assert not ours & {name.partition(".")[0] for name in imports}
    assert {"keras", "numpy", "tensorflow"} <= imports


def test_progress_names_phases_and_features() -> None:
    assert describe(PhaseChanged(phase="extracting")) == ["extracting"]
    assert describe(PhaseChanged(phase="validating")) == []
    ready = FeaturesReady(
        epoch=1, source="cache", images=60_000, views=1, bytes=2**20, held="disk", seconds=1.0
    )
    assert describe(ready) == ["features ready (cache): 60,000 images, 1.00 MB (disk)"]
