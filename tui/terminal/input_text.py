"""The text of a terminal's input: bytes that are no text are dropped."""

from __future__ import annotations

import codecs

_MOUSE = b"\x1b[M"
"""Begins a mouse report in the old style; three bytes follow: the button, the column, the row."""
_REPORTED = 3
_PLACE_HOLDER = b" "


class InputText:
    """Decodes UTF-8 piece by piece.

    In an old-style mouse report every column after the 95th is a byte that begins no character, or
    worse, one that does: each becomes a space, so that the report keeps its length.
    """

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("ignore").decode
        self._matched = self._left = 0

    def decoded(self, data: bytes) -> str:
        """Decode the next bytes; an incomplete character is kept until the rest comes."""
        if self._left or self._matched or b"\x1b" in data:
            data = b"".join(map(self._narrow, data))
        return self._decode(data)

    def _narrow(self, byte: int) -> bytes:
        if self._left:
            self._left -= 1
            return bytes([byte]) if byte < 0x80 else _PLACE_HOLDER
        is_next = byte == _MOUSE[self._matched]
        self._matched = self._matched + 1 if is_next else int(byte == _MOUSE[0])
        if self._matched == len(_MOUSE):
            self._matched, self._left = 0, _REPORTED
        return bytes([byte])
