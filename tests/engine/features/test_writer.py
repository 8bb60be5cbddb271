"""FeatureWriter: an entry is there whole or not at all, whatever other processes do."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.features.file_format import Layout
from engine.features.store import FeatureStore
from engine.features.writer import remove_leftovers

Arrays = list[NDArray[Any]]
Start = Callable[..., subprocess.Popen[str]]
ROWS = 1003
VECTOR = [Layout((1000,), "float32")]
OTHER_PROCESS = """
import sys
from pathlib import Path
import numpy as np
from engine.features.file_format import Layout
from engine.features.store import FeatureStore

def begin(key, limit=1 << 30):
    store = FeatureStore(Path(sys.argv[1]), limit)
    return store.writing(key, [Layout((1000,), "float32")], 1000, {})

def keep(key, value, limit=1 << 30):
    with begin(key, limit) as writer:
        writer.write([np.full((1000, 1000), value, np.float32)])
        writer.finish()
"""


def keep(store: FeatureStore, key: str, value: float) -> None:
    """Write an entry of 4 MB that holds this value."""
    with store.writing(key, VECTOR, 1000, {}) as writer:
        writer.write([np.full((1000, 1000), value, np.float32)])
        writer.finish()


def value_of(store: FeatureStore, key: str) -> float:
    """The one value of such an entry."""
    found = store.find(key, VECTOR, 1000)
    assert found is not None
    array = np.empty((1000, 1000), np.float32)
    assert found.read([array])
    assert array.min() == array.max()
    return float(array[0, 0])


def names(store: FeatureStore) -> list[str]:
    """The files of the cache."""
    return sorted(path.name for path in store.folder.iterdir())


def test_an_entry_is_not_seen_before_it_is_finished(
    store: FeatureStore, arrays: Arrays, layouts: tuple[Layout, ...]
) -> None:
    with store.writing("k", layouts, ROWS, {}) as writer:
        writer.write(arrays)
        assert store.find("k", layouts, ROWS) is None
        assert store.entries() == []
        writer.finish()
        assert store.find("k", layouts, ROWS) is not None
    assert names(store) == ["k.features"]


def test_an_abandoned_entry_leaves_nothing(
    store: FeatureStore, arrays: Arrays, layouts: tuple[Layout, ...]
) -> None:
    writer = store.writing("k", layouts, ROWS, {})
    writer.write([array[:10] for array in arrays])
    writer.abandon()
    writer.abandon()
    assert names(store) == []
    with store.writing("k", layouts, ROWS, {}) as writer:
        writer.write(arrays)
    assert names(store) == []


def test_rows_that_do_not_fit_are_refused(
    store: FeatureStore, arrays: Arrays, layouts: tuple[Layout, ...]
) -> None:
    one = [array[:1] for array in arrays]
    with store.writing("k", layouts, ROWS, {}) as writer:
        writer.write(one)
        for wrong in (
            arrays,
            one[:2],
            [*one[:2], arrays[2][:2]],
            [one[0].astype(np.float64), *one[1:]],
            [one[0][:, :2], *one[1:]],
        ):
            with pytest.raises(ValueError, match="expected"):
                writer.write(wrong)
        with pytest.raises(ValueError, match="fewer"):
            writer.finish()
    assert names(store) == []
    with pytest.raises(ValueError, match="expected rows"):
        store.writing("k", layouts, 0, {})


@pytest.mark.parametrize("when", ["begin", "write", "finish"])
def test_a_disk_that_takes_no_more_is_an_error_that_leaves_nothing(
    tmp_path: Path, start: Start, when: str
) -> None:
    code = (
        OTHER_PROCESS
        + f"""
import resource
def fill(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

when, reached = {when!r}, []
try:
    if when == "begin":
        fill(1_000_000)
    writer = begin("k")
    reached.append("begun")
    if when == "write":
        fill(1_000_000)
    writer.write([np.zeros((1000, 1000), np.float32)])
    reached.append("written")
    fill(4_000_000)
    writer.finish()
except OSError as error:
    print(error.strerror, *reached)
"""
    )
    printed, _ = start(code, str(tmp_path)).communicate(timeout=60)
    reached = {"begin": "", "write": " begun", "finish": " begun written"}[when]
    assert printed == f"File too large{reached}\n"
    assert list((tmp_path / "features").iterdir()) == []


def test_of_two_writers_of_one_key_the_first_to_finish_wins(
    store: FeatureStore, tmp_path: Path, start: Start
) -> None:
    with store.writing("k", VECTOR, 1000, {}) as ours:
        other = start(OTHER_PROCESS + "keep('k', 2)", str(tmp_path))
        ours.write([np.full((1000, 1000), 1, np.float32)])
        assert other.wait(timeout=60) == 0
        assert value_of(store, "k") == 2
        ours.finish()
    assert value_of(store, "k") == 2
    assert names(store) == ["k.features"]


def test_an_entry_of_other_layouts_gives_way(store: FeatureStore) -> None:
    keep(store, "k", 1)
    with store.writing("k", [Layout((1,), "int8")], 3, {}) as writer:
        writer.write([np.zeros((3, 1), np.int8)])
        writer.finish()
    assert store.find("k", [Layout((1,), "int8")], 3) is not None
    assert names(store) == ["k.features"]


def test_maps_outlive_an_eviction_by_another_process(
    store: FeatureStore, tmp_path: Path, start: Start
) -> None:
    keep(store, "old", 1)
    found = store.find("old", VECTOR, 1000)
    assert found is not None
    maps = found.read()
    assert maps is not None
    other = start(OTHER_PROCESS + "keep('new', 2, limit=5_000_000)", str(tmp_path))
    assert other.wait(timeout=60) == 0
    assert names(store) == ["new.features"]
    assert maps[0].sum() == 1_000_000
    assert found.read() is None
    assert value_of(store, "new") == 2


def test_only_what_a_dead_process_left_is_removed(
    store: FeatureStore, tmp_path: Path, start: Start
) -> None:
    writing = OTHER_PROCESS + "writer = begin('k'); print('begun', flush=True); input()"
    dead, alive = start(writing, str(tmp_path)), start(writing, str(tmp_path))
    for process in (dead, alive):
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
    dead.kill()
    dead.wait()
    assert len(names(store)) == 2
    keep(store, "l", 1)
    assert len(names(store)) == 2
    assert "l.features" in names(store)
    alive.kill()
    alive.wait()
    removed, size = store.clear()
    assert removed == 1
    assert size > 8_000_000
    assert names(store) == []


def test_a_writer_is_never_taken_for_a_leftover(store: FeatureStore) -> None:
    done = threading.Event()

    def remove() -> None:
        while not done.is_set():
            remove_leftovers(store.folder)

    remover = threading.Thread(target=remove)
    remover.start()
    try:
        for i in range(100):
            with store.writing(str(i), [Layout((), "int8")], 1, {}) as writer:
                writer.write([np.zeros(1, np.int8)])
                writer.finish()
    finally:
        done.set()
        remover.join()
    assert len(store.entries()) == 100
