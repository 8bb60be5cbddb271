"""The canvas of the charts, whose every cell has a style."""

from __future__ import annotations

from textual.strip import Strip
from textual_hires_canvas import Canvas


class StyledCanvas(Canvas):
    """Gives a line without a style the widget's own, as wide as the widget.

    The canvas leaves it out before it knows its size, and Textual's filter that turns colours into
    greys, where `NO_COLOR` asks for that, fails on a segment without one.
    """

    def render_line(self, y: int) -> Strip:
        """The line at `y`, from 0."""
        style = self.rich_style
        line = super().render_line(y).apply_style(style)
        return line.extend_cell_length(self.size.width, style)
