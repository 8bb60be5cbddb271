"""What travels through the app: events in from the trainer's thread, commands out of a screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from engine.protocol.commands import Command


class EventsArrived(Message):
    """The session said something: events wait to be taken in."""


@dataclass
class CommandRequested(Message):
    """A screen wants the trainer told something; the app sends it."""

    command: Command


@dataclass
class CommandRefused(Message):
    """The trainer refused a command; told to the screen on top, which may have shown it as done."""

    command: Command
