"""What a chart shows, as text."""

from __future__ import annotations

from typing import Any

from textual.geometry import Region

from tui.panels.charts.plot import Plot


def picture(chart: Plot[Any]) -> str:
    strips = chart.render_lines(Region(0, 0, chart.size.width, chart.size.height))
    return "\n".join(strip.text for strip in strips)


def braille(text: str) -> int:
    return sum(0x2800 < ord(char) <= 0x28FF for char in text)
