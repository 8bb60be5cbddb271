"""The log: the engine's messages and TensorFlow's output."""

from __future__ import annotations

from collections import deque

from rich.segment import Segment
from rich.text import Text
from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.selection import Selection
from textual.strip import Strip
from textual.widgets import RichLog

from engine.protocol.events import LogLine
from engine.state.snapshot import RunSnapshot
from tui.settings.option_names import in_flags

MAX_LINES = 1_000
_COLOURS = {"debug": "muted", "info": "foreground", "warning": "warning", "error": "error"}


class LogPanel(RichLog):
    """Adds only new lines; keeps the last `MAX_LINES`."""

    snapshot: reactive[RunSnapshot | None] = reactive(None, always_update=True, repaint=False)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="panel", max_lines=MAX_LINES, wrap=True, min_width=40)
        self.border_title = Content.styled("Log", "bold")
        self._said: deque[LogLine | str] = deque(maxlen=MAX_LINES)
        """Everything shown: lines, and ids of runs before the first line of each."""
        self._counted = 0
        self._run_id: str | None = None

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self._write_again())

    def watch_snapshot(self, snapshot: RunSnapshot | None) -> None:
        if snapshot is None:
            return
        if snapshot.run_id != self._run_id:
            self._run_id, self._counted = snapshot.run_id, 0
            if snapshot.run_id:
                self._say(snapshot.run_id)
        new = snapshot.log_count - self._counted
        if new > 0:
            for line in snapshot.log[-new:]:
                self._say(line)
            self._counted = snapshot.log_count

    def on_resize(self, event: events.Resize) -> None:
        if event.size.width:
            self._write_again()

    def render_line(self, y: int) -> Strip:
        """Draw a line, with what of it is marked; Textual marks only the text of other widgets."""
        across, down = self.scroll_offset
        strip, line = super().render_line(y), down + y
        marked = self.text_selection
        span = marked.get_span(line) if marked is not None else None
        if span is not None:
            start, end = (max(at - across, 0) if at >= 0 else strip.cell_length for at in span)
            style = self.screen.get_component_rich_style("screen--selection")
            chosen = Segment.apply_style(strip.crop(start, end), post_style=style)
            parts = (strip.crop(0, start), Strip(chosen), strip.crop(max(start, end)))
            strip = Strip.join(parts)
        return strip.apply_offsets(across, line)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the text that is marked, without the blanks at the ends of lines."""
        return selection.extract("\n".join(line.text.rstrip() for line in self.lines)), "\n"

    def _write_again(self) -> None:
        """Written lines keep the width and the colours that they were written in."""
        if not self._size_known:
            return  # Textual writes none before
        at_end, share = self.is_vertical_scroll_end, self.scroll_y / max(self.max_scroll_y, 1)
        self.clear()
        for said in self._said:
            self._write(said, scroll_end=at_end)
        if not at_end:
            self.call_after_refresh(self._scroll_to_share, share)

    def _scroll_to_share(self, share: float) -> None:
        self.scroll_to(y=share * self.max_scroll_y, animate=False)

    def _say(self, said: LogLine | str) -> None:
        self._said.append(said)
        self._write(said)

    def _write(self, said: LogLine | str, *, scroll_end: bool | None = None) -> None:
        self.write(self._styled(said), expand=True, scroll_end=scroll_end)

    def _styled(self, said: LogLine | str) -> Text:
        if isinstance(said, str):
            return Text(f"── {said}", style=self._colour("muted"))
        text = Text(f"{said.level:<8}", style=self._colour("muted"))
        text.append(in_flags(said.text), style=self._colour(_COLOURS[said.level]))
        return text

    def _colour(self, name: str) -> str:
        return self.app.theme_variables.get(name, "default")
