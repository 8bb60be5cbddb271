"""The catalogue as a table: models are marked to be trained, and found by a part of their name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text
from textual.message import Message
from textual.widgets import DataTable

from engine.backbones import Backbone
from engine.formatting import MISSING, count
from tui import keys

MARKED, UNMARKED = "[x]", "[ ]"
TO_DOWNLOAD = "to download ("
TITLES = ("model", "params", "depth", "FLOPs", "top-1", "px", "time", "weights")


class CatalogueTable(DataTable[Text]):
    """One row an entry; remembers what is marked, filtered out or not."""

    BINDINGS = keys.bindings("catalogue")

    class Marked(Message):
        """What is marked has changed."""

    class StartAsked(Message):
        """The marked models shall train."""

    def __init__(
        self,
        entries: Sequence[Backbone],
        marked: Sequence[str] = (),
        *,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id, cursor_type="row", classes="panel")
        self.border_title = "Models"
        self._entries = tuple(entries)
        self._marked = set(marked)
        self._weights: Mapping[str, str] = {}
        self._times: Mapping[str, str] = {}
        self._filter = ""

    @property
    def marked(self) -> list[Backbone]:
        """The marked entries, in the order of the catalogue."""
        return [entry for entry in self._entries if entry.name in self._marked]

    @property
    def names(self) -> list[str]:
        """The entries in view, from top to bottom."""
        return [str(key.value) for key in self.rows]

    def on_mount(self) -> None:
        self.add_column(Text("   "), key="mark")
        for title in TITLES:
            self.add_column(_text(title, title not in ("model", "weights")), key=title)
        self.fixed_columns = 2
        self._fill()

    def filter(self, text: str) -> None:
        """Show only the entries whose name holds `text`, whatever its case."""
        self._filter = text.strip().lower()
        self._fill()

    def show_weights(self, states: Mapping[str, str]) -> None:
        """Show where each entry's weights are, by name."""
        self._weights = states
        for name in self.names:
            self.update_cell(name, "weights", self._state(name), update_width=True)

    def show_times(self, times: Mapping[str, str]) -> None:
        """Show how long each entry is expected to train here, by name."""
        if times == self._times:
            return
        self._times = times
        for name in self.names:
            self.update_cell(name, "time", _text(times.get(name, ""), True), update_width=True)

    def action_toggle_mark(self) -> None:
        """Mark the model under the cursor, or take its mark away."""
        if not 0 <= self.cursor_row < self.row_count:
            return
        name = self.names[self.cursor_row]
        self._marked ^= {name}
        self.update_cell(name, "mark", self._mark(name))
        self.post_message(self.Marked())

    def action_start(self) -> None:
        """Ask for the start."""
        self.post_message(self.StartAsked())

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """A click on the row that has the cursor."""
        self.action_toggle_mark()

    def _fill(self) -> None:
        name = self.names[self.cursor_row] if 0 <= self.cursor_row < self.row_count else ""
        self.clear()
        for entry in self._entries:
            if self._filter in entry.name.lower():
                self.add_row(*self._cells(entry), key=entry.name)
        if name in self.names:
            self.move_cursor(row=self.names.index(name), animate=False)

    def _mark(self, name: str) -> Text:
        return Text(MARKED, style="bold") if name in self._marked else Text(UNMARKED, style="dim")

    def _cells(self, entry: Backbone) -> list[Text]:
        top1 = entry.imagenet_top1
        numbers = (
            count(entry.parameters),
            str(entry.depth),
            count(entry.flops),
            MISSING if top1 is None else f"{100 * top1:.1f} %",
            str(entry.image_size),
            self._times.get(entry.name, ""),
        )
        return [
            self._mark(entry.name),
            _text(entry.name, False),
            *(_text(number, True) for number in numbers),
            self._state(entry.name),
        ]

    def _state(self, name: str) -> Text:
        state = self._weights.get(name, "")
        if state.startswith(TO_DOWNLOAD):
            state = "↓ " + state.removeprefix(TO_DOWNLOAD).rstrip(")")
        return _text(state, False, "dim")


def _text(text: str, right: bool, style: str = "") -> Text:
    return Text(text, style=style, justify="right" if right else "left", no_wrap=True)
