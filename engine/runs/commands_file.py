"""Commands that arrive as lines of a file, from another process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from engine.common.codec import from_plain
from engine.common.lines import LineReader
from engine.errors import InputError
from engine.protocol.commands import Command


@dataclass(frozen=True, slots=True)
class Arrived:
    """What has arrived since the last look."""

    commands: tuple[Command, ...] = ()
    problems: tuple[str, ...] = ()
    """One message for each line that is not a command."""


class CommandFile:
    """Reads the whole lines that others append to a file; it need not exist yet."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        """Begin at `offset` bytes: an earlier process read what comes before."""
        self._path = path
        self._lines = LineReader(path, offset)

    @property
    def offset(self) -> int:
        """Bytes read so far, whole lines only."""
        return self._lines.offset

    def read(self) -> Arrived:
        """Return the commands of the lines completed since the last call."""
        commands, problems = [], []
        for line in self._lines.read():
            if not line.strip():
                continue
            try:
                commands.append(_command(line))
            except InputError as error:
                problems.append(str(error.within(self._path.name)))
        return Arrived(tuple(commands), tuple(problems))


def _command(line: bytes) -> Command:
    try:
        plain = json.loads(line)
    except (ValueError, RecursionError) as error:
        text = line[:60].decode(errors="replace")
        raise InputError("", "a command as a JSON object", repr(text)) from error
    command: Command = from_plain(Command, plain, "command")
    return command
