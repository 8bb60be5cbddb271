"""What CUDA calls `gpu:N`, against what its environment variables are documented to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.machine.cuda_devices import GpuIdentity, cuda_indices

BY_BUS = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
FOUR = tuple(
    GpuIdentity(f"Card {i}", f"GPU-{i}a-{'same' if i > 1 else 'other'}", (0, bus, 0))
    for i, bus in enumerate((0x41, 0x01, 0xC1, 0x81))
)
NONE = (None, None, None, None)


def visible(words: str, **more: str) -> dict[str, str]:
    return {"CUDA_VISIBLE_DEVICES": words, **more}


def test_the_only_gpu_is_the_first() -> None:
    assert cuda_indices(FOUR[:1], {}) == (0,)
    assert cuda_indices((GpuIdentity("Card"),), visible("0")) == (0,)
    assert cuda_indices((), {}) == ()


def test_several_are_numbered_along_the_bus_where_that_is_asked() -> None:
    assert cuda_indices(FOUR, BY_BUS) == (1, 0, 3, 2)


@pytest.mark.parametrize("order", [{}, {"CUDA_DEVICE_ORDER": "FASTEST_FIRST"}])
def test_the_fastest_first_is_not_guessed(order: dict[str, str]) -> None:
    assert cuda_indices(FOUR, order) == NONE
    assert cuda_indices(FOUR, visible("2", **order)) == NONE


def test_a_place_on_the_bus_that_is_not_known_leaves_all_unknown() -> None:
    assert cuda_indices((FOUR[0], replace(FOUR[1], pci=None)), BY_BUS) == (None, None)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("0", (None, 0, None, None)),
        ("3,1", (1, None, 0, None)),
        (" 1 , 0 ", (0, 1, None, None)),
        ("1,9,0", (0, None, None, None)),
        ("1,-1,0", (0, None, None, None)),
        ("", NONE),
        ("-1", NONE),
        ("NoDevFiles", NONE),
        ("0,0", NONE),
        ("0,GPU-1a", NONE),
    ],
)
def test_numbers_count_along_cudas_own_order(words: str, expected: tuple[int | None, ...]) -> None:
    assert cuda_indices(FOUR, visible(words, **BY_BUS)) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("GPU-2a-same,GPU-0a-other", (1, None, 0, None)),
        ("GPU-3a", (None, None, None, 0)),
        ("GPU-,GPU-0a", NONE),
        ("GPU-1a,GPU-9a,GPU-0a", (None, 0, None, None)),
    ],
)
def test_a_uuid_or_its_beginning_is_sure_in_any_order(
    words: str, expected: tuple[int | None, ...]
) -> None:
    assert cuda_indices(FOUR, visible(words)) == expected


def test_a_mig_device_marks_the_gpu_it_is_part_of() -> None:
    parents = {"MIG-c0ffee": "GPU-2a-same"}
    for words in ("MIG-c0ffee", "MIG-c0ffee,MIG-other", "MIG-GPU-2a-same/7/0"):
        found = cuda_indices(FOUR, visible(words), lambda uuid: parents.get(uuid, ""))
        assert found == (None, None, 0, None)
    assert cuda_indices(FOUR, visible("MIG-unknown"), lambda _: "") == NONE


def test_beside_a_split_gpu_no_number_is_sure() -> None:
    split = (replace(FOUR[0], is_mig=True), *FOUR[1:])
    assert cuda_indices(split, BY_BUS) == NONE
    assert cuda_indices(split[:1], {}) == (0,)
