"""GPUs read through the real `pynvml` from a library that can be told to misbehave."""

from __future__ import annotations

import ctypes
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pynvml
import pytest

from engine.machine.gpu import GpuReader, throttling
from engine.protocol.facts import GpuReading

ROOT = Path(__file__).parents[3]
SOURCE = Path(__file__).with_name("nvml_stand_in.c")
GIB = 1 << 30
SAMPLER = """
import sys
from engine.protocol.events import event_to_line
from engine.machine.sampler import HardwareSampler

def write(sample):
    sys.stdout.write(event_to_line(sample))
    sys.stdout.flush()

sampler = HardwareSampler(write, interval_seconds=0.02)
sampler.start()
sys.stdin.read()
sampler.stop()
sampler.join()
"""


def card(index: int, **changes: Any) -> GpuReading:
    """What the stand-in's GPU says as long as it is told nothing else."""
    whole = GpuReading(
        name=f"Stand-in {index}",
        utilization_percent=40.0 + index,
        memory_used_bytes=GIB,
        memory_total_bytes=8 * GIB,
        temperature_celsius=61.0,
        power_watts=350.0,
        power_limit_watts=700.0,
        throttled="",
        processes=2,
        uuid=f"GPU-{index}0000000-0000",
        cuda_index=index,
    )
    return replace(whole, **changes)


class StandIn:
    """The library, and the file by which it is told what to be."""

    def __init__(self, library: Path, control: Path) -> None:
        self.library = library
        self.control = control
        self.environment = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
        self.says("count -1 2")

    def says(self, *lines: str) -> None:
        """Replace what it is told; see the C file."""
        aside = self.control.with_suffix(".new")
        aside.write_text("\n".join(lines) + "\n")
        os.replace(aside, self.control)

    def reader(self) -> GpuReader:
        return GpuReader(self.environment)

    @contextmanager
    def sampler(self) -> Iterator[Callable[[], dict[str, Any]]]:
        """A process with the real sampler, where nothing but the library is not real.

        Yields:
            gives the next sample, as it stands in a record.
        """
        settings = {"LD_LIBRARY_PATH": str(self.library.parent), "NVML_STAND_IN": str(self.control)}
        with subprocess.Popen(
            [sys.executable, "-c", SAMPLER],
            cwd=ROOT,
            env={**os.environ, **self.environment, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            told, samples = process.stdin, process.stdout
            assert told is not None
            assert samples is not None
            yield lambda: json.loads(samples.readline())
            told.close()
            samples.read()
        assert process.returncode == 0


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in, compiled, under the name by which the real one is looked for."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or sys.platform == "win32":
        pytest.skip("no C compiler to build the stand-in for NVML with")
    built = tmp_path_factory.mktemp("nvml") / "libnvidia-ml.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", built, SOURCE], check=True)
    return built


