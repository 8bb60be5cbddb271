"""Keras' settings: a user's own neither reach a network nor end the import."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import pytest

from engine.errors import InputError
from engine.keras_setup import loading
from engine.keras_setup.loading import (
    HOME,
    check_can_compute,
    keras_environment,
    keras_folder,
    load_keras,
)

ROOT = Path(__file__).resolve().parents[3]
HOSTILE = {
    "floatx": '{"floatx": "bogus"}',
    "epsilon": '{"epsilon": "much"}',
    "format": '{"image_data_format": "channels_middle"}',
    "list": "[]",
    "text": "not JSON at all",
    "backend": '{"backend": "torch"}',
    "other": '{"floatx": "float64", "epsilon": 0.01, "image_data_format": "channels_first"}',
}
SAY_SETTINGS = """
import json, os, sys
from engine.keras_setup.loading import keras_folder, load_keras
keras = load_keras()
config = keras.config
print(json.dumps([
    config.floatx(), config.epsilon(), config.image_data_format(), config.backend(),
    config.dtype_policy().name, config.max_epochs(), config.max_steps_per_epoch(),
    os.environ["KERAS_HOME"], str(keras_folder()), os.environ["KERAS_MAX_EPOCHS"],
    os.environ.get("KERAS_BACKEND"),
]), file=sys.__stdout__)
"""
OURS = ["float32", 1e-7, "channels_last", "tensorflow", "float32", None, None]


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for Keras whose `keras.json` nothing survives; limits of all kinds beside it."""
    home = tmp_path / "keras"
    home.mkdir()
    (home / "keras.json").write_text(HOSTILE["floatx"])
    monkeypatch.setenv("KERAS_HOME", str(home))
    monkeypatch.setenv("KERAS_MAX_EPOCHS", "some")
    monkeypatch.setenv("KERAS_MAX_STEPS_PER_EPOCH", "1")
    monkeypatch.setenv("KERAS_NNX_ENABLED", "true")
    return home


@pytest.fixture
def unsettled(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has not loaded Keras yet."""
    monkeypatch.setattr(loading, "settled_backend", lambda: "")
    monkeypatch.delenv("KERAS_BACKEND", raising=False)


def said(code: str, *, folder: Path, **added: str) -> list[Any]:
    """What a process of its own prints last, as JSON."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **added}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env=environment,
    )
    found: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.slow("that the real import of Keras takes our settings")
def test_a_hostile_file_changes_nothing_and_stays_the_user_s(hostile: Path, tmp_path: Path) -> None:
    found = said(SAY_SETTINGS, folder=tmp_path)
    assert found == [*OURS, str(hostile), str(hostile), "some", None]
    assert [path.name for path in hostile.iterdir()] == ["keras.json"]


@pytest.mark.slow("that Keras imported before us by another module is put right")
def test_what_somebody_else_has_loaded_is_put_right(hostile: Path, tmp_path: Path) -> None:
    (hostile / "keras.json").write_text(HOSTILE["other"])
    limits = {"KERAS_MAX_EPOCHS": "1", "KERAS_NNX_ENABLED": "false"}
    found = said("import keras\n" + SAY_SETTINGS, folder=tmp_path, **limits)
    assert found[: len(OURS)] == OURS


@pytest.mark.parametrize("name", HOSTILE)
def test_keras_own_reader_finds_our_settings(
    name: str, hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (hostile / "keras.json").write_text(HOSTILE[name])
    for variable, value in keras_environment(os.environ).items():
        monkeypatch.setenv(variable, value)
    for variable in loading.IGNORED_VARIABLES:
        monkeypatch.delenv(variable)
    source = sys.modules["keras.src.backend.config"].__file__
    read = runpy.run_path(str(source))
    assert (read["_FLOATX"], read["_EPSILON"], read["_BACKEND"]) == ("float32", 1e-7, "tensorflow")
    assert (read["_IMAGE_DATA_FORMAT"], read["_NNX_ENABLED"]) == ("channels_last", False)
    assert (read["_MAX_EPOCHS"], read["_MAX_STEPS_PER_EPOCH"]) == (None, None)


def test_our_file_holds_keras_own_defaults_and_is_never_written() -> None:
    assert json.loads((HOME / "keras.json").read_text()) == loading.SETTINGS
    assert [path.name for path in HOME.iterdir()] == ["keras.json"]


def test_the_user_s_folder_is_told_while_keras_is_being_imported(
    hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with loading._own_settings("tensorflow"):
        assert os.environ["KERAS_HOME"] == str(HOME)
        assert keras_folder() == hostile
    assert os.environ["KERAS_HOME"] == str(hostile)
    assert os.environ["KERAS_MAX_EPOCHS"] == "some"


def test_loading_again_is_the_same_module() -> None:
    assert load_keras() is keras
    assert load_keras("tensorflow") is keras


@pytest.mark.parametrize(
    ("backend", "found"),
    [
        ("torch", "found 'torch'"),
        ("openvino", "found 'openvino'"),
        ("TensorFlow", "found 'TensorFlow'"),
        ("jax", 'found no package jax; `pip install "cifar-tui[jax]"`, or unset KERAS_BACKEND'),
    ],
)
def test_another_backend_is_one_line(
    backend: str, found: str, unsettled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("KERAS_BACKEND", backend)
    with pytest.raises(InputError, match=r"^KERAS_BACKEND: expected TensorFlow or JAX") as rejected:
        check_can_compute()
    assert found in str(rejected.value)


@pytest.mark.parametrize("asked", [None, "", "tensorflow"])
def test_without_a_word_it_is_tensorflow(
    asked: str | None, unsettled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if asked is not None:
        monkeypatch.setenv("KERAS_BACKEND", asked)
    assert check_can_compute() == check_can_compute("tensorflow", "a-run") == "tensorflow"


def test_a_run_keeps_its_backend_where_none_is_asked_for(
    unsettled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert check_can_compute("jax", "a-run") == "jax"
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert check_can_compute("jax", "a-run") == "jax"
    with pytest.raises(InputError, match=r"^a-run: .*TensorFlow.*found KERAS_BACKEND=jax"):
        check_can_compute("tensorflow", "a-run")


def test_a_run_is_rejected_where_its_backend_is_not_installed(
    unsettled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"^a-run: expected JAX.*found no package jax; `pip[^,]*$"):
        check_can_compute("jax", "a-run")


def test_a_run_on_what_never_worked_here_is_to_be_trained_again(unsettled: None) -> None:
    with pytest.raises(InputError, match=r"^a-run: expected torch, on .*; train it again$"):
        check_can_compute("torch", "a-run")


def test_a_run_is_rejected_where_another_backend_is_loaded() -> None:
    with pytest.raises(InputError, match=r"^a-run: .*JAX.*TensorFlow loaded.*resume a-run"):
        check_can_compute("jax", "a-run")
    with pytest.raises(InputError, match=r"^expected JAX, .* found TensorFlow loaded"):
        load_keras("jax")
