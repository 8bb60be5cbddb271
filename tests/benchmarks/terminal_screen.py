"""What a terminal shows of what is written to it: as much of one as Textual's programs use."""

from __future__ import annotations

import re

from rich.cells import get_character_cell_size

Look = tuple[str, tuple[str, ...]]
"""A character, and the pen it was written with; the right half of a wide one is empty."""
_SEQUENCE = re.compile(
    r"\x1b\[(?P<parameters>[?>=\d;]*)[\x20-\x2f]*(?P<final>[@-~])"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[^\[\]]|(?P<character>[^\x00-\x1f\x7f])|.",
    re.DOTALL,
)
_UNFINISHED = re.compile(r"\x1b(?:\[[?>=\d;]*|\][^\x07\x1b]*)?$")
_OF_COLOUR = {"39": "38", "49": "48"}


class TerminalScreen:
    """Cells by (row, column) from 0, and where the cursor is."""

    def __init__(self) -> None:
        self.cells: dict[tuple[int, int], Look] = {}
        self.pen: tuple[str, ...] = ()
        self._row = self._column = 0
        self._unfinished = ""

    @property
    def lines(self) -> list[str]:
        """The rows as text, from the first to the last that was written to."""
        rows: dict[int, dict[int, str]] = {}
        for (row, column), (character, _) in self.cells.items():
            rows.setdefault(row, {})[column] = character
        return [
            "".join(rows.get(row, {}).get(column, " ") for column in range(max(rows[row]) + 1))
            if row in rows
            else ""
            for row in range(max(rows, default=-1) + 1)
        ]

    def write(self, data: str) -> None:
        """Take in text with escape sequences; one that is cut off goes on with the next."""
        data = self._unfinished + data
        cut = _UNFINISHED.search(data)
        self._unfinished = cut[0] if cut else ""
        for found in _SEQUENCE.finditer(data[: cut.start()] if cut else data):
            if found["character"]:
                self._put(found["character"])
            elif found["final"]:
                self._obey(found["parameters"], found["final"])

    def _obey(self, parameters: str, final: str) -> None:
        if final == "H":
            row, _, column = parameters.partition(";")
            self._row, self._column = int(row or 1) - 1, int(column or 1) - 1
        elif final == "C":
            self._column += int(parameters or 1)
        elif final == "J" or (final == "h" and parameters == "?1049"):
            self.cells.clear()
        elif final == "m" and parameters[:1] not in ("?", ">"):
            self.pen = _pen_after(self.pen, parameters)

    def _put(self, character: str) -> None:
        self._break_up()
        self.cells[self._row, self._column] = (character, self.pen)
        self._column += 1
        if get_character_cell_size(character) == 2:
            self._break_up()
            self.cells[self._row, self._column] = ("", self.pen)
            self._column += 1

    def _break_up(self) -> None:
        """Half of a wide character that is written over takes the other half with it."""
        row, column = self._row, self._column
        here = self.cells.get((row, column), (" ", ()))[0]
        if here == "":
            self.cells.pop((row, column - 1), None)
        elif get_character_cell_size(here) == 2:
            self.cells.pop((row, column + 1), None)


def _pen_after(pen: tuple[str, ...], parameters: str) -> tuple[str, ...]:
    """What a terminal writes with after some parameters: attributes, colour and background."""
    kept = dict(item.split("=") for item in pen)
    codes = iter(parameters.split(";") if parameters else ["0"])
    for code in codes:
        if code == "0":
            kept = {}
        elif code in ("38", "48"):
            kind = next(codes)
            kept[code] = "+".join([kind, *(next(codes) for _ in range(1 if kind == "5" else 3))])
        elif code in _OF_COLOUR:
            kept.pop(_OF_COLOUR[code], None)
        elif len(code) == 2 and code[0] in "34":
            kept[f"{code[0]}8"] = code
        else:
            kept[code] = "on"
    return tuple(sorted(f"{key}={value}" for key, value in kept.items()))
