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
_SHORT_GAP = 4
"""As many unchanged cells cost no more than a move over them."""
_EXTENDED = ("38", "48")

Cell = tuple[str, str]
"""A character, and the parameters of the pen that wrote it."""
Pen = tuple[tuple[str, ...], str, str]
"""Attributes, colour and background; empty for the terminal's own."""


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
                wanted = _joined(wanted, token["pen"])
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
            self._rows.clear()
            self._at = None
            return None
        row, column = place
        cells = self._rows.setdefault(row, {})
        if not _is_narrow(text):
            return self._write_wide(row, column, text, pen)
        for character in text:
            cell = (character, pen)
            if cells.get(column) != cell:
                self._go_to(row, column)
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
            return
        cells = self._rows[row]
        between = [cells.get(column - gap + i) for i in range(gap)] if gap <= _SHORT_GAP else []
        if between and all(cell is not None and cell[1] == self._pen for cell in between):
            self._out += [cell[0] for cell in between if cell is not None]
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
def _joined(pen: str, more: str) -> str:
    if more in ("", "0"):
        return _NO_PEN
    return f"{pen};{more}" if pen else more


@lru_cache(4096)
def _change(before: str, after: str) -> str:
    """Make the shortest sequence from one pen to another."""
    if after == _NO_PEN:
        return "\x1b[m"
    attributes, colour, background = _parsed(before)
    wanted, wanted_colour, wanted_background = _parsed(after)
    if attributes != wanted:
        return f"\x1b[0;{after}m" if before else f"\x1b[{after}m"
    parts = []
    if colour != wanted_colour:
        parts.append(wanted_colour or "39")
    if background != wanted_background:
        parts.append(wanted_background or "49")
    return f"\x1b[{';'.join(parts)}m" if parts else ""


@lru_cache(4096)
def _parsed(pen: str) -> Pen:
    attributes: list[str] = []
    colour = background = ""
    codes = pen.split(";") if pen else []
    while codes:
        code = codes.pop(0)
        if code in _EXTENDED:
            length = 2 if codes[:1] == ["5"] else 4
            code, codes = ";".join([code, *codes[:length]]), codes[length:]
        number = int(code.partition(";")[0])
        if number == 38 or 30 <= number <= 37 or 90 <= number <= 97:
            colour = code
        elif number == 48 or 40 <= number <= 47 or 100 <= number <= 107:
            background = code
        elif number == 39:
            colour = ""
        elif number == 49:
            background = ""
        else:
            attributes.append(code)
    return tuple(attributes), colour, background
