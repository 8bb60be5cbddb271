"""The prediction screen: loading, the five classes, the image drawn, and every problem in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from textual.widgets import Input

from engine.runs.listing import load_run
from tests.support.screens import AnyPilot, OnScreen, text_of, until
from tui.panels.path_suggester import completed_path
from tui.screens.predict import (
    SECTION,
    PredictScreen,
    classes_text,
    recent_images,
    size_words,
)
from tui.settings.preferences import write_preferences


def text(pilot: AnyPilot, name: str) -> str:
    """What a part says, its wrapping undone."""
    return text_of(pilot.app, f"#predict-{name}")


async def test_a_run_without_a_model_says_so_and_takes_no_path(
    write_run: Any, on_screen: OnScreen
) -> None:
    run = load_run(write_run.runs_dir / write_run("CustomCNN", status="interrupted"))
    async with on_screen(PredictScreen(run)) as pilot:
        assert "loading the model…" in text(pilot, "note")
        await until(
            pilot, lambda: "found one that is interrupted and has none" in text(pilot, "note")
        )
        path = pilot.app.screen.query_one("#predict-path", Input)
        assert path.disabled
        assert "CustomCNN" in text(pilot, "head")


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that calls an image after its strongest colour."""
    import keras

    inputs = keras.Input((8, 8, 3), dtype="uint8")
    means = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 25)(inputs))
    path: Path = tmp_path_factory.mktemp("model") / "model.keras"
    keras.Model(inputs, keras.layers.Softmax()(means)).save(path)
    return path


async def test_an_image_is_classified_and_drawn_and_another_file_is_one_line(
    write_run: Any, on_screen: OnScreen, model_file: Path, tmp_path: Path
) -> None:
    from PIL import Image

    red = np.zeros((30, 40, 3), np.uint8)
    red[..., 0] = 255
    Image.fromarray(red).save(tmp_path / "red.png")
    (tmp_path / "words.png").write_text("no image")
    run = load_run(write_run.runs_dir / write_run("CustomCNN", test=0.5))
    run.directory.model.write_bytes(model_file.read_bytes())
    async with on_screen(PredictScreen(run)) as pilot:
        path = pilot.app.screen.query_one("#predict-path", Input)
        # Asked for while the model is loading, it is answered once it is there.
        path.value = str(tmp_path / "red.png")
        await pilot.press("enter")
        await until(pilot, lambda: "class 0" in text(pilot, "classes"))
        assert [line.split()[:2] for line in text(pilot, "classes").split("\n")[2:]] == [
            ["class", number] for number in ("0", "1", "2")
        ]
        assert "8 × 8 px, which the model enlarges to 96 px" in text(pilot, "note")
        assert set(text(pilot, "image")) == {"▀", "\n"}
        path.value = str(tmp_path / "words.png")
        await pilot.press("enter")
        await until(pilot, lambda: "words.png: expected an image" in text(pilot, "note"))
        assert text(pilot, "classes") == ""
        path.value = "~nobody-of-this-name/cat.png"
        await pilot.press("enter")
        await until(pilot, lambda: "cat.png: expected" in text(pilot, "note"))


@pytest.mark.parametrize(
    ("image_size", "words"),
    [
        (32, "as the model sees it, 32 × 32 px"),
        (96, "32 × 32 px, which the model enlarges to 96 px"),
        (16, "32 × 32 px, which the model reduces to 16 px"),
    ],
)
def test_the_size_that_the_model_works_with_is_named(image_size: int, words: str) -> None:
    assert size_words(np.zeros((32, 32, 3), np.uint8), image_size) == words


async def test_a_random_test_image_is_predicted_beside_its_label(
    write_run: Any, on_screen: OnScreen, model_file: Path
) -> None:
    run = load_run(write_run.runs_dir / write_run("CustomCNN", test=0.5, dataset="digits"))
    run.directory.model.write_bytes(model_file.read_bytes())
    async with on_screen(PredictScreen(run)) as pilot:
        await until(pilot, lambda: "a random test image" in text(pilot, "image"))
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "the label is" in text(pilot, "classes"))
        assert text(pilot, "note").startswith("digits/test/")
        assert set(text(pilot, "image")) == {"▀", "\n"}


async def test_the_images_used_last_are_listed_and_brought_back(
    write_run: Any, on_screen: OnScreen, model_file: Path, tmp_path: Path
) -> None:
    from PIL import Image

    run = load_run(write_run.runs_dir / write_run("CustomCNN", test=0.5))
    run.directory.model.write_bytes(model_file.read_bytes())
    names = [str(tmp_path / name) for name in ("cat.png", "dog.png")]
    for name in names:
        Image.new("RGB", (8, 8)).save(name)
    async with on_screen(PredictScreen(run)) as pilot:
        path = pilot.app.screen.query_one("#predict-path", Input)
        await pilot.press("up")
        assert path.value == ""
        for name in (*names, names[1]):
            path.value = name
            await pilot.press("enter")
            await until(pilot, lambda name=name: name in text(pilot, "note"))
    assert recent_images() == names[::-1]
    async with on_screen(PredictScreen(run)) as pilot:
        path = pilot.app.screen.query_one("#predict-path", Input)
        await until(pilot, lambda: all(name in text(pilot, "image") for name in names))
        await pilot.press(*"typed", "up")
        assert path.value == names[1]
        await pilot.press("up", "up")
        assert path.value == names[0]
        await pilot.press("down", "down", "down")
        assert path.value == "typed"


def test_what_is_no_path_of_one_line_is_not_remembered() -> None:
    write_preferences(SECTION, {"images": ["", "  ", "two\nlines.png", 3, "/cat.png"]})
    assert recent_images() == ["/cat.png"]


def test_the_label_says_whether_the_prediction_is_right() -> None:
    classes = (("ship", 0.75), ("truck", 0.25))
    assert classes_text(classes, 40, "ship").plain.split("\n")[1] == "✓ the label is ship"
    assert classes_text(classes, 40, "truck").plain.split("\n")[1] == "✗ the label is truck"


def test_the_most_probable_class_comes_first_and_has_the_longest_bar() -> None:
    lines = classes_text((("ship", 0.75), ("truck", 0.25)), 40).plain.split("\n")
    assert lines[0] == "ship  75.0 %"
    assert lines[2].startswith("ship ")
    assert lines[2].endswith("75.0 %")
    assert (lines[2].count("█"), lines[3].count("█")) == (17, 5)


def test_paths_are_completed_folder_by_folder(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "cat.png").touch()
    (tmp_path / "pictures" / ".hidden.png").touch()
    start = str(tmp_path)
    assert completed_path(f"{start}/pic") == f"{start}/pictures/"
    assert completed_path(f"{start}/pictures/") == f"{start}/pictures/cat.png"
    assert completed_path(f"{start}/pictures/.h") == f"{start}/pictures/.hidden.png"
    assert completed_path(f"{start}/pictures/dog") is None
    assert completed_path(f"{start}/nowhere/x") is None
    assert completed_path("\0") is None
