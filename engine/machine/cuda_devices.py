"""Which of the machine's GPUs is `gpu:N`: CUDA numbers devices in another order than NVML."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GpuIdentity:
    """What identifies a GPU for as long as the machine is up."""

    name: str
    uuid: str = ""
    pci: tuple[int, int, int] | None = None
    """Domain, bus, device."""
    is_mig: bool = False
    """Whether it is split into instances."""


def cuda_indices(
    gpus: Sequence[GpuIdentity],
    environment: Mapping[str, str],
    parent_of_mig: Callable[[str], str] = lambda _: "",
) -> tuple[int | None, ...]:
    """Find the number N of each GPU's CUDA device `gpu:N`; None where it has none or is not sure.

    Without CUDA_DEVICE_ORDER=PCI_BUS_ID the order is the fastest first, which only CUDA itself
    knows; a UUID is sure in any order.

    Args:
        gpus: all that NVML lists, in any order.
        environment: of the process that computes: CUDA_VISIBLE_DEVICES, CUDA_DEVICE_ORDER.
        parent_of_mig: returns the UUID of the GPU that a MIG device's UUID belongs to, else "".
    """
    order = _cuda_order(gpus, environment.get("CUDA_DEVICE_ORDER", ""))
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        places = order
    else:
        places = _chosen(gpus, order, [word.strip() for word in visible.split(",")], parent_of_mig)
    return tuple(places.index(i) if i in places else None for i in range(len(gpus)))


def _cuda_order(gpus: Sequence[GpuIdentity], order: str) -> list[int | None]:
    """Places in `gpus`, in the order in which CUDA numbers all of them; None where unknown."""
    if len(gpus) == 1:
        return [0]
    keys = [gpu.pci for gpu in gpus]
    # Among several GPUs, CUDA leaves some out where one is in MIG mode.
    if order != "PCI_BUS_ID" or None in keys or any(gpu.is_mig for gpu in gpus):
        return [None] * len(gpus)
    return [*sorted(range(len(gpus)), key=lambda i: keys[i] or ())]


def _chosen(
    gpus: Sequence[GpuIdentity],
    order: list[int | None],
    words: list[str],
    parent_of_mig: Callable[[str], str],
) -> list[int | None]:
    """Places in `gpus` of what CUDA_VISIBLE_DEVICES lists; None for one that is not sure."""
    if len({word[0].isdecimal() for word in words if word[:1].isalnum()}) > 1:
        return []  # numbers beside UUIDs: undocumented
    places: list[int | None] = []
    for word in words:
        if word.isdecimal():
            if int(word) >= len(order):
                break  # CUDA ends the list at the first that is not there
            place = order[int(word)]
        else:
            found = _with_uuid(gpus, _gpu_uuid(word, parent_of_mig))
            if found is None:
                break
            if word.startswith("MIG-"):
                return [found]  # a process can use one MIG device
            place = found
        places.append(place)
    known = [place for place in places if place is not None]
    return [] if len(set(known)) < len(known) else places  # CUDA rejects one listed twice


def _gpu_uuid(word: str, parent_of_mig: Callable[[str], str]) -> str:
    """The GPU's UUID, or how it begins, of an entry that is one or that names a MIG device."""
    if word.startswith("MIG-GPU-"):  # drivers before 470: MIG-<GPU's UUID>/<instance>/<instance>
        return word.removeprefix("MIG-").partition("/")[0]
    return parent_of_mig(word) if word.startswith("MIG-") else word


def _with_uuid(gpus: Sequence[GpuIdentity], start: str) -> int | None:
    """The place of the only GPU whose UUID begins so; None where there is none or several."""
    if not start.startswith("GPU-"):
        return None
    found = [i for i, gpu in enumerate(gpus) if gpu.uuid.startswith(start)]
    return found[0] if len(found) == 1 else None
