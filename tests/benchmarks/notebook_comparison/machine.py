"""The machine that a benchmark ran on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from engine.machine.provenance import find_origin


@dataclass(frozen=True, slots=True)
class Machine:
    """What a figure in seconds depends on."""

    cpu: str
    """The processor's name; empty where the system does not tell."""
    cores: int
    """Those that this process may use."""
    memory_bytes: int
    """Of the machine, whatever a container may be allowed."""
    gpus: tuple[str, ...]
    """Names, as the engine's samples gave them."""
    device: str
    """Where the engine computed: `cpu:0`, `gpu:1`."""
    backend: str
    versions: dict[str, str]
    revision: str | None
    """Git revision of the source tree; None for an installed package."""


def describe_machine(device: str, gpus: tuple[str, ...]) -> Machine:
    """Describe this machine; loads no framework."""
    import psutil

    origin = find_origin()
    return Machine(
        cpu=_cpu_name(),
        cores=_cores(),
        memory_bytes=psutil.virtual_memory().total,
        gpus=gpus,
        device=device,
        backend=origin.backend,
        versions=origin.versions,
        revision=origin.revision,
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_name() -> str:
    import platform

    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
