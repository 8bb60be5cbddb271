"""The machine: CPU cores, memory, GPUs; now and over the last two minutes."""

from __future__ import annotations

from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.widget import Widget

from engine.protocol.events import HardwareSampled
from engine.state.snapshot import RunSnapshot
from tui.panels.machine.gpu_rows import fewer_gpus, gpu_forms
from tui.panels.machine.rows import (
    ROOM_TAKEN,
    cores,
    memory_row,
    note_row,
    percent,
    row,
    sparkline,
)

# Of cpu, cores, memory and program those that are drawn: fewer as the GPUs need the room.
_MACHINE_ROWS = ((0, 1, 2, 3), (0, 2, 3), (0, 2))


class HardwarePanel(Widget):
    """Draws again for each new sample, once a second."""

    DEFAULT_CLASSES = "panel"
    BORDER_TITLE = "[bold]Machine[/]"
    snapshot: reactive[RunSnapshot | None] = reactive(None, always_update=True, repaint=False)
    _drawn: HardwareSampled | None = None

    def watch_snapshot(self, snapshot: RunSnapshot | None) -> None:
        sample = snapshot.hardware if snapshot else None
        if sample is not self._drawn:
            has_other_gpus = _notes(sample) != _notes(self._drawn)
            self._drawn = sample
            self.refresh(layout=has_other_gpus)

    def render(self) -> Content:
        return Content("\n").join(machine_lines(self.snapshot, *self.size))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Lines of the fullest form, for a panel that is as high as it asks to be."""
        return len(machine_lines(self.snapshot, width))


def _notes(sample: HardwareSampled | None) -> tuple[str, ...] | None:
    """What changes the number of lines: a further GPU, or one that is lost."""
    return None if sample is None else tuple(gpu.note for gpu in sample.gpus)


def machine_lines(
    snapshot: RunSnapshot | None, width: int, height: int | None = None
) -> list[Content]:
    """Make the panel's lines in the fullest form that fits.

    Args:
        snapshot: a run; None before the first one.
        width: cells of a line at most.
        height: lines at most; None for no limit.
    """
    sample = snapshot.hardware if snapshot is not None else None
    if snapshot is None or sample is None:
        return [Content.styled("waiting for the first reading", "$muted")]
    history, room = snapshot.hardware_history, max(width - ROOM_TAKEN, 1)
    cpu = history.cpu_percent[-1] if history.cpu_percent else None
    machine = [
        row("cpu", percent(cpu), sparkline(history.cpu_percent, room)),
        row("cores", str(len(sample.cpu_percent)), cores(sample.cpu_percent, room)),
        memory_row("memory", sample.memory_used_bytes, sample.memory_total_bytes, room),
        memory_row("program", sample.process_memory_bytes, sample.memory_total_bytes, room),
    ]
    if not sample.gpus:
        return [*machine, note_row("gpu", sample.gpu_note or "no GPU", "$muted", width)]
    forms = gpu_forms(snapshot, width)
    for form in forms:
        gpus = [line for rows in form for line in rows]
        for kept in _MACHINE_ROWS[:2]:
            lines = [*(machine[i] for i in kept), *gpus]
            if height is None or len(lines) <= height:
                return lines
    few = [machine[i] for i in _MACHINE_ROWS[-1]]
    return [*few, *fewer_gpus(snapshot, forms[-1], (height or 0) - len(few))]
