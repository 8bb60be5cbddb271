"""The app's messages: events in from the trainer's thread, commands out of a screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from engine.protocol.commands import Command


class EventsArrived(Message):
    """Events of the session wait to be taken in."""


@dataclass
class CommandRequested(Message):
    """A screen has a command for the trainer; the app sends it."""

    command: Command


@dataclass
class CommandRefused(Message):
    """The trainer rejected a command; sent to the top screen, which may show it as done."""

    command: Command
