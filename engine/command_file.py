"""Commands that arrive as lines of a file, from another process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.commands import command_from_plain
from engine.errors import InputError

if TYPE_CHECKING:
    from engine.commands import Command

MAX_LINE_BYTES = 2**20
"""A longer line is no command: NASNetLarge's thousand layers take 40 KB."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What has arrived since the last look."""

    commands: tuple[Command, ...] = ()
    problems: tuple[str, ...] = ()
    """One line for each line that was no command."""


class CommandFile:
    """Reads the whole lines that others append to a file; it need not exist yet."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        """Begin at `offset` bytes: what stands before it was read by an earlier process."""
        self._path = path
        self.offset = offset
        """Bytes read so far, whole lines only."""
        self._passes_over = False

    def read(self) -> Arrived:
        """The commands of the lines that have been finished since the last call."""
        whole = self._whole_lines()
        if not whole:
            return Arrived()
        commands, problems = [], []
        for number, line in enumerate(whole):
            if self._passes_over and number == 0:
                self._passes_over = False
                continue
            if not line.strip():
                continue
            try:
                commands.append(_command(line))
            except InputError as error:
                problems.append(f"{self._path.name}: {error}")
        return Arrived(tuple(commands), tuple(problems))

    def _whole_lines(self) -> list[bytes]:
        try:
            if self._path.stat().st_size <= self.offset:
                return []
            with self._path.open("rb") as file:
                file.seek(self.offset)
                found = file.read(MAX_LINE_BYTES)
        except OSError:
            return []
        whole, newline, _ = found.rpartition(b"\n")
        if newline:
            self.offset += len(whole) + 1
            return whole.split(b"\n")
        if len(found) == MAX_LINE_BYTES:
            self.offset += len(found)
            self._passes_over = True
        return []


def _command(line: bytes) -> Command:
    try:
        plain = json.loads(line)
    except (ValueError, RecursionError) as error:
        text = line[:60].decode(errors="replace")
        raise InputError(f"expected a command as a JSON object, found {text!r}") from error
    command: Command = command_from_plain(plain)
    return command
