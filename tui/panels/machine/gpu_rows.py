"""GPUs in the machine panel: five rows each where there is room, else four, two or one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.content import Content

from engine.common.text import byte_size, shortened
from engine.protocol.facts import GpuReading
from engine.state.snapshot import RunSnapshot
from tui.panels.machine.rows import (
    LABEL_WIDTH,
    NUMBER_WIDTH,
    ROOM_TAKEN,
    memory_row,
    note_row,
    percent,
    row,
    share_row,
    sparkline,
)

_SHORTEST_SPARKLINE = 4
_SHORTEST_LOAD = _SHORTEST_SPARKLINE + 2
"""With a blank and a cell of what is at its right."""
_SHORTEST_NAME = 6
_HOT_CELSIUS = 85.0  # near where NVIDIA's cards begin to slow down, 83 to 90 by model
_MAKER = "NVIDIA "
_Form = Callable[["_Gpu", int], list[Content]]


class _Gpu:
    """One GPU as the panel describes it."""

    def __init__(self, run: RunSnapshot, index: int) -> None:
        assert run.hardware is not None
        past = run.hardware_history.gpu_percent
        self.now: GpuReading = run.hardware.gpus[index]
        self.past: Sequence[float | None] = past[index] if index < len(past) else ()
        self.is_used = run.device == f"gpu:{self.now.cuda_index}"
        label = Content.styled(f"gpu {index}", "$foreground" if self.is_used else "$muted")
        self.label = label + Content.styled(" ●", "$success") if self.is_used else label

    @property
    def is_lost(self) -> bool:
        return self.now.note not in ("", "MIG")

    def temperature(self) -> Content:
        celsius = self.now.temperature_celsius
        hot = celsius is not None and celsius >= _HOT_CELSIUS
        text = "N/A °C" if celsius is None else f"{celsius:.0f} °C"
        return Content.styled(text, "$warning" if hot else "$muted")

    def power(self) -> Content:
        watts = self.now.power_watts
        return Content.styled("N/A W" if watts is None else _watts(watts), "$muted")

    def clocks(self) -> Content:
        """What throttles it, or that nothing does."""
        if self.now.throttled:
            return Content.styled(self.now.throttled, "$warning")
        return Content.styled("N/A" if self.now.throttled is None else "full", "$foreground")

    def processes(self) -> Content:
        count = self.now.processes
        # Inside a container none is visible, not even this process.
        if count is None or (count == 0 and self.is_used):
            return Content.styled("N/A processes", "$muted")
        return Content.styled(f"{count} process{'' if count == 1 else 'es'}", "$muted")

    def throttled(self) -> Content:
        """What throttles it, for a row without a label for clocks."""
        return Content.styled(f"↓{self.now.throttled}" if self.now.throttled else "", "$warning")

    def note(self) -> Content:
        return Content.styled(self.now.note, "$error" if self.is_lost else "$muted")


def gpu_forms(run: RunSnapshot, width: int) -> list[list[list[Content]]]:
    """Make the rows of every GPU in each form, the fullest form first.

    Args:
        run: has a hardware sample.
        width: cells of a row at most.

    Returns:
        by form, by GPU, its rows.
    """
    assert run.hardware is not None
    gpus = [_Gpu(run, index) for index in range(len(run.hardware.gpus))]
    forms: tuple[_Form, ...] = (_without_name, _two_rows, _one_row)
    shorter = [[(_one_row if gpu.is_lost else form)(gpu, width) for gpu in gpus] for form in forms]
    return [[_full(gpu, width) for gpu in gpus], *shorter]


def fewer_gpus(run: RunSnapshot, rows: list[list[Content]], count: int) -> list[Content]:
    """Choose as many of the GPUs as fit into `count` lines, the one in use first.

    Args:
        run: has a hardware sample.
        rows: of each GPU, in the form of one row.
        count: lines that there are.
    """
    if len(rows) <= count:
        return [line for lines in rows for line in lines]
    by_use = sorted(range(len(rows)), key=lambda i: (not _Gpu(run, i).is_used, i))
    shown = sorted(by_use[: max(count - 1, 0)])
    left_out = len(rows) - len(shown)
    more = " " * LABEL_WIDTH + f"{left_out} more GPU{'' if left_out == 1 else 's'}"
    return [rows[i][0] for i in shown] + [Content.styled(more, "$muted")]


def _full(gpu: _Gpu, width: int) -> list[Content]:
    name = Content.styled(shortened(gpu.now.name, max(width - LABEL_WIDTH, 0)), "$muted")
    named = name.pad_left(LABEL_WIDTH)
    room = max(width - ROOM_TAKEN, 1)
    if gpu.is_lost:
        return [note_row(gpu.label, gpu.now.note, "$error", width), named]
    clocks = gpu.clocks()
    padded = clocks.pad_left(max(LABEL_WIDTH + NUMBER_WIDTH - len("clocks") - len(clocks), 1))
    last = [Content.styled("clocks", "$muted") + padded, gpu.processes()]
    return [*_numbers(gpu, room, [gpu.temperature()]), _joined(last, width), named]


def _without_name(gpu: _Gpu, width: int) -> list[Content]:
    short = Content.styled(gpu.now.name.removeprefix(_MAKER), "$muted")
    unknown = Content.styled("clocks N/A" if gpu.now.throttled is None else "", "$muted")
    heat = [gpu.temperature()] if width - ROOM_TAKEN < _SHORTEST_LOAD else []
    facts = _joined([gpu.throttled(), *heat, unknown, gpu.processes()], width)
    left = width - facts.cell_length - 2
    if left >= _SHORTEST_NAME:
        facts = facts + Content("  ") + short.truncate(left, ellipsis=True)
    return [*_numbers(gpu, max(width - ROOM_TAKEN, 1), [gpu.temperature()]), facts]


def _numbers(gpu: _Gpu, room: int, tail: list[Content]) -> list[Content]:
    now = gpu.now
    watts, limit = now.power_watts, now.power_limit_watts
    share = watts / limit if watts is not None and limit else None
    return [
        _load(gpu, room, tail),
        memory_row("memory", now.memory_used_bytes, now.memory_total_bytes, room),
        share_row("power", _watts(watts), share, _watts(limit), room),
    ]


def _two_rows(gpu: _Gpu, width: int) -> list[Content]:
    room = max(width - ROOM_TAKEN, 1)
    tail = [gpu.throttled(), gpu.temperature(), *([gpu.power()] if room >= 24 else [])]
    return _numbers(gpu, room, tail)[:2]


def _one_row(gpu: _Gpu, width: int) -> list[Content]:
    now, room = gpu.now, max(width - ROOM_TAKEN, 1)
    name = Content.styled(now.name.removeprefix(_MAKER), "$muted")
    if gpu.is_lost:
        lost = note_row(gpu.label, now.note, "$error", width)
        return [lost + Content("  ") + name if lost.cell_length + 2 + len(name) <= width else lost]
    used = Content.styled(
        "N/A" if now.memory_used_bytes is None else byte_size(now.memory_used_bytes),
        "$foreground",
    )
    notes = [gpu.throttled(), gpu.note()]
    facts = [*notes, used, gpu.temperature(), gpu.power(), gpu.processes(), name]
    return [row(gpu.label, percent(now.utilization_percent), _joined(facts, room))]


def _load(gpu: _Gpu, room: int, tail: list[Content]) -> Content:
    """Make the row of utilisation, its last minutes, and `tail` at the right."""
    if room < _SHORTEST_LOAD:
        return row(gpu.label, percent(gpu.now.utilization_percent), sparkline(gpu.past, room))
    end = _joined(tail, room - _SHORTEST_SPARKLINE - 1)
    length = max(room - end.cell_length - 1, 1)
    if gpu.now.note:
        picture = _joined([gpu.note()], length)
        picture = picture.pad_right(length - picture.cell_length)
    else:
        picture = sparkline(gpu.past, length)
    return row(gpu.label, percent(gpu.now.utilization_percent), picture + Content(" ") + end)


def _joined(parts: Sequence[Content], width: int) -> Content:
    """Join the parts that fit into `width` cells, in order, whole; empty ones are left out."""
    gap = Content("  " if width >= 20 else " ")
    line = Content("")
    for part in filter(len, parts):
        start = line + gap if line.plain else line
        if start.cell_length + part.cell_length <= width:
            line = start + part
    return line


def _watts(value: float | None) -> str:
    return "N/A" if value is None else f"{value:.0f} W"
