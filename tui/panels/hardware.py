"""The machine: processor cores, memory, GPUs; now and over the last two minutes."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from engine.events import HardwareSampled
from engine.formatting import byte_size
from engine.snapshot import RunSnapshot
from tui.panels.progress import bar

_LEVELS = "▁▂▃▄▅▆▇█"
_LABEL_WIDTH = 8
_NUMBER_WIDTH = 7
_HOT_PERCENT = 90.0


class HardwarePanel(Widget):
    """Draws anew once a new sample has come, which is once a second."""

    snapshot: reactive[RunSnapshot | None] = reactive(None, always_update=True, repaint=False)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="panel")
        self.border_title = Content.styled("Machine", "bold")
        self._drawn: HardwareSampled | None = None

    def watch_snapshot(self, snapshot: RunSnapshot | None) -> None:
        sample = snapshot.hardware if snapshot else None
        if sample is not self._drawn:
            has_other_gpus = _gpus(sample) != _gpus(self._drawn)
            self._drawn = sample
            self.refresh(layout=has_other_gpus)

    def render(self) -> Content:
        if self.snapshot is None or self.snapshot.hardware is None:
            return Content.styled("waiting for the first reading", "$muted")
        return Content("\n").join(machine_lines(self.snapshot, self.size.width))


def _gpus(sample: HardwareSampled | None) -> int:
    return -1 if sample is None else len(sample.gpus)


def machine_lines(snapshot: RunSnapshot, width: int) -> list[Content]:
    """The panel's lines, `width` cells wide at most, the most important first."""
    sample, history = snapshot.hardware, snapshot.hardware_history
    if sample is None:
        return []
    room = max(width - _LABEL_WIDTH - _NUMBER_WIDTH - 2, 1)
    cpu = history.cpu_percent[-1] if history.cpu_percent else None
    lines = [
        _row("cpu", _percent(cpu), sparkline(history.cpu_percent, room)),
        _row("cores", str(len(sample.cpu_percent)), cores(sample.cpu_percent, room)),
        _memory_row("memory", sample.memory_used_bytes, sample.memory_total_bytes, room),
        _memory_row("program", sample.process_memory_bytes, sample.memory_total_bytes, room),
    ]
    for index, gpu in enumerate(sample.gpus):
        past = history.gpu_percent[index] if index < len(history.gpu_percent) else ()
        lines.append(_row(f"gpu {index}", _percent(gpu.utilization_percent), sparkline(past, room)))
        used, total = gpu.memory_used_bytes, gpu.memory_total_bytes
        lines.append(_memory_row("memory", used, total, room))
        lines.append(_row("", "", Content.styled(gpu.name[:room], "$muted")))
    if not sample.gpus:
        note = sample.gpu_note or "no GPU"
        lines.append(_row("gpu", "N/A", Content.styled(note[:room], "$muted")))
    return lines


def _row(label: str, number: str, rest: Content) -> Content:
    return Content.assemble(
        (f"{label:<{_LABEL_WIDTH}}", "$muted"),
        (f"{number:>{_NUMBER_WIDTH}}  ", "$foreground"),
        rest,
    )


def _memory_row(label: str, used: int | None, total: int | None, room: int) -> Content:
    if used is None or total is None or total <= 0:
        return _row(label, "N/A", Content(""))
    note = f" {byte_size(total):>{_NUMBER_WIDTH}}"
    length = room - len(note)
    if length < 4:
        return _row(label, byte_size(used), Content.styled(note.strip()[:room], "$muted"))
    hot = 100 * used / total >= _HOT_PERCENT
    rest = bar(used / total, length, "$warning" if hot else "$primary")
    return _row(label, byte_size(used), rest + Content.styled(note, "$muted"))


def _percent(value: float | None) -> str:
    return "N/A" if value is None else f"{value:.0f} %"


def level(percent: float) -> str:
    """A block as high as the share."""
    return _LEVELS[min(int(max(percent, 0.0) / 100 * len(_LEVELS)), len(_LEVELS) - 1)]


def sparkline(values: Sequence[float | None], length: int) -> Content:
    """The last `length` shares from 0 to 100, the newest rightmost; a dot where none was read."""
    last = list(values)[-length:]
    blocks = "".join("·" if value is None else level(value) for value in last)
    return Content.assemble((" " * (length - len(last)), ""), (blocks, "$load"))


def cores(percents: Sequence[float], length: int) -> Content:
    """One bar a core where there is room, else one block a core, else blocks of several cores."""
    count = len(percents)
    if not count:
        return Content("")
    each = (length - (count - 1)) // count
    if each >= 4:
        return Content(" ").join([bar(percent / 100, each) for percent in percents])
    per_block = -(-count // length)
    means = [
        sum(percents[i : i + per_block]) / len(percents[i : i + per_block])
        for i in range(0, count, per_block)
    ]
    return Content.styled("".join(level(mean) for mean in means), "$load")
