"""GPU readings through NVML: each field separately, since any of them can be missing."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.machine.cuda_devices import GpuIdentity, cuda_indices
from engine.protocol.facts import GpuReading

_log = logging.getLogger(__name__)
_ABSENT = (9, 12)
"""NVML's errors for a driver that is not loaded and a library that is not found."""
_THROTTLING = (
    # Bits of NVML's clocks-event reasons, the most specific first: a hardware slowdown comes along
    # with a thermal one. Idle (0x1) and clocks set by a user (0x2, 0x100) are no throttling.
    ("thermal", 0x20 | 0x40),
    ("power", 0x4 | 0x80),
    ("hardware", 0x8 | 0x200 | 0x400),
    ("sync", 0x10),
)


class GpuReader:
    """Reads every GPU through NVML; a field without a value is None, never 0."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """Open NVML.

        Args:
            environment: of the process that computes; determines which GPUs CUDA sees.
        """
        self._nvml: Any = None
        self._environment = environment
        self._open = False
        self._gpus: list[_Gpu] = []
        self._note = "no GPU"
        try:
            import pynvml as nvml

            self._nvml = nvml
            nvml.nvmlInit()
            self._open = True
            self._gpus = [_Gpu(nvml, index) for index in range(nvml.nvmlDeviceGetCount())]
        except Exception as error:
            if getattr(error, "value", None) not in _ABSENT:
                self._note = f"NVML: {' '.join(str(error).split())[:80] or type(error).__name__}"

    def read(self) -> tuple[tuple[GpuReading, ...], str]:
        """Read all GPUs; where there are none, the text says why."""
        readings = [gpu.read() for gpu in self._gpus]
        identities = [gpu.identity for gpu in self._gpus]
        places = cuda_indices(identities, self._environment, self._parent_of_mig)
        numbered = tuple(
            replace(reading, cuda_index=place)
            for reading, place in zip(readings, places, strict=True)
        )
        return numbered, "" if numbered else self._note

    def close(self) -> None:
        """Close NVML; there are no readings afterwards."""
        self._gpus = []
        if self._open:
            self._open = False
            _ask(self._nvml, "nvmlShutdown")

    def _parent_of_mig(self, uuid: str) -> str:
        found: Any = uuid
        for function in (
            "nvmlDeviceGetHandleByUUID",
            "nvmlDeviceGetDeviceHandleFromMigDeviceHandle",
            "nvmlDeviceGetUUID",
        ):
            try:
                found = _ask(self._nvml, function, found)
            except _GoneError:
                found = None
            if found is None:
                return ""
        return str(found)


class _Gpu:
    """One GPU that NVML lists, whether or not it answers."""

    def __init__(self, nvml: Any, index: int) -> None:
        self._nvml = nvml
        self._index = index
        self._handle: Any | None = None
        self._trouble = ""
        self.identity = GpuIdentity(f"GPU {index}")

    def read(self) -> GpuReading:
        """Read it; where it is gone only its name and what is wrong."""
        try:
            reading = self._read()
        except _GoneError as gone:
            reading = GpuReading(
                self.identity.name, None, None, None, uuid=self.identity.uuid, note=str(gone)
            )
        trouble = "" if reading.note == "MIG" else reading.note
        if trouble and trouble != self._trouble:
            _log.warning("GPU %d, %s: %s", self._index, self.identity.name, trouble)
        self._trouble = trouble
        return reading

    def _read(self) -> GpuReading:
        if self._handle is None:
            self._handle = _ask(self._nvml, "nvmlDeviceGetHandleByIndex", self._index)
            if self._handle is None:
                return GpuReading(self.identity.name, None, None, None)
            self.identity = self._identify()
        is_mig = self.identity.is_mig
        # A driver reports 0 for the whole of a split GPU, whatever its instances do.
        rates = None if is_mig else self._of("nvmlDeviceGetUtilizationRates")
        memory = self._memory()
        celsius = self._of("nvmlDeviceGetTemperature", self._nvml.NVML_TEMPERATURE_GPU)
        processes = self._of("nvmlDeviceGetComputeRunningProcesses_v3")
        if processes is None:  # drivers before 510 have no third version
            processes = self._of("nvmlDeviceGetComputeRunningProcesses_v2")
        return GpuReading(
            self.identity.name,
            utilization_percent=None if rates is None else float(rates.gpu),
            memory_used_bytes=None if memory is None else int(memory.used),
            memory_total_bytes=None if memory is None else int(memory.total),
            temperature_celsius=None if celsius is None else float(celsius),
            power_watts=_watts(self._of("nvmlDeviceGetPowerUsage")),
            power_limit_watts=_watts(self._of("nvmlDeviceGetEnforcedPowerLimit")),
            throttled=self._throttled(),
            processes=None if processes is None else len(processes),
            uuid=self.identity.uuid,
            note="MIG" if is_mig else "",
        )

    def _identify(self) -> GpuIdentity:
        place = self._of("nvmlDeviceGetPciInfo")
        mig = self._of("nvmlDeviceGetMigMode")
        return GpuIdentity(
            name=str(self._of("nvmlDeviceGetName") or self.identity.name),
            uuid=str(self._of("nvmlDeviceGetUUID") or ""),
            pci=None if place is None else (place.domain, place.bus, place.device),
            is_mig=mig is not None and mig[0] == 1,
        )

    def _memory(self) -> Any | None:
        # The second version does not count the driver's own memory as used.
        memory = self._of("nvmlDeviceGetMemoryInfo", self._nvml.nvmlMemory_v2)
        return self._of("nvmlDeviceGetMemoryInfo") if memory is None else memory

    def _throttled(self) -> str | None:
        reasons = self._of("nvmlDeviceGetCurrentClocksEventReasons")
        if reasons is None:  # what drivers before 535 call it
            reasons = self._of("nvmlDeviceGetCurrentClocksThrottleReasons")
        return None if reasons is None else throttling(int(reasons))

    def _of(self, function: str, *arguments: Any) -> Any | None:
        return _ask(self._nvml, function, self._handle, *arguments)


class _GoneError(Exception):
    """The GPU has left the bus, or works no more; the message is one word."""


def throttling(reasons: int) -> str:
    """Name what holds the clocks down; empty where nothing does.

    Args:
        reasons: the bit mask of nvmlDeviceGetCurrentClocksEventReasons.
    """
    return next((word for word, bits in _THROTTLING if reasons & bits), "")


def _watts(milliwatts: int | None) -> float | None:
    return None if milliwatts is None else milliwatts / 1000


def _ask(nvml: Any, function: str, *arguments: Any) -> Any | None:
    """Ask NVML; None where it gives no value, or this version of it has no such function.

    Raises:
        _GoneError: the GPU asked is gone.
    """
    ask = getattr(nvml, function, None)
    if ask is None:
        return None
    try:
        return ask(*arguments)
    except nvml.NVMLError as error:
        if error.value in (nvml.NVML_ERROR_GPU_IS_LOST, nvml.NVML_ERROR_GPU_NOT_FOUND):
            raise _GoneError("lost") from error
        if error.value == nvml.NVML_ERROR_RESET_REQUIRED:
            raise _GoneError("needs reset") from error
        return None
