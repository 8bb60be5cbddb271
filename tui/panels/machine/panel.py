"""The machine: CPU cores, memory, GPUs; now and over the last two minutes."""

from __future__ import annotations

from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.widget import Widget

from engine.protocol.events import HardwareSampled
from engine.state.snapshot import RunSnapshot
from tui.panels.machine.gpu_rows import fewer_gpus, gpu_forms
from tui.panels.machine.rows import ROOM_TAKEN, cores, memory_row, percent, row, sparkline

# Of cpu, cores, memory and program those that are drawn: fewer as the GPUs need the room.
_MACHINE_ROWS = ((0, 1, 2, 3), (0, 2, 3), (0, 2))


class HardwarePanel(Widget):
    """Draws again for each new sample, once a second."""

    snapshot: reactive[RunSnapshot | None] = reactive(None, always_update=True, repaint=False)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="panel")
        self.border_title = Content.styled("Machine", "bold")
        self._drawn: HardwareSampled | None = None

    def watch_snapshot(self, snapshot: RunSnapshot | None) -> None:
        sample = snapshot.hardware if snapshot else None
        if sample is not self._drawn:
            has_other_gpus = _notes(sample) != _notes(self._drawn)
            self._drawn = sample
            self.refresh(layout=has_other_gpus)

    def render(self) -> Content:
        if self.snapshot is None or self.snapshot.hardware is None:
            return Content.styled("waiting for the first reading", "$muted")
        return Content("\n").join(machine_lines(self.snapshot, *self.size))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Lines of the fullest form, for a panel that is as high as it asks to be."""
        if self.snapshot is None or self.snapshot.hardware is None:
            return 1
        return len(machine_lines(self.snapshot, width))


def _notes(sample: HardwareSampled | None) -> tuple[str, ...] | None:
    """What changes the number of lines: a further GPU, or one that is lost."""
    return None if sample is None else tuple(gpu.note for gpu in sample.gpus)


def machine_lines(snapshot: RunSnapshot, width: int, height: int | None = None) -> list[Content]:
    """Make the panel's lines in the fullest form that fits.

    Args:
        snapshot: a run.
        width: cells of a line at most.
        height: lines at most; None for no limit.
    """
    sample = snapshot.hardware
    if sample is None:
        return []
    machine = _machine_rows(snapshot, max(width - ROOM_TAKEN, 1))
    if not sample.gpus:
        note = (sample.gpu_note or "no GPU")[: max(width - ROOM_TAKEN, 1)]
        return [*machine, row("gpu", "N/A", Content.styled(note, "$muted"))]
    forms = gpu_forms(snapshot, width)
    for form in forms:
        gpus = [line for rows in form for line in rows]
        for kept in _MACHINE_ROWS[:2]:
            lines = [*(machine[i] for i in kept), *gpus]
            if height is None or len(lines) <= height:
                return lines
    few = [machine[i] for i in _MACHINE_ROWS[-1]]
    return [*few, *fewer_gpus(snapshot, forms[-1], (height or 0) - len(few))]


def _machine_rows(snapshot: RunSnapshot, room: int) -> list[Content]:
    sample, history = snapshot.hardware, snapshot.hardware_history
    if sample is None:
        return []
    cpu = history.cpu_percent[-1] if history.cpu_percent else None
    return [
        row("cpu", percent(cpu), sparkline(history.cpu_percent, room)),
        row("cores", str(len(sample.cpu_percent)), cores(sample.cpu_percent, room)),
        memory_row("memory", sample.memory_used_bytes, sample.memory_total_bytes, room),
        memory_row("program", sample.process_memory_bytes, sample.memory_total_bytes, room),
    ]
