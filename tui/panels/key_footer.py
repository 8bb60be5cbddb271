"""The footer: the keys that do something at present, as many as fit, none cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from textual import events
from textual.binding import ActiveBinding
from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

_EVERYWHERE = ("show_help", "quit", "command_palette")
"""Actions of every screen: their keys come last."""
_KEPT = ("show_help", "quit")
FooterName = Callable[[str, str], str]
"""Called with an action and its usual name; returns its name at present, empty to leave it out."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A key in the footer."""

    key: str
    """Textual's name of it."""
    written: str
    name: str
    action: str
    help: str

    @property
    def width(self) -> int:
        """Cells it takes, with a blank before, between and after."""
        return Content(f" {self.written} {self.name} ").cell_length

    @property
    def is_kept(self) -> bool:
        """Whether it stays on the narrowest terminal: the way back, the help and the way out."""
        return self.key == "escape" or self.action in _KEPT


def fitting(entries: Sequence[Entry], width: int) -> tuple[Entry, ...]:
    """Return the entries that fit: of those that need not stay, the last are left out first."""
    kept = list(entries)
    while sum(entry.width for entry in kept) > width:
        last = next((entry for entry in reversed(kept) if not entry.is_kept), None)
        kept.remove(last or kept[-1])
    return tuple(kept)


class KeyFooter(Widget):
    """One line of keys; a click on one presses it.

    Empty while another screen lies over this one, where none of them works.

    Args:
        name_of: names a key, where that depends on what the screen shows.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    KeyFooter {
        dock: bottom;
        height: 1;
        color: $footer-description-foreground;
        background: $footer-background;
    }
    """
    entries: reactive[tuple[Entry, ...]] = reactive(())
    """The keys that work, whether they fit or not."""
    _pointed: reactive[Entry | None] = reactive(None)

    def __init__(self, name_of: FooterName) -> None:
        super().__init__()
        self._name_of = name_of

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._look_soon)
        self.app.screen_change_signal.subscribe(self, self._look_soon)

    def _look_soon(self, _: Screen[Any]) -> None:
        """Show the keys that work once all that is under way is done."""
        self.call_after_refresh(self._look)

    def _look(self) -> None:
        if self.is_attached:
            self.entries = self.working()

    def watch_entries(self) -> None:
        if self.app.screen is not self.screen:
            self.app.screen.refresh()  # it draws this one below it as it was last

    def working(self) -> tuple[Entry, ...]:
        """Find the keys that work now, the most important of each place first."""
        found = self.screen.active_bindings.values() if self.app.screen is self.screen else ()
        return tuple(self._entries(found))

    def _entries(self, found: Iterable[ActiveBinding]) -> list[Entry]:
        entries: dict[str, Entry] = {}
        for _, binding, is_enabled, tooltip in found:
            if not (binding.show and is_enabled) or binding.action in entries:
                continue
            name = self._name_of(binding.action, binding.description)
            if name:
                written = self.app.get_key_display(binding)
                entry = Entry(binding.key, written, name, binding.action, tooltip)
                entries[binding.action] = entry
        return sorted(entries.values(), key=_rank)

    @property
    def shown(self) -> tuple[Entry, ...]:
        """The keys for which there is room."""
        return fitting(self.entries, self.size.width)

    def render(self) -> Content:
        return Content.assemble(*(self._drawn(entry) for entry in self.shown))

    def _drawn(self, entry: Entry) -> Content:
        drawn = Content.assemble(
            (f" {entry.written} ", "$footer-key-foreground bold"), f"{entry.name} "
        )
        return drawn.stylize("on $block-hover-background") if entry == self._pointed else drawn

    # The mouse.

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._pointed = self._entry_at(event.x)
        self.tooltip = self._pointed.help if self._pointed is not None else None

    def on_leave(self) -> None:
        self._pointed = None

    def on_click(self, event: events.Click) -> None:
        entry = self._entry_at(event.x)
        if entry is not None:
            self.app.simulate_key(entry.key)

    def _entry_at(self, x: int) -> Entry | None:
        for entry in self.shown:
            if x < entry.width:
                return entry
            x -= entry.width
        return None


def _rank(entry: Entry) -> int:
    """Order the keys: those of the place, the way back, and what works everywhere."""
    if entry.action in _EVERYWHERE:
        return 2 + _EVERYWHERE.index(entry.action)
    return 1 if entry.key == "escape" else 0
