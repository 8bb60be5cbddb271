"""What is said of a machine."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from engine.machine.step_timings import StepKey, StepTiming, remember
from engine.tools import doctor
from engine.tools.doctor import Finding


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finding]:
    runs_dir = tmp_path_factory.mktemp("work") / "runs"
    return {finding.name: finding for finding in doctor.examine(runs_dir)}


@pytest.mark.slow("that the real TensorFlow is looked at")
def test_tensorflow_is_loaded_to_say_what_it_sees(findings: dict[str, Finding]) -> None:
    version = findings["TensorFlow"].found.split(",")[0]
    assert version.count(".") == 2
    assert findings["TensorFlow"].state != "bad"


@pytest.mark.slow("that the real weights and processor are found")
def test_what_the_package_brings_is_found(findings: dict[str, Finding]) -> None:
    assert findings["weights"].found.startswith("here: EfficientNetLite0")
    assert findings["processor"].found.split()[0] == str(len(os.sched_getaffinity(0)))


@pytest.mark.slow("that the real disk is looked at")
def test_a_folder_that_is_not_there_yet_has_the_room_of_its_parent(
    findings: dict[str, Finding],
) -> None:
    assert findings["disk of the runs"].state in ("good", "note")
    assert "free at" in findings["disk of the runs"].found


def test_a_folder_that_may_not_be_read_has_the_room_of_its_parent(unprivileged: Path) -> None:
    (unprivileged / "closed").mkdir(mode=0)
    finding = doctor._disk("disk", unprivileged / "closed" / "runs", "choose another")
    assert str(unprivileged / "closed" / "runs") in finding.found


def test_a_tensorflow_that_cannot_be_loaded_is_bad(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doctor, "DEVICES", "raise SystemExit('libcudart.so.12: not found')")
    finding = doctor._tensorflow()
    assert finding.state == "bad"
    assert finding.found == "cannot be loaded (libcudart.so.12: not found)"
    assert "install" in finding.advice


def test_nothing_of_the_current_folder_is_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "planted.py").write_text("raise SystemExit('run')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "DEVICES", "import planted")
    assert "No module named 'planted'" in doctor._tensorflow().found


def test_an_error_of_thousands_of_characters_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "DEVICES", "raise SystemExit('no such folder ' * 500)")
    finding = doctor._tensorflow()
    assert len(finding.found) < 250


def test_a_missing_place_for_temporary_files_is_what_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc/nowhere"])
    finding = doctor._tensorflow()
    assert finding.state == "bad"
    assert finding.advice == "set TMPDIR to a folder that can be written"


def test_hidden_gpus_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\n")
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert "unset it" in doctor._without_gpu("2.21.0", cuda=True)[2]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    state, found, advice = doctor._without_gpu("2.21.0", cuda=False)
    assert (state, advice) == ("bad", 'pip install "cifar-tui[gpu]"')
    assert found.endswith("it was built without CUDA")


def remember_steps() -> None:
    """Remember steps on two kinds of GPU, one of them with two versions of the backend."""
    step = StepKey("MobileNetV2", 96, 64, "float32", "block_13", 1_000, "NVIDIA H200", "old")
    remember(StepTiming(step, 4.0, 3.0))
    remember(StepTiming(replace(step, backend="new"), 4.25, 31.5))
    remember(StepTiming(replace(step, precision="mixed_bfloat16", frontier=""), 5.0, 6.0))
    remember(StepTiming(replace(step, device="NVIDIA T4"), 9.0, 8.0))


def test_the_newest_times_of_steps_on_these_gpus_are_told() -> None:
    remember_steps()
    without = "ms a step without XLA"
    assert [finding.found for finding in doctor._steps(["NVIDIA H200"])] == [
        f"MobileNetV2 at 96 px, batch 64, float32, 1,000 parameters from block_13: "
        f"4.25 {without}, 31.50 ms a step with it: without XLA",
        f"MobileNetV2 at 96 px, batch 64, mixed_bfloat16, 1,000 parameters: "
        f"5.00 {without}, 6.00 ms a step with it: without XLA",
    ]
    assert doctor._steps(["NVIDIA H2"]) == []
    found = [finding.found for finding in doctor._steps(["NVIDIA T4", "NVIDIA A100"])]
    assert len(found) == 1
    assert f"on NVIDIA T4: 9.00 {without}, 8.00 ms a step with it: with XLA" in found[0]


@pytest.mark.slow("that a machine without a GPU hears nothing of steps")
def test_without_a_gpu_nothing_is_said_of_steps(tmp_path: Path) -> None:
    remember_steps()
    findings = {finding.name for finding in doctor.examine(tmp_path)}
    assert "GPU readings" in findings
    assert ("XLA" in findings) == ("NVIDIA H200" in doctor._gpu_names())


def test_another_package_of_the_same_name_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "engine").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    finding = doctor._shadows()
    assert (finding.state, finding.found) == ("note", f"also on the path: {tmp_path / 'engine'}")


@pytest.fixture
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's own for Keras, with nothing in it."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path


def test_without_a_file_of_keras_nothing_is_overridden(keras_home: Path) -> None:
    finding = doctor._keras()
    assert (finding.state, finding.found) == ("good", "TensorFlow computes; no keras.json")


@pytest.mark.parametrize(
    ("text", "state", "said"),
    [
        ('{"floatx": "float32", "backend": "tensorflow"}', "good", "{path} changes nothing"),
        (
            '{"floatx": "float16", "backend": "jax"}',
            "note",
            "overridden in {path}: floatx 'float16', backend 'jax'",
        ),
        ("{", "note", "ignored: {path} cannot be read (JSONDecodeError)"),
        ("[]", "note", "ignored: {path} holds no settings"),
    ],
)
def test_a_file_of_keras_is_named(keras_home: Path, text: str, state: str, said: str) -> None:
    path = keras_home / "keras.json"
    path.write_text(text)
    finding = doctor._keras()
    assert finding.state == state
    assert finding.found == f"TensorFlow computes; {said.format(path=path)}"


def test_limits_that_no_run_obeys_are_named(
    keras_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_MAX_EPOCHS", "1")
    finding = doctor._keras()
    assert finding.state == "note"
    assert finding.found == "TensorFlow computes; ignored: KERAS_MAX_EPOCHS=1; no keras.json"


def test_a_backend_that_does_not_work_here_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.keras_setup.loading.settled_backend", lambda: "")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    finding = doctor._keras()
    assert (finding.state, finding.advice) == (
        "bad",
        "set it to one of tensorflow, jax, or unset it",
    )
    assert "found 'torch'" in finding.found
