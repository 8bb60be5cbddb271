"""Views: the same bytes by view, by block and by batch; drawn evenly and by seed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.config.spec import RunSpec
from engine.datasets.augmentation import CROP_PADDING, draw_views, render_choice

FLIPS = pytest.mark.parametrize("flip", [False, True])
CROPS = 3


@pytest.fixture(scope="module", params=[(32, 32), (64, 48)], ids=["32px", "64x48px"])
def images(request: pytest.FixtureRequest) -> NDArray[np.uint8]:
    """Noise: every pixel tells where it came from."""
    shape = (1500, *request.param, 3)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def spec(flip: bool, crops: int = CROPS) -> RunSpec:
    """A run that shows its images in these views."""
    return RunSpec("CustomCNN", "digits", (), 32, flip=flip, views=crops)


def render_view(images: NDArray[np.uint8], view: int, *, flip: bool) -> NDArray[np.uint8]:
    """A whole split in one view."""
    return render_choice(images, np.arange(len(images)), np.full(len(images), view), flip=flip)


def rendered(images: NDArray[np.uint8], flip: bool) -> list[NDArray[np.uint8]]:
    return [render_view(images, view, flip=flip) for view in range(spec(flip).view_count)]


def test_the_count_is_crops_times_sides() -> None:
    counts = [spec(flip, crops).view_count for flip, crops in ((False, 1), (True, 1), (False, 3))]
    assert counts == [1, 2, 3]
    assert spec(True, 3).view_count == 6


@FLIPS
def test_the_first_view_is_the_image(images: NDArray[np.uint8], flip: bool) -> None:
    assert np.array_equal(render_view(images, 0, flip=flip), images)


def test_odd_views_are_the_ones_before_them_mirrored(images: NDArray[np.uint8]) -> None:
    views = rendered(images, flip=True)
    for straight, mirrored in zip(views[::2], views[1::2], strict=True):
        assert np.array_equal(straight[:, :, ::-1], mirrored)


def test_crops_are_the_same_with_and_without_flip(images: NDArray[np.uint8]) -> None:
    for with_flip, without in zip(
        rendered(images, flip=True)[::2], rendered(images, flip=False), strict=True
    ):
        assert np.array_equal(with_flip, without)


@FLIPS
def test_views_are_all_different(images: NDArray[np.uint8], flip: bool) -> None:
    views = rendered(images, flip)
    for i, one in enumerate(views):
        for other in views[i + 1 :]:
            same = (one == other).all(axis=(1, 2, 3))
            # Two crops of an image meet in one of the (2 * 4 + 1)² offsets by chance.
            assert same.mean() < 0.05


def test_a_crop_is_cut_from_the_image_padded_by_reflection(images: NDArray[np.uint8]) -> None:
    few = images[:40]
    _, height, width, _ = few.shape
    rows, columns = CROP_PADDING * height // 32, CROP_PADDING * width // 32
    padded = np.pad(few, ((0, 0), (rows, rows), (columns, columns), (0, 0)), mode="reflect")
    offsets = set()
    for whole, crop in zip(padded, render_view(few, 1, flip=False), strict=True):
        found = [
            (top, left)
            for top in range(2 * rows + 1)
            for left in range(2 * columns + 1)
            if np.array_equal(whole[top : top + height, left : left + width], crop)
        ]
        assert len(found) == 1
        offsets.update(found)
    assert len(offsets) > 20


def test_an_images_crop_does_not_depend_on_how_many_there_are() -> None:
    image = np.random.default_rng(1).integers(0, 256, (1, 8, 8, 3), dtype=np.uint8)
    many = np.broadcast_to(image, (70_000, 8, 8, 3))
    late = render_view(many, 1, flip=False)
    assert np.array_equal(render_view(many[:1000], 1, flip=False), late[:1000])
    rows = np.arange(65_000, 66_000)
    chosen = render_choice(many, rows, np.ones_like(rows), flip=False)
    assert np.array_equal(chosen, late[65_000:66_000])


@FLIPS
def test_a_batch_has_the_rows_of_its_views(images: NDArray[np.uint8], flip: bool) -> None:
    draw = np.random.default_rng(2)
    indices = draw.permutation(len(images))[:200]
    views = draw.integers(0, spec(flip).view_count, 200)
    expected = np.stack(rendered(images, flip))[views, indices]
    assert np.array_equal(render_choice(images, indices, views, flip=flip), expected)


@pytest.mark.parametrize("view", range(4))
def test_rendering_leaves_the_images_as_they_are(images: NDArray[np.uint8], view: int) -> None:
    before = images.copy()
    render_view(images, view, flip=True)
    assert np.array_equal(images, before)


def test_views_are_drawn_evenly() -> None:
    drawn = draw_views(seed=0, epoch=1, images=60_000, count=6)
    assert drawn.shape == (60_000,)
    assert drawn.dtype == np.int64
    shares = np.bincount(drawn, minlength=6) / 60_000
    six_deviations = 6 * (5 / 36 / 60_000) ** 0.5
    assert np.abs(shares - 1 / 6).max() < six_deviations


def test_each_seed_and_epoch_draws_its_own_views_again() -> None:
    first = draw_views(3, 1, 1000, 4)
    assert np.array_equal(draw_views(3, 1, 1000, 4), first)
    for other in (draw_views(4, 1, 1000, 4), draw_views(3, 2, 1000, 4)):
        assert 0.15 < (other == first).mean() < 0.35


def test_a_single_view_needs_no_drawing() -> None:
    assert draw_views(0, 5, 10, 1).tolist() == [0] * 10
