"""Rows come in the order asked, whether held in memory or taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.backend.batches import Rows, aligned, shared_tensor

FIRST = np.arange(20, dtype="float32").reshape(10, 2)
SECOND = np.arange(10, dtype="uint8").reshape(10, 1)
LABELS = np.arange(10) * 3
ORDER = np.array([7, 0, 9, 9, 2])


def collected(rows: Rows, batch_size: int = 2) -> list[Any]:
    return [(inputs, np.asarray(labels)) for inputs, labels in rows.batches(ORDER, batch_size)]


def held() -> Rows:
    return Rows([FIRST, SECOND], LABELS)


def taken() -> Rows:
    def take(rows: Any) -> list[Any]:
        return [FIRST[rows], SECOND[rows]]

    return Rows.taken(take, LABELS, [(2,), (1,)], ["float32", "uint8"])


@pytest.mark.parametrize("rows", [held(), taken()])
def test_batches_follow_the_order(rows: Rows) -> None:
    batches = collected(rows)
    assert [len(labels) for _, labels in batches] == [2, 2, 1]
    assert np.concatenate([labels for _, labels in batches]).tolist() == (ORDER * 3).tolist()
    for i, array in enumerate((FIRST, SECOND)):
        found = np.concatenate([np.asarray(inputs[i]) for inputs, _ in batches])
        assert found.tolist() == array[ORDER].tolist()


def test_a_single_input_stands_alone() -> None:
    inputs, _ = collected(Rows([FIRST], LABELS))[0]
    assert np.asarray(inputs).tolist() == FIRST[[7, 0]].tolist()


def test_half_precision_is_given_as_it_was_computed() -> None:
    import ml_dtypes  # what Keras computes bfloat16 with

    halves = FIRST.astype(ml_dtypes.bfloat16)
    inputs, _ = collected(Rows([halves.view("uint16")], LABELS, ["bfloat16"]))[0]
    assert "bfloat16" in str(inputs.dtype)
    assert np.asarray(inputs, "float32").tolist() == FIRST[[7, 0]].tolist()


def test_an_aligned_array_is_shared_not_copied() -> None:
    array = aligned((3, 5), "float32")
    array[:] = 1
    tensor = shared_tensor(array)
    array[0, 0] = 8
    assert float(tensor[0, 0]) == 8


def test_an_unaligned_array_is_copied() -> None:
    memory = aligned((17,), "uint8")
    memory[:] = 1
    tensor = shared_tensor(memory[1:])
    memory[:] = 0
    assert np.asarray(tensor).tolist() == [1] * 16
