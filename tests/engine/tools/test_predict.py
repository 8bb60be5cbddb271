"""Images of every size, mode and state, and what a model says of them."""

from __future__ import annotations

import json
import os
import shutil
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.common.progress import ignore_progress
from engine.datasets.image_file import MAX_PIXELS, decode_image
from engine.datasets.loading import load_dataset
from engine.errors import InputError
from engine.protocol.facts import DataFacts, SampleRange
from engine.runs.listing import RunRecord, load_run
from engine.tools.predict import Predictor
from tests.support.run_events import record_data

WriteRun = Callable[..., str]
RED = (200, 30, 40)


@pytest.fixture
def finished(write_run: WriteRun, classifier_file: Path, tmp_path: Path) -> RunRecord:
    """A finished run with its model."""
    path = tmp_path / "runs" / write_run("CustomCNN", test=0.5, dataset="digits", image_size=8)
    shutil.copy(classifier_file, path / "model.keras")
    return load_run(path)


@pytest.mark.parametrize("size", [(8, 8), (1, 1), (3, 500), (640, 480), (7, 9)])
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "LA", "1", "CMYK", "YCbCr", "I;16"])
def test_any_size_and_mode_becomes_what_the_model_takes(
    tmp_path: Path, mode: str, size: tuple[int, int]
) -> None:
    image = Image.new("RGB", size, RED)
    if mode == "I;16":
        image = Image.fromarray(np.full(size[::-1], 200 * 257, np.uint16))
    elif mode == "LA":
        image = image.convert("L").convert("LA")
    elif mode == "P":
        image = image.quantize(2)
    else:
        image = image.convert(mode, dither=Image.Dither.NONE)
    kind = "tiff" if mode in ("CMYK", "YCbCr") else "png"
    image.save(tmp_path / f"image.{kind}")
    pixels = decode_image(tmp_path / f"image.{kind}", 8, 8).pixels
    assert pixels.shape == (8, 8, 3)
    assert pixels.dtype == np.uint8
    assert np.ptp(pixels.reshape(-1, 3), axis=0).max() <= 1
    if mode in ("RGB", "RGBA", "P"):
        assert np.abs(pixels[0, 0].astype(int) - RED).max() <= 12
    if mode == "I;16":
        assert pixels[0, 0].tolist() == [200, 200, 200]


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([0, 0, 0])
    palette.save(tmp_path / "palette.png", transparency=0)
    for name in ("clear.png", "palette.png"):
        assert decode_image(tmp_path / name, 4, 4).pixels.min() == 255


def test_the_middle_is_taken_and_keeps_its_proportions(tmp_path: Path) -> None:
    wide = np.zeros((8, 24, 3), np.uint8)
    wide[:, 8:16] = np.random.default_rng(0).integers(0, 256, (8, 8, 3))
    Image.fromarray(wide).save(tmp_path / "wide.png")
    assert np.array_equal(decode_image(tmp_path / "wide.png", 8, 8).pixels, wide[:, 8:16])


def test_a_photograph_is_turned_as_its_camera_was_held(tmp_path: Path) -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:8] = 255
    image = Image.fromarray(pixels)
    exif = image.getexif()
    exif[0x0112] = 6  # the top is on the right
    image.save(tmp_path / "turned.png", exif=exif)
    turned = decode_image(tmp_path / "turned.png", 16, 16).pixels
    assert turned[8, 15].min() == 255
    assert turned[8, 0].max() == 0


def test_the_first_picture_of_an_animation_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert decode_image(tmp_path / "moving.gif", 8, 8).pixels[0, 0].tolist() == [255, 0, 0]


def test_numbers_that_are_no_bytes_are_brought_to_their_range(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 0.5, np.float32)).save(tmp_path / "share.tiff")
    Image.fromarray(np.full((4, 4), np.nan, np.float32)).save(tmp_path / "nan.tiff")
    assert decode_image(tmp_path / "share.tiff", 4, 4).pixels[0, 0, 0] in (127, 128)
    assert decode_image(tmp_path / "nan.tiff", 4, 4).pixels.max() == 0


def damaged(path: Path) -> None:
    Image.effect_noise((64, 64), 80).save(path)
    path.write_bytes(path.read_bytes()[:900])


