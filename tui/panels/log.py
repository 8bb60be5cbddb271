"""The log: the engine's messages, and on request what TensorFlow and other libraries print."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

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

    @property
    def is_debug(self) -> bool:
        """Whether a library printed it."""
        return not isinstance(self.line, str) and self.line.level == "debug"


class Log:
    """What was logged, run after run: an entry a message, at the place of its last repetition."""

    def __init__(self) -> None:
        self._said: dict[_Key, Said] = {}
        self._counted = 0
        self._run_id: str | None = None
        self.counts = {True: 0, False: 0}
        """Entries so far: whether of debug lines, and how many."""

    def take(self, run: RunSnapshot) -> tuple[list[Said], list[Said]]:
        """Take in what is new; return the entries added, and those said again."""
        added: dict[_Key, Said] = {}
        again: dict[_Key, Said] = {}
        if run.run_id != self._run_id:
            self._run_id, self._counted = run.run_id, 0
            if run.run_id:
                added[run.run_id,] = self._add((run.run_id,), run.run_id)
        new = run.log_count - self._counted
        self._counted = run.log_count
        for line in run.log[-new:] if new > 0 else ():
            key = (run.run_id, line.level, _MOMENT.sub("", line.text))
            is_known = key in self._said
            said = self._add(key, line)
            if not is_known:
                self.counts[said.is_debug] += 1
                added[key] = said
            elif key not in added:
                again[key] = said
        return list(added.values()), list(again.values())

    def _add(self, key: _Key, line: LogLine | str) -> Said:
        said = self._said.pop(key, None)
        if said is None:
            said = Said(line)
        else:
            said.line, said.count = line, said.count + 1
        self._said[key] = said
        if len(self._said) > MAX_LINES:
            del self._said[next(iter(self._said))]
        return said

    def __iter__(self) -> Iterator[Said]:
        return iter(self._said.values())


class LogPanel(RichLog):
    """Adds only new lines; keeps the last `MAX_LINES` messages."""

    snapshot: reactive[RunSnapshot | None] = reactive(None, always_update=True, repaint=False)
    shows_debug: reactive[bool] = reactive(False, init=False, repaint=False)
    """Whether what libraries print is shown."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="panel", max_lines=MAX_LINES, wrap=True, min_width=40)
        self.border_title = Content.styled("Log", "bold")
        self._log = Log()

    @property
    def told(self) -> int:
        """How many different messages it has shown so far, or would have if it were open."""
        return self._log.counts[False] + (self._log.counts[True] if self.shows_debug else 0)

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self._write_again())

    def watch_snapshot(self, snapshot: RunSnapshot | None) -> None:
        if snapshot is None:
            return
        added, again = self._log.take(snapshot)
        if any(map(self._is_shown, again)):
            self._write_again()
        else:
            self._write_all(added)
        self._count_debug()

    def watch_shows_debug(self) -> None:
        self._write_again()
        self._count_debug()

    def _count_debug(self) -> None:
        count = sum(said.is_debug for said in self._log)
        lines = f"{count} debug line{'' if count == 1 else 's'}"
        words = f"v hides {lines}" if self.shows_debug else f"{lines} hidden · v shows them"
        words = words if count else ""
        if words != self.border_subtitle:
            self.border_subtitle = words

    def on_resize(self, event: events.Resize) -> None:
        if event.size.width:
            # After Textual has written what was said before there was a size, in colours of then.
            self.call_next(self._write_again)

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
        at_end, share = self.is_vertical_scroll_end, self.scroll_y / max(self.max_scroll_y, 1)
        self.clear()
        self._write_all(self._log, scroll_end=at_end)
        if not at_end:
            self.call_after_refresh(self._scroll_to_share, share)

    def _scroll_to_share(self, share: float) -> None:
        self.scroll_to(y=share * self.max_scroll_y, animate=False)

    def _is_shown(self, said: Said) -> bool:
        return self.shows_debug or not said.is_debug

    def _write_all(self, entries: Iterable[Said], *, scroll_end: bool | None = None) -> None:
        for said in filter(self._is_shown, entries):
            self.write(self._styled(said), expand=True, scroll_end=scroll_end)

    def _styled(self, said: Said) -> Text:
        line = said.line
        if isinstance(line, str):
            return Text(f"── {line}", style=self._colour("muted"))
        text = Text(f"{line.level:<8}", style=self._colour("muted"))
        text.append(in_flags(line.text), style=self._colour(_COLOURS[line.level]))
        if said.count > 1:
            text.append(f"  ×{said.count}", style=self._colour("primary"))
        return text

    def _colour(self, name: str) -> str:
        return self.app.theme_variables.get(name, "default")
