"""The messages about commands, between a screen and the app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from engine.protocol.commands import Command


@dataclass
class CommandRequested(Message):
    """A screen has a command for the trainer; the app sends it."""

    command: Command


class CommandRefused(Message):
    """The trainer rejected a command; sent to the top screen, which may show it as done."""
