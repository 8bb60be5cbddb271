"""The catalogue as a table: mark models to train them, find them by a part of their name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.message import Message

from engine.backbones.entry import Backbone
from engine.common.text import MISSING, Column, Row, about_duration, count, whole
from tui.panels.tables.virtual_table import Piece, VirtualTable
from tui.settings import keys

MARKED, UNMARKED = "[x]", "[ ]"
TO_DOWNLOAD = "to download ("
CATALOGUE_ORDER = "place"


def _top1(row: Row) -> str:
    return MISSING if row["top1"] is None else f"{100 * row['top1']:.1f} %"


def _time(row: Row) -> str:
    # As wide as the longest, so that nothing moves when the times arrive.
    return f"{about_duration(row['seconds']) if row['seconds'] is not None else '':>7}"


def _weights(row: Row) -> str:
    state = row["weights"].removeprefix("from ")
    if state.startswith(TO_DOWNLOAD):
        state = "↓ " + state.removeprefix(TO_DOWNLOAD).rstrip(")")
    return f"{state:<8}"


COLUMNS = (
    Column("name", "model", lambda row: str(row["name"]), 9, right=False),
    Column("parameters", "params", lambda row: count(row["parameters"]), 6),
    Column("depth", "depth", lambda row: str(row["depth"]), 3),
    Column("flops", "FLOPs", lambda row: count(row["flops"]), 5),
    Column("top1", "top-1", _top1, 4),
    Column("image_size", "px", lambda row: whole(row["image_size"]), 2),
    Column("seconds", "time", _time, 8),
    Column("weights", "weights", _weights, 7, right=False),
)


class CatalogueTable(VirtualTable):
    """One row an entry; remembers marks, even of entries that are filtered out."""

    BINDINGS = keys.bindings("catalogue")
    HIGH_FIRST: ClassVar[frozenset[str]] = frozenset({"top1"})
    SORTED_FIRST: ClassVar[tuple[str, ...]] = (CATALOGUE_ORDER,)

    class Marked(Message):
        """The marks have changed."""

    class StartAsked(Message):
        """The user wants to train the marked models."""

    def __init__(
        self,
        entries: Sequence[Backbone],
        marked: Sequence[str] = (),
        *,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__("name", CATALOGUE_ORDER, id=id)
        self.add_class("panel")
        self.border_title = "Models"
        self._entries = tuple(entries)
        self._marked = set(marked)
        self._weights: Mapping[str, str] = {}
        self._seconds: Mapping[str, float] = {}
        self._sizes: Mapping[str, int] = {entry.name: entry.image_size for entry in entries}

    @property
    def marked(self) -> list[Backbone]:
        """The marked entries, in the order of the catalogue."""
        return [entry for entry in self._entries if entry.name in self._marked]

    def on_mount(self) -> None:
        self._fill()

    def filter(self, text: str) -> None:
        """Show only the entries whose name contains `text`, whatever its case."""
        part = text.strip().lower()
        names = (entry.name for entry in self._entries)
        self.show_only({name for name in names if part in name.lower()} if part else None)

    def show_weights(self, states: Mapping[str, str]) -> None:
        """Show where each entry's weights are, by name."""
        self._weights = states
        self._fill()

    def show_plans(self, sizes: Mapping[str, int], seconds: Mapping[str, float]) -> None:
        """Show each entry as it would be trained.

        Args:
            sizes: input pixels by name; an entry without one cannot be trained with these options.
            seconds: expected on this machine by name, where known.
        """
        if (sizes, seconds) != (self._sizes, self._seconds):
            self._sizes, self._seconds = sizes, seconds
            self._fill()

    def action_toggle_mark(self) -> None:
        """Mark the model under the cursor, or remove its mark."""
        if self.current_key is not None:
            self._marked ^= {self.current_key}
            self.refresh()
            self.post_message(self.Marked())

    def action_start(self) -> None:
        """Ask for the start."""
        self.post_message(self.StartAsked())

    def on_virtual_table_opened(self, event: VirtualTable.Opened) -> None:
        """Toggle the mark on a click on the cursor's row."""
        event.stop()
        self.action_toggle_mark()

    @on(VirtualTable.Sorted)
    def _say_order(self) -> None:
        is_usual = self.sort_key == CATALOGUE_ORDER and not self.is_descending
        self.border_subtitle = "" if is_usual else f"sorted by {self.sorted_by}"

    def _fill(self) -> None:
        self.fill([self._row(place, entry) for place, entry in enumerate(self._entries)])

    def _row(self, place: int, entry: Backbone) -> dict[str, Any]:
        size = self._sizes.get(entry.name)
        return {
            CATALOGUE_ORDER: place,
            "name": entry.name,
            "parameters": entry.parameters,
            "depth": entry.depth,
            "flops": None if size is None else entry.flops_at(size),
            "top1": entry.imagenet_top1,
            "image_size": size,
            "seconds": self._seconds.get(entry.name),
            "weights": self._weights.get(entry.name, ""),
        }

    # What the base class asks for.

    def columns_of(self, rows: Sequence[Row]) -> list[Column]:
        return list(COLUMNS)

    def lead(self, row: Row) -> list[Piece]:
        is_marked = row["name"] in self._marked
        mark, style = (MARKED, "table--marked") if is_marked else (UNMARKED, "table--quiet")
        return [(mark, style), (" ", "")]

    def style_of(self, column: Column, row: Row) -> str:
        return "table--quiet" if column.key == "weights" or row["image_size"] is None else ""