def huge(path: Path) -> None:
    Image.new("1", (20_000, MAX_PIXELS // 20_000 + 1)).save(path)


@pytest.mark.parametrize(
    "ending",
    ["jpg", pytest.param("png", marks=pytest.mark.slow("that Pillow reads as large a PNG"))],
)
def test_photographs_of_the_largest_cameras_are_read(tmp_path: Path, ending: str) -> None:
    # 108 million pixels, grey so that the test is done in a second.
    Image.new("L", (12_000, 9_000), 90).save(tmp_path / f"large.{ending}")
    pixels = decode_image(tmp_path / f"large.{ending}", 8, 8).pixels
    assert np.abs(pixels.astype(int) - 90).max() <= 1


@pytest.mark.parametrize("white", [255, 4_095, 65_535])
@pytest.mark.parametrize("kind", ["uint16", "int32", "float32"])
def test_greys_that_do_not_fill_their_bits_are_not_dark(
    tmp_path: Path, white: int, kind: str
) -> None:
    grey = np.linspace(0, white, 64).reshape(8, 8).astype(kind)
    Image.fromarray(grey).save(tmp_path / "grey.tiff")
    pixels = decode_image(tmp_path / "grey.tiff", 8, 8).pixels
    assert (pixels.min(), pixels.max()) == (0, 255)
    assert 126 <= pixels.mean() <= 129


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "expected an image, found no such file or directory"),
        (Path.mkdir, "expected a file, found something else"),
        (lambda path: path.write_bytes(b""), "none that Pillow can read"),
        (lambda path: path.write_text("<svg/>"), "none that Pillow can read"),
        (damaged, "expected an image, found"),
        (huge, "at most 300 million pixels, found 20,000 × 15,001"),
        (os.mkfifo, "expected a file, found something else"),
    ],
)
def test_what_is_no_image_is_one_line(
    tmp_path: Path, make: Callable[[Path], object], words: str
) -> None:
    path = tmp_path / "image.png"
    make(path)
    with pytest.raises(InputError) as refused:
        decode_image(path, 8, 8)
    assert words in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_five_most_probable_classes(finished: RunRecord, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    found = Predictor(finished).predict(tmp_path / "noise.png")
    import keras

    model = keras.models.load_model(finished.directory.model)
    expected = np.asarray(model.predict_on_batch(noise[np.newaxis]))[0]
    order = np.argsort(-expected)[:5]
    assert [name for name, _ in found.classes] == [f"class {i}" for i in order]
    assert [share for _, share in found.classes] == pytest.approx(expected[order].tolist())
    assert np.array_equal(found.pixels, noise)


def test_a_test_image_of_a_known_data_set_comes_with_its_class(finished: RunRecord) -> None:
    from sklearn.datasets import load_digits

    found = Predictor(finished).predict_test_image(lambda numbers: numbers[-1])
    assert (found.path, found.name) == (None, "digits/test/499")
    assert found.pixels.shape == (8, 8, 3)
    assert found.truth in load_digits().target_names.astype(str)
    assert len(found.classes) == 5


def test_a_test_image_of_a_folder_is_one_of_its_files(finished: RunRecord, tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    for split in ("train", "test"):
        for number, name in enumerate(("cat", "dog")):
            (folder / split / name).mkdir(parents=True)
            for file in "12":
                image = Image.new("RGB", (9, 9), (90 * number, 10, 10 * int(file)))
                image.save(folder / split / name / f"{file}.png")
    spec = replace(finished.file.spec, dataset="folder:pets", data_path=str(folder))
    run = replace(finished, file=replace(finished.file, spec=spec))
    listed = load_dataset("folder:pets", str(folder), ignore_progress, image_size=8, train_limit=0)
    record_data(finished, DataFacts(4, 0, 4, ("cat", "dog"), test_fingerprint=listed.test_identity))
    found = Predictor(run).predict_test_image(lambda numbers: numbers[2])
    assert found.path == folder / "test" / "dog" / "1.png"
    assert found.name == str(found.path)
    assert found.truth == "dog"


def test_without_the_test_images_none_is_predicted(finished: RunRecord, tmp_path: Path) -> None:
    spec = replace(finished.file.spec, dataset="folder:gone", data_path=str(tmp_path / "gone"))
    run = replace(finished, file=replace(finished.file, spec=spec))
    words = "gone: expected a folder of images, found no such folder; bring it back$"
    with pytest.raises(InputError, match=words):
        Predictor(run).predict_test_image()
    (tmp_path / "gone").touch()
    with pytest.raises(InputError, match="gone: expected a folder of images, found a file; name"):
        Predictor(run).predict_test_image()


def test_without_one_of_the_test_images_none_is_predicted(
    finished: RunRecord, tmp_path: Path
) -> None:
    folder = tmp_path / "pets"
    for name in "ab":
        (folder / name).mkdir(parents=True)
        for number in range(5):
            Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / name / f"{number}.png")
    spec = replace(finished.file.spec, dataset="folder:pets", data_path=str(folder))
    run = replace(finished, file=replace(finished.file, spec=spec))
    listed = load_dataset("folder:pets", str(folder), ignore_progress, image_size=8, train_limit=0)
    record_data(finished, DataFacts(8, 0, 2, ("a", "b"), test_fingerprint=listed.test_identity))
    (folder / listed.test_files[0]).unlink()
    with pytest.raises(InputError, match=r"found others in .*pets by now; bring those back$"):
        Predictor(run).predict_test_image()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("interrupted", "found one that is interrupted and has none; `cifar-tui resume"),
        ("failed", "failed and has none; train it again"),
        ("completed", "its model.keras was removed"),
    ],
)
def test_a_run_without_a_model_is_one_line(
    write_run: WriteRun, tmp_path: Path, status: str, words: str
) -> None:
    run_id = write_run("CustomCNN", status=status)
    with pytest.raises(InputError) as refused:
        Predictor(load_run(tmp_path / "runs" / run_id))
    assert words in str(refused.value)


