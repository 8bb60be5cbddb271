"""Writes only cells that look different: drawing a panel again costs what changed in it.

Textual writes whole lines of a widget that asks to be drawn. Over SSH most of that is already on
the screen. What was last written is remembered cell by cell; the same again is left out, the pen
changes by its difference, and an update that changes nothing is not sent at all.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rich.cells import get_character_cell_size

_TOKEN = re.compile(
    r"\x1b\[(?P<row>\d+);(?P<column>\d+)H"
    r"|\x1b\[(?P<pen>[\d;]*)m"
    r"|(?P<newline>[\r\n]+)"
    r"|(?P<text>[^\x00-\x1f\x7f]+)"
    r"|(?P<harmless>\x1b\[\?(?!1049|1047|47|3[hl])[\d;]+[hl]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x07)"
    r"|(?P<other>.)",
    re.DOTALL,
)
_SYNC_START, _SYNC_END = "\x1b[?2026h", "\x1b[?2026l"
_NO_PEN = ""
_PARTS = re.compile(
    r"(?P<attributes>(?:(?:\d|21|5\d)(?:;|$))*)"
    r"(?:(?P<colour>38;5;\d+|38;2;\d+;\d+;\d+|[39]\d);?)?"
    r"(?P<background>48;5;\d+|48;2;\d+;\d+;\d+|4\d|10\d)?"
)
"""Of a pen, in the order in which Rich writes them."""

_SEEN_ON_BLANKS = {"4", "7", "9", "21", "53"}
"""Attributes that draw lines, or show the colour as the background."""

Cell = tuple[str, str]
"""A character, and the parameters of the pen that wrote it; of a blank, what is seen of them."""


class ChangedCells:
    """What a terminal shows, as far as it was written by this module."""

    def __init__(self) -> None:
        self._rows: dict[int, dict[int, Cell]] = {}
        self._is_update_held = False
        self._out: list[str] = []
        self._at: tuple[int, int] | None = None
        """Where the terminal's cursor is, (row, column) from 0; None where that is not known."""
        self._pen = _NO_PEN
        """What the terminal writes with."""

    def forget(self) -> None:
        """Forget what is on the screen, as after a change of its size."""
        self._rows.clear()
        self._at = None

    def reduced(self, data: str) -> str:
        """Return the part of `data` that makes the screen look as if all of it were written.

        Args:
            data: text with complete escape sequences, each style reset after its text.
        """
        if data == _SYNC_START:
            self._is_update_held = True
            return ""
        if data == _SYNC_END and self._is_update_held:
            self._is_update_held = False
            return ""
        self._walk(data)
        written = "".join(self._out)
        self._out.clear()
        if written and self._is_update_held:
            self._is_update_held = False
            return _SYNC_START + written
        return written

    def _walk(self, data: str) -> None:
        place, wanted = self._at, _NO_PEN
        for token in _TOKEN.finditer(data):
            kind, text = token.lastgroup, token[0]
            if kind == "column":
                place = (int(token["row"]) - 1, int(token["column"]) - 1)
            elif kind == "pen":
                wanted = _NO_PEN if token["pen"] in ("", "0") else token["pen"]
            elif kind == "text":
                place = self._write(place, text, wanted)
            elif kind == "harmless":
                self._out.append(text)
            elif kind == "other":
                self._pass_on(data[token.start() :])
                return
        self._rest(place)

    def _write(self, place: tuple[int, int] | None, text: str, pen: str) -> tuple[int, int] | None:
        """Write the cells that differ; return where the text ends."""
        if place is None:
            self._set_pen(pen)
            self._out.append(text)
            self.forget()
            return None
        row, column = place
        cells = self._rows.setdefault(row, {})
        if not _is_narrow(text):
            return self._write_wide(row, column, text, pen)
        blank = _on_blank(pen)
        for character in text:
            is_blank = character == " "
            cell = (character, blank if is_blank else pen)
            if cells.get(column) != cell:
                self._go_to(row, column)
                if not (is_blank and _on_blank(self._pen) == blank):
                    self._set_pen(pen)
                self._out.append(character)
                self._at = (row, column + 1)
                cells[column] = cell
            column += 1
        return row, column

    def _write_wide(self, row: int, column: int, text: str, pen: str) -> tuple[int, int]:
        """Write a whole text whose characters do not take a cell each, and remember none of it."""
        self._go_to(row, column)
        self._set_pen(pen)
        self._out.append(text)
        end = column + sum(map(get_character_cell_size, text))
        for known in range(column - 1, end + 1):
            self._rows[row].pop(known, None)
        # Terminals do not agree on how far such a text goes.
        self._at = None
        return row, end

    def _go_to(self, row: int, column: int) -> None:
        if self._at == (row, column):
            return
        gap = column - self._at[1] if self._at is not None and self._at[0] == row else 0
        if gap <= 0:
            self._out.append(f"\x1b[{row + 1};{column + 1}H")
        else:
            self._out.append(f"\x1b[{gap}C")

    def _set_pen(self, pen: str) -> None:
        if pen != self._pen:
            self._out.append(_change(self._pen, pen))
            self._pen = pen

    def _rest(self, place: tuple[int, int] | None) -> None:
        """Reset the pen, and put the cursor where it belongs."""
        self._set_pen(_NO_PEN)
        if place is not None and place != self._at:
            self._out.append(f"\x1b[{place[0] + 1};{place[1] + 1}H")
            self._at = place

    def _pass_on(self, rest: str) -> None:
        """Write something that is not understood, and forget what is on the screen."""
        self._set_pen(_NO_PEN)
        self._out.append(rest)
        self.forget()


@lru_cache(4096)
def _is_narrow(text: str) -> bool:
    return text.isascii() or all(get_character_cell_size(character) == 1 for character in text)


@lru_cache(4096)
def _on_blank(pen: str) -> str:
    """Return what is seen of a pen where it writes a blank: mostly its background."""
    parts = _PARTS.fullmatch(pen)
    if parts is None or _SEEN_ON_BLANKS & set(parts["attributes"].split(";")):
        return pen
    return parts["background"] or _NO_PEN


@lru_cache(4096)
def _change(before: str, after: str) -> str:
    """Make the shortest sequence from one pen to another."""
    if after == _NO_PEN:
        return "\x1b[m"
    old, new = _PARTS.fullmatch(before), _PARTS.fullmatch(after)
    if old is None or new is None or old["attributes"] != new["attributes"]:
        return f"\x1b[0;{after}m" if before else f"\x1b[{after}m"
    usual = {"colour": "39", "background": "49"}
    parts = [new[part] or usual[part] for part in usual if old[part] != new[part]]
    return f"\x1b[{';'.join(parts)}m" if parts else ""