@pytest.fixture
def stand_in(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Two GPUs in good health, which `pynvml` in this process takes for the real ones."""
    made = StandIn(library, tmp_path / "control")
    monkeypatch.setenv("NVML_STAND_IN", str(made.control))
    monkeypatch.setattr(pynvml, "nvmlLib", None)
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})
    monkeypatch.setattr(pynvml.NVMLError, "_errcode_to_string", {})
    monkeypatch.setattr(pynvml, "CDLL", lambda _: ctypes.CDLL(str(made.library)))
    return made


def test_every_gpu_is_read(stand_in: StandIn) -> None:
    assert stand_in.reader().read() == ((card(0), card(1)), "")


def test_readings_follow_the_gpu(stand_in: StandIn) -> None:
    reader = stand_in.reader()
    reader.read()
    stand_in.says("count -1 2", "celsius 1 88", "clocks 1 64", "processes 1 0", "utilization 1 0")
    changed = card(1, temperature_celsius=88.0, throttled="thermal", processes=0)
    assert reader.read()[0] == (card(0), replace(changed, utilization_percent=0.0))


@pytest.mark.parametrize(
    ("functions", "missing"),
    [
        (("UtilizationRates",), {"utilization_percent": None}),
        (("MemoryInfo", "MemoryInfo_v2"), {"memory_used_bytes": None, "memory_total_bytes": None}),
        (("Temperature",), {"temperature_celsius": None}),
        (("PowerUsage",), {"power_watts": None}),
        (("EnforcedPowerLimit",), {"power_limit_watts": None}),
        (("CurrentClocksEventReasons", "CurrentClocksThrottleReasons"), {"throttled": None}),
        (("ComputeRunningProcesses_v3", "ComputeRunningProcesses_v2"), {"processes": None}),
        (("Name",), {"name": "GPU 0"}),
        (("UUID",), {"uuid": ""}),
        (("MigMode",), {}),
    ],
)
@pytest.mark.parametrize("code", [pynvml.NVML_ERROR_NOT_SUPPORTED, pynvml.NVML_ERROR_UNKNOWN])
def test_each_field_can_be_unsupported_on_its_own(
    stand_in: StandIn, functions: tuple[str, ...], missing: dict[str, Any], code: int
) -> None:
    stand_in.says("count -1 2", *(f"nvmlDeviceGet{name} 0 {code}" for name in functions))
    assert stand_in.reader().read() == ((card(0, **missing), card(1)), "")


@pytest.mark.parametrize(
    ("function", "older"),
    [
        ("CurrentClocksEventReasons", {}),
        ("ComputeRunningProcesses_v3", {}),
        ("MemoryInfo_v2", {"memory_used_bytes": 2 * GIB}),
    ],
)
def test_an_older_driver_is_asked_in_its_own_words(
    stand_in: StandIn, function: str, older: dict[str, Any]
) -> None:
    absent = pynvml.NVML_ERROR_FUNCTION_NOT_FOUND
    stand_in.says("count -1 1", f"nvmlDeviceGet{function} 0 {absent}")
    assert stand_in.reader().read()[0] == (card(0, **older),)


def test_a_split_gpu_has_no_utilization_rather_than_none_of_it(stand_in: StandIn) -> None:
    stand_in.says("count -1 1", "mig 0 1", "utilization 0 0")
    assert stand_in.reader().read()[0] == (card(0, utilization_percent=None, note="MIG"),)


def test_the_gpu_of_a_visible_mig_device_is_found(stand_in: StandIn) -> None:
    stand_in.says("count -1 2", "mig -1 1")
    stand_in.environment = {"CUDA_VISIBLE_DEVICES": "MIG-1f"}
    assert [gpu.cuda_index for gpu in stand_in.reader().read()[0]] == [None, 0]
    stand_in.environment = {"CUDA_VISIBLE_DEVICES": "MIG-none-such"}
    assert [gpu.cuda_index for gpu in stand_in.reader().read()[0]] == [None, None]


def test_the_bus_decides_which_gpu_is_which(stand_in: StandIn) -> None:
    stand_in.says("count -1 2", "bus 0 200")
    assert [gpu.cuda_index for gpu in stand_in.reader().read()[0]] == [1, 0]


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (pynvml.NVML_ERROR_GPU_IS_LOST, "lost"),
        (pynvml.NVML_ERROR_GPU_NOT_FOUND, "lost"),
        (pynvml.NVML_ERROR_RESET_REQUIRED, "needs reset"),
    ],
)
def test_a_gpu_lost_midway_stays_listed_without_numbers(
    stand_in: StandIn, code: int, word: str, caplog: pytest.LogCaptureFixture
) -> None:
    reader = stand_in.reader()
    reader.read()
    stand_in.says("count -1 2", f"lost 0 {code}")
    uuid = "GPU-00000000-0000"
    gone = GpuReading("Stand-in 0", None, None, None, uuid=uuid, cuda_index=0, note=word)
    with caplog.at_level(logging.WARNING):
        assert [reader.read()[0] for _ in range(2)] == [(gone, card(1))] * 2
    assert [record.message for record in caplog.records] == [f"GPU 0, Stand-in 0: {word}"]
    stand_in.says("count -1 2")
    assert reader.read()[0] == (card(0), card(1))


def test_a_gpu_lost_from_the_start_is_read_once_it_is_back(stand_in: StandIn) -> None:
    stand_in.says("count -1 2", f"lost 0 {pynvml.NVML_ERROR_GPU_IS_LOST}")
    reader = stand_in.reader()
    gone = GpuReading("GPU 0", None, None, None, note="lost")
    assert reader.read()[0] == (gone, card(1, cuda_index=None))
    stand_in.says("count -1 2")
    assert reader.read()[0] == (card(0), card(1))


@pytest.mark.parametrize(
    ("code", "note"),
    [
        (pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, "no GPU"),
        (pynvml.NVML_ERROR_DRIVER_NOT_LOADED, "no GPU"),
        (pynvml.NVML_ERROR_NO_PERMISSION, "NVML: No permission"),
    ],
)
def test_why_there_is_no_reading_is_said(stand_in: StandIn, code: int, note: str) -> None:
    stand_in.says(f"nvmlInitWithFlags -1 {code}")
    reader = stand_in.reader()
    assert reader.read() == ((), note)
    reader.close()


def test_a_broken_library_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)  # importing it fails
    assert GpuReader().read() == ((), "NVML: import of pynvml halted; None in sys.modules")
    monkeypatch.setitem(sys.modules, "pynvml", ModuleType("pynvml"))  # another one of that name
    reader = GpuReader({"CUDA_VISIBLE_DEVICES": "MIG-1f"})
    assert reader.read() == ((), "NVML: module 'pynvml' has no attribute 'nvmlInit'")
    reader.close()


def test_neither_library_nor_device_is_no_gpu(stand_in: StandIn) -> None:
    stand_in.says("count -1 0")
    assert stand_in.reader().read() == ((), "no GPU")
    stand_in.library = stand_in.control.with_name("absent.so")
    pynvml.nvmlLib = None
    assert stand_in.reader().read() == ((), "no GPU")


def test_a_closed_reader_has_let_go(stand_in: StandIn) -> None:
    before = pynvml._nvmlLib_refcount
    reader = stand_in.reader()
    assert pynvml._nvmlLib_refcount == before + 1
    reader.close()
    reader.close()
    assert pynvml._nvmlLib_refcount == before
    assert reader.read()[0] == ()


@pytest.mark.parametrize(
    ("reasons", "word"),
    [
        (0, ""),
        (0x1, ""),
        (0x2 | 0x100, ""),
        (0x4, "power"),
        (0x8, "hardware"),
        (0x8 | 0x80, "power"),
        (0x8 | 0x40 | 0x4, "thermal"),
        (0x20 | 0x1, "thermal"),
        (0x10, "sync"),
    ],
)
def test_what_throttles_has_a_word(reasons: int, word: str) -> None:
    assert throttling(reasons) == word


def test_the_sampler_outlives_whatever_becomes_of_the_gpus(stand_in: StandIn) -> None:
    with stand_in.sampler() as sample:
        assert [gpu["name"] for gpu in sample()["gpus"]] == ["Stand-in 0", "Stand-in 1"]
        for told, expected in (
            ("lost 1 15", ["", "lost"]),
            ("lost -1 999", ["", ""]),
            ("lost -1 15", ["lost", "lost"]),
            ("celsius 0 90", ["", ""]),
        ):
            stand_in.says("count -1 2", told)
            latest = _until(sample, _notes_are(expected))
            assert len(latest["cpu_percent"]) > 0
        assert _until(sample, lambda gpus: gpus[0]["temperature_celsius"] == 90)["gpu_note"] == ""


def test_the_sampler_runs_where_the_library_cannot_be_loaded(
    stand_in: StandIn, tmp_path: Path
) -> None:
    stand_in.library = tmp_path / "libnvidia-ml.so.1"
    stand_in.library.write_bytes(b"")
    with stand_in.sampler() as sample:
        for latest in (sample(), sample()):
            assert (latest["gpus"], latest["gpu_note"]) == ([], "no GPU")


def test_the_sampler_runs_where_there_are_no_devices(stand_in: StandIn) -> None:
    stand_in.says("count -1 0")
    with stand_in.sampler() as sample:
        assert (sample()["gpu_note"], sample()["gpus"]) == ("no GPU", [])


def _notes_are(expected: list[str]) -> Callable[[list[dict[str, Any]]], bool]:
    return lambda gpus: [gpu["note"] for gpu in gpus] == expected


def _until(
    sample: Callable[[], dict[str, Any]], holds: Callable[[list[dict[str, Any]]], bool]
) -> dict[str, Any]:
    """The first of the next thousand samples whose GPUs are so."""
    for _ in range(1000):
        latest = sample()
        if holds(latest["gpus"]):
            return latest
    raise AssertionError("no sample was as expected")