def test_a_damaged_model_is_one_line(finished: RunRecord) -> None:
    whole = finished.directory.model.read_bytes()
    finished.directory.model.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="found something that Keras cannot load"):
        Predictor(finished)


def test_a_model_with_code_of_its_own_is_one_line(finished: RunRecord) -> None:
    import keras

    layers = [keras.Input((8, 8, 3)), keras.layers.Lambda(lambda x: x)]
    keras.Sequential(layers).save(finished.directory.model)
    with pytest.raises(InputError, match="found something that Keras cannot load"):
        Predictor(finished)


def test_a_model_has_no_module_imported(
    finished: RunRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "planted.py").write_text("from pathlib import Path as Planted")
    monkeypatch.syspath_prepend(tmp_path)
    with zipfile.ZipFile(finished.directory.model) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"][1] |= {"module": "planted", "class_name": "Planted"}
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(finished.directory.model, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(InputError, match="found something that Keras cannot load"):
        Predictor(finished)
    assert "planted" not in sys.modules


def test_a_model_that_gives_no_numbers_is_one_line(finished: RunRecord, tmp_path: Path) -> None:
    import keras

    model = keras.models.load_model(finished.directory.model)
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([kernel * np.nan, bias])
    model.save(finished.directory.model)
    Image.new("RGB", (8, 8)).save(tmp_path / "image.png")
    said = r"expected finite probabilities, found NaN or infinity from the .*; train it again"
    with pytest.raises(InputError, match=said):
        Predictor(finished).predict(tmp_path / "image.png")


def test_a_format_that_the_run_was_not_trained_on_is_told(
    finished: RunRecord, tmp_path: Path
) -> None:
    data = DataFacts(1, 1, 1, tuple("0123456789"), ranges=(SampleRange("16-bit", 0.0, 1_000.0),))
    record_data(finished, data)
    grey = np.linspace(0, 2_000, 64).reshape(8, 8)
    Image.fromarray(grey.astype(np.uint16)).save(tmp_path / "known.png")
    Image.fromarray(grey.astype(np.float32)).save(tmp_path / "other.tiff")
    predictor = Predictor(finished)
    known, other = (predictor.predict(tmp_path / name) for name in ("known.png", "other.tiff"))
    assert known.note == ""
    assert known.pixels[4:].min() == 255
    assert "scaled by itself" in other.note
