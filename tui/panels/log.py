"""The log: what the engine says and what TensorFlow prints."""

from __future__ import annotations

from rich.text import Text
from textual.content import Content
from textual.reactive import reactive
from textual.theme import Theme
from textual.widgets import RichLog

from engine.events import LogLine
from engine.snapshot import RunSnapshot

MAX_LINES = 1_000
_COLOURS = {"debug": "muted", "info": "foreground", "warning": "warning", "error": "error"}


class LogPanel(RichLog):
    """Adds only the lines that are new; keeps the last `MAX_LINES`."""

    snapshot: reactive[RunSnapshot | None] = reactive(None, always_update=True, repaint=False)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="panel", max_lines=MAX_LINES, wrap=True, min_width=40)
        self.border_title = Content.styled("Log", "bold")
        self._written = 0
        self._run_id: str | None = None

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, self._write_anew)

    def watch_snapshot(self, snapshot: RunSnapshot | None) -> None:
        if snapshot is None:
            return
        if snapshot.run_id != self._run_id:
            self._run_id, self._written = snapshot.run_id, 0
            if snapshot.run_id:
                self._add(Text(f"── {snapshot.run_id}", style=self._colour("muted")))
        new = snapshot.log_count - self._written
        if new > 0:
            for line in snapshot.log[-new:]:
                self._add(self._styled(line))
            self._written = snapshot.log_count

    def _write_anew(self, _theme: Theme) -> None:
        # Written lines keep the colours they were written in.
        self.clear()
        self._run_id = None
        self.watch_snapshot(self.snapshot)

    def _add(self, text: Text) -> None:
        self.write(text, expand=True)

    def _styled(self, line: LogLine) -> Text:
        text = Text(f"{line.level:<8}", style=self._colour("muted"))
        text.append(line.text, style=self._colour(_COLOURS[line.level]))
        return text

    def _colour(self, name: str) -> str:
        return self.app.theme_variables.get(name, "default")
