"""The panel of this computer: CPU, memory and GPUs while a run trains."""

from __future__ import annotations

from tui.panels.machine.panel import HardwarePanel

__all__ = ["HardwarePanel"]
