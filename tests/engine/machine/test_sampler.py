"""Readings of this machine and of control groups laid out by hand; a sampler that goes on."""

from __future__ import annotations

import logging
import queue
import sys
from pathlib import Path

import psutil
import pynvml
import pytest

from engine.machine.gpu import GpuReader
from engine.machine.sampler import (
    HardwareSampler,
    Memory,
    container_memory,
    read_machine,
    read_memory,
)
from engine.protocol.events import HardwareSampled

GIB = 1 << 30


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_this_machine_is_read_through_the_real_library() -> None:
    reader = GpuReader()
    gpus, note = reader.read()
    reader.close()
    assert bool(gpus) != bool(note)
    sample = read_machine(gpus, note)
    assert len(sample.cpu_percent) == psutil.cpu_count()
    assert all(0 <= percent <= 100 for percent in sample.cpu_percent)
    assert 0 < sample.process_memory_bytes < sample.memory_total_bytes
    assert 0 < sample.memory_used_bytes <= sample.memory_total_bytes


def test_a_container_of_version_2_counts_without_its_cache(tmp_path: Path) -> None:
    group = "sys/fs/cgroup/app"
    files = {
        "proc/self/cgroup": "0::/app/worker\n",
        f"{group}/memory.max": f"{GIB}\n",
        f"{group}/memory.current": "5000\n",
        f"{group}/memory.stat": "anon 4000\ninactive_file 1000\n",
        f"{group}/worker/memory.max": "max\n",
        f"{group}/worker/memory.current": "300\n",
        f"{group}/worker/memory.stat": "inactive_file 0\n",
    }
    assert container_memory(write(tmp_path, files)) == Memory(4000, GIB)
    assert read_memory(tmp_path) == Memory(4000, GIB)


@pytest.mark.parametrize("path", ["/", "/docker/of-the-host"])
def test_a_container_of_version_1_is_read_at_its_mount(tmp_path: Path, path: str) -> None:
    group = "sys/fs/cgroup/memory"
    files = {
        "proc/self/cgroup": f"5:cpu,memory:{path}\n4:pids:/\n0::/\n",
        f"{group}/memory.limit_in_bytes": f"{GIB}\n",
        f"{group}/memory.usage_in_bytes": "5000\n",
        f"{group}/memory.stat": "cache 1\ntotal_inactive_file 2000\n",
    }
    assert container_memory(write(tmp_path, files)) == Memory(3000, GIB)


def test_a_limit_above_the_machine_or_none_leaves_the_machine(tmp_path: Path) -> None:
    group = "sys/fs/cgroup"
    files = {
        "proc/self/cgroup": "0::/\n",
        f"{group}/memory.max": f"{1 << 62}\n",
        f"{group}/memory.current": "5000\n",
        f"{group}/memory.stat": "inactive_file 0\n",
    }
    total = psutil.virtual_memory().total
    assert read_memory(write(tmp_path / "unlimited", files)).total_bytes == total
    assert read_memory(tmp_path / "nothing").total_bytes == total


def test_the_sampler_goes_on_until_stopped() -> None:
    samples: queue.Queue[HardwareSampled] = queue.Queue()
    sampler = HardwareSampler(samples.put, interval_seconds=0.05)
    sampler.start()
    first, second = samples.get(timeout=10), samples.get(timeout=10)
    sampler.stop()
    sampler.join(timeout=10)
    assert not sampler.is_alive()
    assert second.time > first.time
    assert len(first.cpu_percent) == psutil.cpu_count()


def test_a_listener_that_fails_is_logged_once_and_ends_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls: queue.Queue[None] = queue.Queue()

    def fail(_: HardwareSampled) -> None:
        calls.put(None)
        raise OSError("no space left on the disk")

    sampler = HardwareSampler(fail, interval_seconds=0.01)
    with caplog.at_level(logging.WARNING):
        sampler.start()
        for _ in range(3):
            calls.get(timeout=10)
        sampler.stop()
        sampler.join(timeout=10)
    assert [record.message for record in caplog.records] == [
        "hardware readings failed: OSError: no space left on the disk"
    ]


def test_a_gpu_library_that_breaks_leaves_the_other_readings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken:
        NVMLError = pynvml.NVMLError

        def nvmlInit(self) -> None: ...

        def nvmlShutdown(self) -> None: ...

        def nvmlDeviceGetCount(self) -> int:
            return 1

        def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
            raise OSError("the driver is gone")

    monkeypatch.setitem(sys.modules, "pynvml", Broken())
    samples: queue.Queue[HardwareSampled] = queue.Queue()
    sampler = HardwareSampler(samples.put, interval_seconds=0.01)
    sampler.start()
    sample = samples.get(timeout=10)
    sampler.stop()
    sampler.join(timeout=10)
    assert sample.gpu_note == "NVML: OSError: the driver is gone"
    assert sample.gpus == ()
    assert sample.memory_used_bytes > 0
