"""FeatureStore: what is kept, found, listed, evicted and noticed as broken."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.features.file_format import BLOCK_BYTES, Layout
from engine.features.store import FeatureCacheFullError, FeatureStore, feature_key

Arrays = list[NDArray[Any]]
Keep = Callable[..., Path]
SOURCE = Path(__file__).parents[3]
ROWS = 1003


def read(store: FeatureStore, key: str, layouts: tuple[Layout, ...]) -> Arrays | None:
    """What `read` fills in; None where there is nothing intact."""
    found = store.find(key, layouts, ROWS)
    filled: Arrays = [np.empty((ROWS, *layout.shape), layout.dtype) for layout in layouts]
    return filled if found is not None and found.read(filled) else None


def assert_same(found: Arrays | list[np.memmap[Any, Any]] | None, expected: Arrays) -> None:
    assert found is not None
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


@pytest.mark.parametrize("batch", [1, 64, ROWS])
def test_rows_come_back_as_they_were_written(
    store: FeatureStore, arrays: Arrays, layouts: tuple[Layout, ...], batch: int
) -> None:
    with store.writing("k", layouts, ROWS, {}) as writer:
        for start in range(0, ROWS, batch):
            writer.write([array[start : start + batch] for array in arrays])
        writer.finish()
    assert_same(read(store, "k", layouts), arrays)
    found = store.find("k", layouts, ROWS)
    assert found is not None
    maps = found.read()
    assert_same(maps, arrays)
    assert maps is not None
    assert not maps[0].flags.writeable


def test_rows_that_are_not_contiguous_are_written_in_order(store: FeatureStore) -> None:
    array = np.arange(30, dtype=np.float32).reshape(3, 10).T
    with store.writing("k", [Layout((3,), "float32")], 10, {}) as writer:
        writer.write([array])
        writer.finish()
    found = store.find("k", [Layout((3,), "float32")], 10)
    assert found is not None
    assert_same(found.read(), [array])


def test_only_exactly_what_is_asked_for_is_found(
    store: FeatureStore, keep: Keep, layouts: tuple[Layout, ...]
) -> None:
    assert store.find("k", layouts, ROWS) is None
    path = keep(store, "k")
    assert store.find("k", layouts, ROWS) is not None
    assert store.find("k", layouts, ROWS - 1) is None
    assert store.find("k", layouts[:1], ROWS) is None
    assert store.find("k", (Layout((3, 233), "int32"), *layouts[1:]), ROWS) is None
    assert store.find("l", layouts, ROWS) is None
    assert path.exists()


@pytest.mark.parametrize("share", [0, 1e-6, 0.00003, 0.5, 0.999999])
def test_an_entry_that_was_cut_short_is_removed(
    store: FeatureStore, keep: Keep, layouts: tuple[Layout, ...], share: float
) -> None:
    path = keep(store, "k")
    os.truncate(path, int(path.stat().st_size * share))
    assert store.entries() == []
    assert store.find("k", layouts, ROWS) is None
    assert not path.exists()


def test_an_entry_cut_short_after_it_was_found_is_not_read(
    store: FeatureStore, keep: Keep, layouts: tuple[Layout, ...], arrays: Arrays
) -> None:
    path = keep(store, "k")
    found = store.find("k", layouts, ROWS)
    assert found is not None
    os.truncate(path, path.stat().st_size - 1)
    assert not found.read(arrays)
    assert not path.exists()
    assert found.read() is None


def test_an_entry_that_was_replaced_after_it_was_found_is_not_read(
    store: FeatureStore, keep: Keep, layouts: tuple[Layout, ...], arrays: Arrays
) -> None:
    keep(store, "k")
    found = store.find("k", layouts, ROWS)
    assert found is not None
    with store.writing("k", layouts, 3, {}) as writer:
        writer.write([array[:3] for array in arrays])
        writer.finish()
    assert not found.read(arrays)
    assert found.read() is None
    assert store.find("k", layouts, 3) is not None


def alter(path: Path, position: int) -> None:
    """Change one bit."""
    with path.open("r+b") as file:
        file.seek(position)
        (value,) = file.read(1)
        file.seek(position)
        file.write(bytes([value ^ 1]))


def places(path: Path) -> dict[str, int]:
    """Where a changed bit must be noticed when the tensors are read."""
    start = len(path.open("rb").readline())
    first = ROWS * 3 * 233 * 4
    return {
        "first byte": start,
        "end of a block": start + BLOCK_BYTES - 1,
        "start of a block": start + BLOCK_BYTES,
        "last, shorter block": start + first - 1,
        "last tensor": path.stat().st_size - 4 * 4 - 64 - 8,
    }


@pytest.mark.parametrize("by_map", [False, True])
@pytest.mark.parametrize(
    "place",
    ["first byte", "end of a block", "start of a block", "last, shorter block", "last tensor"],
)
def test_an_altered_byte_is_noticed_as_it_is_read(
    store: FeatureStore,
    keep: Keep,
    layouts: tuple[Layout, ...],
    arrays: Arrays,
    place: str,
    by_map: bool,
) -> None:
    path = keep(store, "k")
    alter(path, places(path)[place])
    found = store.find("k", layouts, ROWS)
    assert found is not None
    if by_map:
        assert found.read() is None
    else:
        assert not found.read([np.empty_like(array) for array in arrays])
    assert not path.exists()
    keep(store, "k")
    assert_same(read(store, "k", layouts), arrays)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"rows": 1003', b'"rows": 1002'),
        (b'"rows": 1003', b'"rows": -100'),
        (b'"VGG16"', b'"VGG19"'),
        (b'"uint16"', b'"junk16"'),
        (b'"layouts": [', b'"layouts": 77'),
        (b'"about": {', b'"about": ['),
    ],
)
def test_an_altered_header_is_noticed(
    store: FeatureStore, keep: Keep, layouts: tuple[Layout, ...], old: bytes, new: bytes
) -> None:
    path = keep(store, "k", model="VGG16")
    whole = path.read_bytes()
    assert old in whole
    path.write_bytes(whole.replace(old, new, 1))
    assert store.entries() == []
    assert store.find("k", layouts, ROWS) is None
    assert not path.exists()


def test_an_altered_checksum_is_noticed(
    store: FeatureStore, keep: Keep, layouts: tuple[Layout, ...]
) -> None:
    path = keep(store, "k")
    alter(path, path.stat().st_size - 5)
    assert store.find("k", layouts, ROWS) is None
    assert not path.exists()


def test_an_entry_of_another_format_is_left_alone_until_it_is_replaced(
    store: FeatureStore, keep: Keep, layouts: tuple[Layout, ...], arrays: Arrays
) -> None:
    path = keep(store, "k")
    path.write_bytes(path.read_bytes().replace(b"features 2", b"features 1", 1))
    assert store.find("k", layouts, ROWS) is None
    assert store.entries() == []
    assert path.exists()
    keep(store, "k")
    assert_same(read(store, "k", layouts), arrays)


def test_arrays_that_do_not_fit_are_refused(
    store: FeatureStore, keep: Keep, layouts: tuple[Layout, ...], arrays: Arrays
) -> None:
    keep(store, "k")
    found = store.find("k", layouts, ROWS)
    assert found is not None
    for wrong in (arrays[:2], [*arrays[:2], arrays[2][1:]], [arrays[0].astype("f8"), *arrays[1:]]):
        with pytest.raises(ValueError, match="expected"):
            found.read(wrong)
    assert found.read() is not None


def test_the_entries_not_used_for_longest_are_evicted(
    tmp_path: Path, keep: Keep, layouts: tuple[Layout, ...]
) -> None:
    size = keep(FeatureStore(tmp_path, 1 << 30), "0").stat().st_size
    store = FeatureStore(tmp_path, 3 * size + size // 2)
    for key in "12":
        keep(store, key)
    for key in "201":
        assert store.find(key, layouts, ROWS) is not None
    keep(store, "3")
    assert store.find("2", layouts, ROWS) is None
    for key in "310":
        assert store.find(key, layouts, ROWS) is not None
    assert [entry.key for entry in store.entries()] == ["0", "1", "3"]
    smaller = FeatureStore(tmp_path, 2 * size)
    keep(smaller, "4")
    assert {entry.key for entry in store.entries()} == {"0", "4"}


def test_an_entry_that_exceeds_the_limit_is_refused_and_evicts_nothing(
    tmp_path: Path, keep: Keep
) -> None:
    size = keep(FeatureStore(tmp_path, 1 << 30), "0").stat().st_size
    with pytest.raises(FeatureCacheFullError, match=r"limit of 2\.6\d MB, found 2\.6\d MB"):
        keep(FeatureStore(tmp_path, size - 1), "1")
    with pytest.raises(FeatureCacheFullError, match="limit of 0 B"):
        keep(FeatureStore(tmp_path, 0), "1")
    assert [path.stem for path in (tmp_path / "features").iterdir()] == ["0"]
    assert keep(FeatureStore(tmp_path, size), "1").stat().st_size == size


def test_what_is_being_written_counts_and_stays(
    tmp_path: Path, keep: Keep, layouts: tuple[Layout, ...]
) -> None:
    size = keep(FeatureStore(tmp_path, 1 << 30), "0").stat().st_size
    store = FeatureStore(tmp_path, 2 * size - 1)
    with store.writing("1", layouts, ROWS, {}):
        assert store.entries() == []  # evicted for it
        with pytest.raises(FeatureCacheFullError):
            keep(store, "2")
        assert store.clear() == (0, 0)
        assert len(list(store.folder.iterdir())) == 1
    keep(store, "2")


def test_the_list_says_what_the_writer_said(
    store: FeatureStore, keep: Keep, layouts: tuple[Layout, ...]
) -> None:
    assert store.entries() == []
    path = keep(store, "a", model="VGG16", image_size=96)
    keep(store, "b")
    (store.folder / "notes.txt").write_text("someone else's")
    (store.folder / "c.features").write_text("someone else's")
    store.find("a", layouts, ROWS)
    first, second = store.entries()
    assert (first.key, second.key) == ("a", "b")
    assert first.about == {"model": "VGG16", "image_size": 96}
    assert (first.rows, first.bytes) == (ROWS, path.stat().st_size)
    assert first.created < second.created < first.last_used


def test_clearing_removes_all_entries_and_nothing_else(store: FeatureStore, keep: Keep) -> None:
    assert store.clear() == (0, 0)
    size = keep(store, "a").stat().st_size + keep(store, "b").stat().st_size
    (store.folder / "notes.txt").write_text("someone else's")
    assert store.clear() == (2, size)
    assert [path.name for path in store.folder.iterdir()] == ["notes.txt"]


def test_a_file_in_the_place_of_the_folder_is_an_error(
    tmp_path: Path, keep: Keep, layouts: tuple[Layout, ...]
) -> None:
    (tmp_path / "features").write_text("")
    store = FeatureStore(tmp_path, 1 << 30)
    assert store.find("k", layouts, ROWS) is None
    for use in (store.entries, store.clear, lambda: keep(store, "k")):
        with pytest.raises(OSError, match="features"):
            use()


def test_a_key_depends_on_every_part_and_not_on_their_order() -> None:
    key = feature_key({"weights": "ab", "size": "96"})
    assert len(key) == 32
    assert key == feature_key({"size": "96", "weights": "ab"})
    others = [{"weights": "ab"}, {"weights": "ab", "size": "97"}, {"weights": "ab9", "size": "6"}]
    assert key not in [feature_key(parts) for parts in others]


def test_the_cache_loads_nothing_slow() -> None:
    code = (
        "import sys, engine.features.store\n"
        "print({'numpy', 'keras', 'platformdirs'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=SOURCE
    )
    assert done.stdout.strip() == "set()"
