"""Checkpoints: whole or not there, and read back byte for byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from engine.backend.adam import continue_adam
from engine.common.codec import from_plain, to_plain
from engine.errors import InputError
from engine.runs.checkpoint import (
    Position,
    load_optimizer,
    load_weights,
    newest_whole,
    read_position,
    save_checkpoint,
)

POSITION = Position(2, 7, 13, 1e-4, ("dense",), True)


def network(seed: int, width: int = 4) -> Any:
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dropout(0.5, seed=seed),
            keras.layers.Dense(width),
            keras.layers.BatchNormalization(),
        ]
    )
    return model, continue_adam(None, model.trainable_variables, 1e-3)


def test_every_variable_comes_back_the_dropout_seed_too(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints" / "last.npz"
    model, adam = network(0)
    model(np.ones((8, 3)), training=True)
    adam.apply([v.value * 0 + 1 for v in model.trainable_variables], model.trainable_variables)
    size = save_checkpoint(path, model, adam, POSITION)
    other, other_adam = network(1)
    load_weights(path, other)
    load_optimizer(path, other_adam)
    assert repr(read_position(path)) == repr(POSITION)  # NaN is never equal
    assert size == path.stat().st_size
    assert [p.name for p in path.parent.iterdir()] == ["last.npz"]
    for mine, theirs in zip(
        [*model.variables, *adam.variables], [*other.variables, *other_adam.variables], strict=True
    ):
        assert np.asarray(mine.value).tobytes() == np.asarray(theirs.value).tobytes()
    x = np.ones((8, 3))
    assert np.array_equal(model(x, training=True), other(x, training=True))


def test_one_of_before_xla_was_chosen_leaves_it_to_keras() -> None:
    plain = to_plain(replace(POSITION, xla={"10 parameters": True}))
    assert from_plain(Position, plain).xla == {"10 parameters": True}
    del plain["xla"]
    assert from_plain(Position, plain).xla is None


def test_one_of_another_model_and_a_damaged_one_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "last.npz"
    model, adam = network(0)
    save_checkpoint(path, model, adam, POSITION)
    small = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    with pytest.raises(InputError, match="variables"):
        load_weights(path, small)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match=r"last\.npz"):
        read_position(path)
    with pytest.raises(InputError):
        read_position(tmp_path / "missing.npz")


def test_the_newest_whole_one_is_found(tmp_path: Path) -> None:
    assert newest_whole(tmp_path) is None
    model, adam = network(0)
    last, previous = tmp_path / "last.npz", tmp_path / "previous.npz"
    for path in (last, previous):
        save_checkpoint(path, model, adam, POSITION)
    assert newest_whole(tmp_path) == last
    data = bytearray(last.read_bytes())
    data[data.index(b'"stage"')] ^= 1  # a bit of what it holds: zip does not check its own dates
    last.write_bytes(data)
    assert newest_whole(tmp_path) == previous
    previous.write_bytes(b"")
    assert newest_whole(tmp_path) is None
