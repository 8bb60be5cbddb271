"""The range of 16-bit and float samples: one a data set, whatever hot pixels and odd files say."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from engine.common.progress import ignore_progress
from engine.datasets.dataset import Dataset
from engine.datasets.image_file import decode_image
from engine.datasets.image_folder import list_folder
from engine.datasets.loading import load_dataset
from engine.datasets.sample_ranges import (
    by_largest_sample,
    find_range,
    of_this_image,
    scaling,
    spread_of,
    to_bytes,
)
from engine.errors import InputError
from engine.protocol.facts import SampleRange

DARK, LIGHT, DEVIATION = 1_700, 2_300, 150


def draw(mean: float, size: int = 40, seed: int = 0) -> NDArray[np.uint16]:
    noise = np.random.default_rng(seed).normal(mean, DEVIATION, (size, size))
    return noise.clip(0, 65_535).astype(np.uint16)


def decoded(tmp_path: Path, pixels: NDArray[Any], **asked: Any) -> NDArray[np.uint8]:
    path = tmp_path / "image.tiff"
    Image.fromarray(pixels).save(path)
    return decode_image(path, 40, 40, **asked).pixels


def colour_png(samples: NDArray[Any]) -> bytes:
    """A PNG of 16 bits a channel, which Pillow cannot write: LA, RGB or RGBA by the last axis."""
    height, width, channels = samples.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("kind", ["uint16", "int32", "float32"])
def test_one_hot_pixel_changes_nothing_else(tmp_path: Path, kind: str) -> None:
    plain = np.full((40, 40), LIGHT, np.uint16)
    hot = plain.copy()
    hot[20, 20] = 4_500
    found = find_range("16-bit", [spread_of(draw(DARK)), spread_of(draw(LIGHT))])
    for range_of in (of_this_image, lambda *_: (found.low, found.high)):
        means = [
            decoded(tmp_path, pixels.astype(kind), range_of=range_of).mean()
            for pixels in (plain, hot)
        ]
        assert means[0] == pytest.approx(means[1], abs=0.2)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("kind", ["uint16", "int32", "float32"])
def test_every_depth_fills_the_bytes(tmp_path: Path, bits: int, kind: str) -> None:
    whole = np.linspace(0, 2**bits - 1, 1_600).reshape(40, 40).astype(kind)
    pixels = decoded(tmp_path, whole)
    assert (pixels.min(), pixels.max()) == (0, 255)
    assert pixels.mean() == pytest.approx(127.5, abs=1)


def ends(images: list[NDArray[Any]], kind: str = "16-bit") -> tuple[float, float]:
    found = find_range(kind, [spread_of(image) for image in images])
    return found.low, found.high


@pytest.mark.parametrize(("usual", "odd"), [(18, 1), (98, 3)])
def test_the_range_leaves_out_hot_pixels_and_a_few_odd_images(usual: int, odd: int) -> None:
    images = [draw(mean, seed=seed) for seed in range(usual // 2) for mean in (DARK, LIGHT)]
    for image in images[::2]:
        image[3, 3] = 65_535
    images += [np.full((40, 40), 60_000, np.uint16)] * odd
    low, high = ends(images)
    assert 1_000 < low < 1_400
    assert 2_600 < high < 3_000


def test_small_objects_are_seen_however_small_their_share() -> None:
    images = [draw(100, 64, seed) // 5 for seed in range(10)]
    for i, image in enumerate(images):
        image[30:35, 20 + i : 26 + i] = (1_000, 3_000)[i % 2]
    low, high = ends(images)
    assert low < 30
    assert high >= 3_000
    dark = [np.where(image >= 1_000, image, 0).astype(np.uint16) for image in images]
    assert ends(dark)[1] >= 3_000


def test_a_rare_class_is_not_taken_for_odd() -> None:
    images = [draw(1_000, seed=seed) for seed in range(200)]
    images += [draw(3_000, seed=seed) for seed in range(2)]
    assert ends(images)[1] > 3_000


@pytest.mark.parametrize("side", [40, 256, 512, 1_200])
def test_every_colour_counts(side: int) -> None:
    image = np.zeros((side, side, 3), np.uint16)
    image[:] = (3_000, 8_000, 9_000)
    image[: side // 2] = (2_900, 12_000, 9_100)
    assert ends([image], "16-bit colour") == (2_900, 12_000)


def test_the_range_reaches_no_further_than_what_was_seen() -> None:
    found = find_range("16-bit", [spread_of(np.arange(65_536, dtype=np.uint16).reshape(256, 256))])
    assert (found.low, found.high) == (0.0, 65_535.0)


@pytest.mark.parametrize(
    ("value", "expected"), [(0, (0, 255)), (200, (0, 255)), (2_300, (0, 4_095)), (-5, (-5, 255))]
)
def test_images_of_one_grey_have_the_range_of_their_bits(
    value: int, expected: tuple[float, float]
) -> None:
    found = find_range("integer", [spread_of(np.full((4, 4), value, np.int32))])
    assert (found.low, found.high) == expected


def test_shares_are_never_rescaled() -> None:
    found = find_range(
        "float", [spread_of(np.linspace(0.2, 0.3, 100, dtype=np.float32).reshape(10, 10))]
    )
    assert (found.low, found.high) == (0.0, 1.0)


def test_what_lies_outside_is_clipped_and_what_is_no_number_is_black() -> None:
    samples = np.array([-1e9, 10, 15, 20, 1e9, np.nan, np.inf, -np.inf])
    assert to_bytes(samples, 10, 20).tolist() == [0, 0, 128, 255, 255, 0, 255, 0]


def test_grey_of_16_bits_with_what_covers_it_keeps_its_lower_bytes(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(0, 4_096, (40, 40, 2))
    samples[..., 1] = 65_535
    (tmp_path / "image.png").write_bytes(colour_png(samples))
    found = decode_image(tmp_path / "image.png", 40, 40, lambda kind, samples: (0.0, 4_095.0))
    assert found.format == "16-bit"
    assert np.abs(found.pixels[..., 0] - samples[..., 0] / 4_095 * 255).max() <= 0.5


def test_colours_in_planes_of_their_own_are_rejected_by_name(tmp_path: Path) -> None:
    # Pillow writes none: a tag of a file that it has written is changed.
    path = tmp_path / "planes.tif"
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path)
    with Image.open(path) as image:
        tags = image.tag_v2  # type: ignore[attr-defined]
        assert (tags[258], tags.get(284, 1)) == ((8, 8, 8), 1)
    data = bytearray(path.read_bytes())
    count = struct.unpack_from("<H", data, offset := struct.unpack_from("<I", data, 4)[0])[0]
    for entry in range(offset + 2, offset + 2 + 12 * count, 12):
        tag, _, _, value = struct.unpack_from("<HHII", data, entry)
        if tag == 284:
            struct.pack_into("<I", data, entry + 8, 2)
        if tag == 258:
            struct.pack_into("<HHH", data, value, 16, 16, 16)
    path.write_bytes(data)
    with pytest.raises(InputError, match="found 16 bits of them in planes"):
        decode_image(path, 8, 8)


@pytest.mark.parametrize("channels", [3, 4])
def test_colours_of_16_bits_keep_their_lower_bytes(tmp_path: Path, channels: int) -> None:
    samples = np.random.default_rng(0).integers(0, 4_096, (40, 40, channels))
    if channels == 4:
        samples[..., 3] = 65_535
    (tmp_path / "image.png").write_bytes(colour_png(samples))
    found = decode_image(tmp_path / "image.png", 40, 40, lambda kind, samples: (0.0, 4_095.0))
    assert found.format == "16-bit colour"
    assert np.abs(found.pixels - samples[..., :3] / 4_095 * 255).max() <= 0.5


def test_an_earlier_run_sees_its_images_as_it_did(tmp_path: Path) -> None:
    assert scaling(None) is by_largest_sample
    old = {2_300: 4_095, 4_500: 65_535, 200: 255}
    for most, white in old.items():
        grey = np.zeros((40, 40), np.uint16)
        grey[0, 0] = most
        pixels = decoded(tmp_path, grey, range_of=by_largest_sample)
        assert pixels.max() == round(most * 255 / white)
    samples = np.random.default_rng(0).integers(0, 65_536, (40, 40, 3))
    (tmp_path / "image.png").write_bytes(colour_png(samples))
    pixels = decode_image(tmp_path / "image.png", 40, 40, by_largest_sample).pixels
    assert np.array_equal(pixels, samples >> 8)
    with Image.open(io.BytesIO(colour_png(samples))) as image:
        assert np.array_equal(pixels, np.asarray(image))


# A folder of images.


def write(root: Path, count: int, *, hot: bool = True) -> Path:
    """Two classes that differ in brightness; every second file has a hot pixel."""
    for name, mean in (("dark", DARK), ("light", LIGHT)):
        (root / name).mkdir(parents=True)
        for i in range(count):
            image = draw(mean, 16, seed=i + int(mean))
            if hot and i % 2:
                image[3, 3] = 4_500
            Image.fromarray(image).save(root / name / f"{i:03}.png")
    return root


def load(root: Path, **options: Any) -> Dataset:
    return load_dataset(str(root), None, ignore_progress, **({"image_size": 16} | options))


def brightness(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> list[list[float]]:
    return [images[labels == label].mean(axis=(1, 2, 3)).tolist() for label in (0, 1)]


def test_a_folder_has_one_range_which_it_tells(tmp_path: Path) -> None:
    data = load(write(tmp_path / "deep", 20))
    (found,) = data.ranges
    assert found.format == "16-bit"
    assert 1_000 < found.low < 1_500
    assert 2_500 < found.high < 3_200
    for images, labels in (
        (data.train_images, data.train_labels),
        (data.test_images, data.test_labels),
    ):
        dark, light = brightness(images, labels)
        assert max(dark) + 30 < min(light)
    assert any(
        note.startswith("16-bit images: 1,") and "as found in 32 training images" in note
        for note in data.notes
    )
    assert not data.warnings
    again = load(tmp_path / "deep", range_of=scaling(data.ranges))
    assert np.array_equal(again.train_images, data.train_images)
    assert np.array_equal(again.test_images, data.test_images)


def test_bytes_are_never_rescaled_and_each_format_has_its_own_range(tmp_path: Path) -> None:
    root = write(tmp_path / "mixed", 6)
    (root / "plain").mkdir()
    for i in range(6):
        grey = np.full((16, 16), 40 + i, np.uint8)
        Image.fromarray(grey).save(root / "plain" / f"{i}.png")
        real = np.full((16, 16), 0.5 + i / 100, np.float32)
        Image.fromarray(real).save(root / "plain" / f"{i}.tiff")
    data = load(root)
    assert {each.format for each in data.ranges} == {"16-bit", "float"}
    assert SampleRange("float", 0.0, 1.0) in data.ranges
    plain = data.train_images[data.train_labels == 2].reshape(-1, 16 * 16 * 3)
    values = sorted({int(row[0]) for row in plain})
    assert all(value in range(40, 46) or value in range(127, 142) for value in values)
    assert any(value < 46 for value in values)


def test_a_format_of_the_test_images_alone_is_told(tmp_path: Path) -> None:
    write(tmp_path / "split" / "test", 2)
    for name in ("dark", "light"):
        (tmp_path / "split" / "train" / name).mkdir(parents=True)
        for i in range(4):
            Image.new("L", (16, 16), i).save(tmp_path / "split" / "train" / name / f"{i}.png")
    (warning,) = load(tmp_path / "split").warnings
    assert warning.startswith("no training image has the format 16-bit")


def test_a_damaged_file_takes_no_part_in_the_range(tmp_path: Path) -> None:
    root = write(tmp_path / "deep", 8)
    for path in sorted(root.glob("*/00[0-2].png")):
        path.write_bytes(path.read_bytes()[:300])
    data = load(root)
    assert len(data.train_labels) + len(data.test_labels) == 10
    assert len(data.ranges) == 1


def test_a_file_that_is_gone_at_the_second_look_is_told(tmp_path: Path) -> None:
    root = write(tmp_path / "deep", 8)
    gone = list_folder(root).train[3][0]
    told: list[tuple[int, int | None]] = []

    def progress(done: int, total: int | None, unit: str) -> None:
        told.append((done, total))
        gone.unlink(missing_ok=True)

    data = load_dataset(str(root), None, progress, image_size=16)
    assert len(data.train_labels) == 11
    assert [line.partition(":")[0] for line in data.seen.unreadable] == [str(gone)]
    # Those that are read twice count twice.
    assert told[-1] == (28, 28)


def test_where_no_image_can_be_read_it_is_told(tmp_path: Path) -> None:
    root = write(tmp_path / "deep", 3)
    for path in root.glob("*/*.png"):
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="expected readable training images"):
        load(root)
