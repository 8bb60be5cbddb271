"""The log: the engine's messages, and on request what TensorFlow and other libraries print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rich.segment import Segment
from rich.text import Text
from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from engine.common.text import readable
from engine.protocol.events import LogLine
from engine.state.snapshot import RunSnapshot
from tui.settings import keys
from tui.settings.option_names import in_flags

MAX_MESSAGES = 1_000
_LEAST_WIDTH = 40
"""Cells, below which lines are cut instead of wrapped."""
_COLOURS = {"debug": "muted", "info": "foreground", "warning": "warning", "error": "error"}
_MOMENT = re.compile(
    r"^[IWEF]\d{4} [\d:.]+ +\d+ "  # time and thread, as absl writes them
    r"|^\d{4}-\d\d-\d\d[ T][\d:.,]+:? ?"
    r"|\b0x[0-9a-fA-F]+\b"
)
"""What differs when a library prints the same again: time, thread, address."""
_Key = tuple[str, ...]
"""The run, and of a message its level and what does not differ when it is said again."""


@dataclass(slots=True)
class Said:
    """A message, or the id of the run whose messages follow."""

    line: LogLine | str
    """The last one of those that say the same."""
    count: int = 1
    is_least: bool = False
    """Whether it may have been said more often, as lines came faster than they were read."""
    drawn: tuple[Strip, ...] = ()
    """Its lines on the screen; empty until they are made."""

    @property
    def is_debug(self) -> bool:
        """Whether a library printed it."""
        return not isinstance(self.line, str) and self.line.level == "debug"

    @property
    def times(self) -> str:
        """`×3`, `×500+`; empty for what was said once."""
        if self.count == 1:
            return ""
        return f"×{self.count}{'+' if self.is_least else ''}"


class Log:
    """What was logged, run after run: an entry a message, at the place of its last repetition."""

    def __init__(self) -> None:
        self._said: dict[_Key, Said] = {}
        self._counted = 0
        self._run_id: str | None = None
        self.messages = 0
        """How many different messages there were so far, without debug lines."""
        self.debug_messages = 0

    def take(self, run: RunSnapshot) -> list[Said]:
        """Take in what is new; return the entries added or said again."""
        changed: dict[_Key, Said] = {}
        if run.run_id != self._run_id:
            self._run_id, self._counted = run.run_id, 0
            if run.run_id:
                changed[run.run_id,] = self._add((run.run_id,), run.run_id)
        new = run.log_count - self._counted
        self._counted = run.log_count
        for line in run.log[-new:] if new > 0 else ():
            key = (run.run_id, line.level, _MOMENT.sub("", line.text))
            if key not in self._said:
                self.messages += line.level != "debug"
                self.debug_messages += line.level == "debug"
            changed[key] = self._add(key, line)
        if new > len(run.log):
            for said in changed.values():
                said.is_least = True
        return list(changed.values())

    def _add(self, key: _Key, line: LogLine | str) -> Said:
        said = self._said.pop(key, None)
        if said is None:
            said = Said(line)
        else:
            said.line, said.count, said.drawn = line, said.count + 1, ()
        self._said[key] = said
        if len(self._said) > MAX_MESSAGES:
            del self._said[next(iter(self._said))]
        return said

    def __iter__(self) -> Iterator[Said]:
        return iter(self._said.values())


class LogPanel(ScrollView, can_focus=True):
    """The last `MAX_MESSAGES` messages; the newest is in view unless the user has scrolled up."""

    DEFAULT_CSS = """
    LogPanel {
        background: $surface;
        color: $foreground;
        overflow-y: scroll;
        &:focus { background-tint: $foreground 5%; }
    }
    """
    snapshot: reactive[RunSnapshot | None] = reactive(None, always_update=True, repaint=False)
    shows_debug: reactive[bool] = reactive(False, init=False, repaint=False)
    """Whether what libraries print is shown."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="panel")
        self.border_title = Content.styled("Log", "bold")
        self.lines: list[Strip] = []
        """What is drawn, wrapped to the width."""
        self._log = Log()
        self._width = 0
        """The width that the lines are drawn for; 0 where all have to be drawn."""
        self._follows = True
        """Whether the newest line stays in view."""

    @property
    def told(self) -> int:
        """How many different messages it has shown so far, or would have if it were open."""
        return self._log.messages + (self._log.debug_messages if self.shows_debug else 0)

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self._draw_again())

    def watch_snapshot(self, snapshot: RunSnapshot | None) -> None:
        if snapshot is None:
            return
        if any(map(self._is_shown, self._log.take(snapshot))):
            self._draw()
        self._count_debug()

    def watch_shows_debug(self) -> None:
        self._draw()
        self._count_debug()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._follows = new_value >= self.max_scroll_y

    def _count_debug(self) -> None:
        count = sum(said.is_debug for said in self._log)
        lines = f"{count} debug line{'' if count == 1 else 's'}"
        key = keys.written_for("training", "debug_lines")
        words = f"{key} hides {lines}" if self.shows_debug else f"{lines} hidden · {key} shows them"
        words = words if count else ""
        if words != self.border_subtitle:
            self.border_subtitle = words

    def on_resize(self, event: events.Resize) -> None:
        self._draw()

    def render_line(self, y: int) -> Strip:
        """Draw a line, with what of it is marked; Textual marks only the text of other widgets."""
        across, down = self.scroll_offset
        line, width = down + y, self.scrollable_content_region.width
        if line >= len(self.lines):
            return Strip.blank(width, self.rich_style)
        strip = self.lines[line].crop_extend(across, across + width, self.rich_style)
        strip = strip.apply_style(self.rich_style)
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

    def _draw_again(self) -> None:
        """Draw all lines in the colours of now."""
        self._width = 0
        self._draw()

    def _draw(self) -> None:
        """Draw the lines that are new, or all of them in another width; while hidden, none."""
        width = self.scrollable_content_region.width
        if not width or not self.display:
            return
        width, follows = max(width, _LEAST_WIDTH), self._follows
        is_other_width, self._width = width != self._width, width
        share = self.scroll_y / max(self.max_scroll_y, 1)
        self.lines = []
        for said in filter(self._is_shown, self._log):
            if is_other_width or not said.drawn:
                said.drawn = self._strips(said)
            self.lines += said.drawn
        self.virtual_size = Size(width, len(self.lines))
        self._follows = follows  # fewer lines may have moved it to the end
        if follows:
            self.scroll_end(animate=False, immediate=True, x_axis=False)
        elif is_other_width:
            self.call_after_refresh(self._scroll_to_share, share)
        self.refresh()

    def _scroll_to_share(self, share: float) -> None:
        self.scroll_to(y=share * self.max_scroll_y, animate=False)

    def _is_shown(self, said: Said) -> bool:
        return self.shows_debug or not said.is_debug

    def _strips(self, said: Said) -> tuple[Strip, ...]:
        console = self.app.console
        segments = console.render(self._styled(said), console.options.update_width(self._width))
        return tuple(Strip.from_lines(list(Segment.split_lines(segments))))

    def _styled(self, said: Said) -> Text:
        line = said.line
        if isinstance(line, str):
            return Text(f"── {readable(line)}", style=self._colour("muted"))
        text = Text(f"{line.level:<8}", style=self._colour("muted"))
        text.append(in_flags(readable(line.text)), style=self._colour(_COLOURS[line.level]))
        if said.times:
            text.append(f"  {said.times}", style=self._colour("primary"))
        return text

    def _colour(self, name: str) -> str:
        return self.app.theme_variables.get(name, "default")
