"""Pickled batches: those of Python 2 and 3 are read, and none of them runs anything."""

from __future__ import annotations

import os
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.datasets.unpickle import load_plain
from engine.errors import InputError


class Call:
    """Pickles as a call of anything."""

    def __init__(self, *reduced: Any) -> None:
        self.reduced = reduced

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reduced


def array_with(shape: object, dtype: object, raw: object) -> Call:
    """Pickles as an array that says this of itself, true or not."""
    rebuild = (np.ndarray, (0,), b"b")
    reconstruct = np.zeros(1).__reduce__()[0]  # its module's name depends on NumPy's version
    return Call(reconstruct, rebuild, (1, shape, dtype, False, raw))


def python2_batch(data: np.ndarray[Any, Any], labels: list[int]) -> bytes:
    """A batch as Python 2 pickled it with protocol 2: byte strings, and NumPy's old module name."""
    raw = data.tobytes()
    rows = struct.pack("<BH", len(data), data.shape[1])
    return b"".join(
        [
            b"\x80\x02}(U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n",
            b"K\x00\x85U\x01b\x87R(K\x01K" + rows[:1] + b"M" + rows[1:] + b"\x86",
            b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff",
            b"K\x00tb\x89T" + struct.pack("<i", len(raw)) + raw + b"tb",
            b"U\x06labels](" + b"".join(b"K" + bytes([label]) for label in labels) + b"eu.",
        ]
    )


@pytest.mark.parametrize("protocol", [3, 4])
def test_arrays_and_containers_come_back(protocol: int) -> None:
    data = np.arange(24, dtype=np.uint8).reshape(4, 6)
    labels = np.array([1, 2], dtype=">i4")
    batch = {b"data": np.asfortranarray(data), "labels": [3, 4], "more": (labels, {"a": None})}
    found = load_plain(pickle.dumps({**batch, "labels2": labels}, protocol), "batch")
    assert found["data"].tolist() == data.tolist()
    assert found["labels"] == [3, 4]
    assert found["labels2"].tolist() == [1, 2]


def test_a_batch_of_python_2_is_read() -> None:
    data = np.random.default_rng(0).integers(0, 256, (3, 3072), dtype=np.uint8)
    found = load_plain(python2_batch(data, [7, 0, 9]), "batch")
    assert np.array_equal(found["data"], data)
    assert found["labels"] == [7, 0, 9]


def test_a_pickle_that_would_run_a_command_does_not(tmp_path: Path) -> None:
    marker = tmp_path / "it-ran"
    batch = pickle.dumps({"data": Call(os.system, (f"touch {marker}",))})
    with pytest.raises(
        InputError, match=r"^batch: .* asks for posix\.system, of which nothing was"
    ):
        load_plain(batch, "batch")
    assert not marker.exists()
    pickle.loads(batch)
    assert marker.exists()  # so the refusal above refused something


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (Call(eval, ("1",)), "builtins.eval"),
        (Call(getattr, ("", "join")), "builtins.getattr"),
        (Call(np.load, ("x",)), "numpy.load"),
        (np.float64(1), "scalar"),
        (np.array([{}]), "dtype |O8"),
        (np.zeros(1, [("a", "u1")]), "dtype |V1"),
        (array_with((10**9,), np.dtype("u1"), b"few"), "shape (1000000000,) from 3 bytes"),
        (array_with((-1,), np.dtype("u1"), b""), "shape (-1,)"),
        (array_with((1,), np.dtype("u1"), [{}]), "without its bytes"),
        (array_with((1,), "u1", b"1"), "without its bytes"),
    ],
)
def test_what_is_no_plain_array_is_named(call: object, named: str) -> None:
    with pytest.raises(InputError) as caught:
        load_plain(pickle.dumps({"data": call}, 4), "batch")
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pickle_cut_anywhere_is_one_line() -> None:
    whole = pickle.dumps({"data": np.zeros((2, 3), np.uint8), "labels": [1, 2]}, 3)
    for end in range(len(whole)):
        with pytest.raises(InputError, match=r"^batch: expected .*damaged") as caught:
            load_plain(whole[:end], "batch")
        assert "\n" not in str(caught.value)


def test_another_object_than_a_dictionary_is_refused() -> None:
    with pytest.raises(InputError, match=r"expected a pickled dictionary .*, found list;"):
        load_plain(pickle.dumps([1, 2]), "batch")
