"""The benchmark's figures as people read them: an aligned table, or Markdown for a README."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.common.text import accuracy, byte_size, whole
from notebook_comparison import Bench, Measurement

MISSING = "-"
PROGRAMS = {
    "notebook": "plain Keras",
    "cold": "cold",
    "warm": "warm",
    "plain": "no feature cache",
}
RATIOS = {
    "cold": "cold",
    "warm": "warm",
    "plain": "no feature cache",
    "head_warm": "head only, warm",
}
PHASES = {
    "extract": "extracting",
    "trace": "tracing",
    "train": "training",
    "validate": "validating",
}
NOTES = (
    "Load (import, reading, building) is not in the total. Plain Keras traces and validates within "
    "its training."
)


def text(bench: Bench) -> str:
    """The table for a terminal, with what was measured above and the ratios below."""
    rows = _rows(bench)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
    return "\n".join([_caption(bench), "", *lines, "", NOTES, "", *_ratios(bench)])


def markdown(bench: Bench) -> str:
    """The same as a Markdown table."""
    title, *rows = (f"| {' | '.join(row)} |" for row in _rows(bench))
    columns = len(_rows(bench)[0])
    rule = "| --- |" + " ---: |" * (columns - 1)
    ratios = [f"- {line}" for line in _ratios(bench)]
    return "\n".join([_caption(bench), "", title, rule, *rows, "", NOTES, "", *ratios])


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    name, *numbers = row
    cells = [cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=True)]
    return [name.ljust(widths[0]), *cells]


def _rows(bench: Bench) -> list[tuple[str, ...]]:
    columns = _columns([stage.name for stage in bench.spec.stages])
    rows = [("seconds", *columns)]
    for program, one in bench.medians.items():
        rows.append((PROGRAMS[program], *(cell(one) for cell in columns.values())))
    return rows


def _columns(stages: Sequence[str]) -> dict[str, Callable[[Measurement], str]]:
    return {
        "(load)": lambda one: f"({_seconds(one.loading_seconds)})",
        **{title: _phase(phase) for title, phase in PHASES.items()},
        "total": lambda one: _seconds(one.total_seconds),
        **{stage: _stage(i) for i, stage in enumerate(stages)},
        "test acc": lambda one: accuracy(one.test_accuracy),
        "peak memory": lambda one: byte_size(one.peak_memory_bytes),
    }


def _phase(phase: str) -> Callable[[Measurement], str]:
    return lambda one: _seconds(one.phase_seconds.get(phase))


def _stage(index: int) -> Callable[[Measurement], str]:
    return lambda one: _seconds(one.stage_seconds[index])


def _seconds(seconds: float | None) -> str:
    return MISSING if seconds is None else f"{seconds:,.1f}"


def _caption(bench: Bench) -> str:
    spec, machine = bench.spec, bench.machine
    epochs = "+".join(str(stage.epochs) for stage in spec.stages)
    images = "all" if spec.train_limit is None else f"the first {whole(spec.train_limit)}"
    versions = machine.versions
    # A GPU says more of the figures than the processor that feeds it.
    computed_by = ", ".join(machine.gpus) if machine.device.startswith("gpu") else machine.cpu
    parts = [
        f"{spec.model} at {spec.image_size} px",
        f"{images} training images of {spec.dataset}",
        f"{epochs} epochs",
        f"batch {spec.batch_size}",
        f"{machine.device}: {machine.cores} cores, {computed_by or 'unknown'}",
        f"Keras {versions.get('keras', '?')} on {machine.backend} "
        f"{versions.get(machine.backend, '?')}",
    ]
    if len(bench.rounds) > 1:
        parts.append(f"medians of {len(bench.rounds)}")
    return "; ".join(parts)


def _ratios(bench: Bench) -> list[str]:
    found = {name: bench.ratios[name] for name in RATIOS if name in bench.ratios}
    return [
        f"plain Keras takes {ratio:.1f} times as long ({RATIOS[name]})"
        for name, ratio in found.items()
    ]
