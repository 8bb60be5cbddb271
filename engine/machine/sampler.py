"""CPU, memory and GPU readings once a second, from a thread that can never end a run."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.machine.gpu import GpuReader
from engine.protocol.events import HardwareSampled
from engine.protocol.facts import GpuReading

_log = logging.getLogger(__name__)
_CGROUP_FILES = {
    # limit, use, and the key of memory.stat that counts cache the kernel can reclaim
    "v2": ("memory.max", "memory.current", "inactive_file"),
    "v1": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of the machine, or of the container where that has less."""

    used_bytes: int
    total_bytes: int


class HardwareSampler(threading.Thread):
    """Emits a HardwareSampled every interval until stopped.

    A failure is reported once, in the log and, where it concerns the GPUs, in `gpu_note`; the next
    interval tries again.
    """

    def __init__(
        self, emit: Callable[[HardwareSampled], None], interval_seconds: float = 1.0
    ) -> None:
        """Prepare the thread; `start()` begins sampling.

        Args:
            emit: called from this thread.
            interval_seconds: between two readings; NVML shows nothing new below 1.
        """
        super().__init__(name="hardware", daemon=True)
        self._emit = emit
        self._interval_seconds = interval_seconds
        self._stopping = threading.Event()
        self._complained = False

    def stop(self) -> None:
        """Ask the thread to end, which it does within one reading."""
        self._stopping.set()

    def run(self) -> None:
        """Sample until stopped."""
        gpus: GpuReader | None = None
        try:
            prime_cpu()
            gpus = GpuReader()
            while not self._stopping.wait(self._interval_seconds):
                self._sample(gpus)
        except Exception as error:
            self._complain(error)
        finally:
            if gpus is not None:
                gpus.close()

    def _sample(self, gpus: GpuReader) -> None:
        try:
            readings, note = gpus.read()
        except Exception as error:
            readings, note = (), f"NVML: {type(error).__name__}: {error}"[:80]
            self._complain(error)
        try:
            self._emit(read_machine(readings, note))
        except Exception as error:
            self._complain(error)

    def _complain(self, error: Exception) -> None:
        if not self._complained:
            self._complained = True
            _log.warning("hardware readings failed: %s: %s", type(error).__name__, error)


def prime_cpu() -> None:
    """Begin measuring: psutil reports the CPU since its last call, and 0.0 at first."""
    import psutil

    psutil.cpu_percent(percpu=True)


def read_machine(gpus: tuple[GpuReading, ...], gpu_note: str) -> HardwareSampled:
    """Read CPU, memory and this process, and add these GPU readings."""
    import psutil

    memory = read_memory()
    return HardwareSampled(
        cpu_percent=tuple(psutil.cpu_percent(percpu=True)),
        memory_used_bytes=memory.used_bytes,
        memory_total_bytes=memory.total_bytes,
        process_memory_bytes=psutil.Process().memory_info().rss,
        gpus=gpus,
        gpu_note=gpu_note,
    )


def read_memory(root: Path = Path("/")) -> Memory:
    """Read the machine's memory, or the container's where its limit is lower."""
    import psutil

    machine = psutil.virtual_memory()
    container = container_memory(root)
    if container is not None and container.total_bytes < machine.total:
        return container
    return Memory(machine.total - machine.available, machine.total)


def container_memory(root: Path = Path("/")) -> Memory | None:
    """Read what the control groups of this process allow and use; None without a limit.

    Groups nest and each may have a limit: the lowest counts.

    Args:
        root: the folder that holds `proc` and `sys`.
    """
    found = [memory for group, kind in _groups(root) if (memory := _group_memory(group, kind))]
    return min(found, key=lambda memory: memory.total_bytes, default=None)


def _groups(root: Path) -> list[tuple[Path, str]]:
    """This process's memory control groups, the innermost first, and their version."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    groups = []
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0":
            mount, kind = root / "sys/fs/cgroup", "v2"
        elif "memory" in controllers.split(","):
            mount, kind = root / "sys/fs/cgroup/memory", "v1"
        else:
            continue
        # in a container the path may be the host's, of which only the mount itself is visible
        inner = mount / path.lstrip("/")
        groups += [
            (group, kind) for group in (inner, *inner.parents) if group.is_relative_to(mount)
        ]
    return groups


def _group_memory(group: Path, kind: str) -> Memory | None:
    limit_file, use_file, cache_key = _CGROUP_FILES[kind]
    try:
        limit = int((group / limit_file).read_text())  # `max` is no number: no limit
        used = int((group / use_file).read_text())
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        cache = int(stat.get(cache_key, 0))
    except (OSError, ValueError):
        return None
    return Memory(max(used - cache, 0), limit) if limit > 0 else None
