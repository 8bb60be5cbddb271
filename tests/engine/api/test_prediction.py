"""A run's classifier, loaded from Python."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest
from PIL import Image

import engine
from engine.errors import InputError
from engine.keras_setup import loading


@pytest.fixture
def run(write_run: Callable[..., str], classifier_file: Path, tmp_path: Path) -> engine.Run:
    """A finished run with its model."""
    path = tmp_path / "runs" / write_run("CustomCNN", test=0.5, dataset="digits", image_size=8)
    shutil.copy(classifier_file, path / "model.keras")
    return engine.open_run(path)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A picture."""
    Image.new("RGB", (20, 30), (200, 30, 40)).save(tmp_path / "red.png")
    return tmp_path / "red.png"


def test_each_image_has_its_five_classes(
    run: engine.Run, image: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    classifier = engine.load(run)
    one, other = classifier.predict([image, str(image)])
    assert one.classes == other.classes
    assert len(one.classes) == 5
    assert one.path == image
    assert one.pixels.shape == (8, 8, 3)
    assert "pixels" not in repr(one)
    assert [p.classes for p in classifier.predict(image)] == [one.classes]
    assert classifier.predict(iter([])) == []
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (["none.png"], r"^none.png: expected an image, found no such file"),
        (5, r"^images: expected paths of image files, found 5$"),
        ([5], r"^images: expected the path of an image file, found 5$"),
    ],
)
def test_what_is_no_image_is_one_line(images: Any, words: str, run: engine.Run) -> None:
    with pytest.raises(InputError, match=words):
        engine.load(run.path).predict(images)


def test_a_run_without_a_model_is_one_line(write_run: Callable[..., str], tmp_path: Path) -> None:
    name = write_run("CustomCNN", status="interrupted")
    with pytest.raises(InputError, match=f"^{name}: expected a finished run with its model.keras"):
        engine.load(name, runs_dir=tmp_path / "runs")


def test_settings_of_keras_are_the_user_s_again(run: engine.Run, image: Path) -> None:
    keras.config.set_image_data_format("channels_first")
    try:
        engine.load(run).predict([image])
        found = keras.config.image_data_format()
    finally:
        keras.config.set_image_data_format("channels_last")
    assert found == "channels_first"


def test_several_threads_can_need_our_settings_at_once() -> None:
    keras.config.set_epsilon(0.5)
    seen = []

    def inside() -> None:
        with loading.users_settings_kept():
            seen.append(keras.config.epsilon())

    try:
        with loading.users_settings_kept():
            thread = threading.Thread(target=inside)
            thread.start()
            thread.join()
            seen.append(keras.config.epsilon())
        seen.append(keras.config.epsilon())
    finally:
        keras.config.set_epsilon(1e-7)
    assert seen == [1e-7, 1e-7, 0.5]


def test_a_keras_imported_on_another_backend_is_one_line(
    run: engine.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "settled_backend", lambda: "torch")
    said = r"^KERAS_BACKEND: expected TensorFlow or JAX, found torch loaded in this process; start"
    with pytest.raises(InputError, match=said):
        engine.load(run)
    with pytest.raises(InputError, match=said):
        engine.train("CustomCNN", dataset="digits")
