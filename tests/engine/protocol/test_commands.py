"""The command queue between threads."""

from __future__ import annotations

import threading

import pytest

from engine.common.codec import from_plain, to_plain
from engine.errors import InputError
from engine.protocol.commands import (
    Command,
    CommandQueue,
    Pause,
    Resume,
)


def test_commands_come_out_in_order_and_once() -> None:
    queue = CommandQueue()
    asked = [Pause(), Resume(), Pause()]
    for command in asked:
        queue.put(command)
    assert queue.drain() == asked
    assert queue.drain() == []


def test_waiting_ends_with_the_first_command_from_another_thread() -> None:
    queue = CommandQueue()
    command = Resume()
    threading.Thread(target=queue.put, args=(command,)).start()
    assert queue.wait(30) == [command]
    assert queue.wait(0.001) == []


def test_ids_differ_and_survive_their_json_form() -> None:
    first, second = Pause(), Pause()
    assert first.id != second.id
    assert from_plain(Command, to_plain(first)) == first


@pytest.mark.parametrize(
    "plain", [None, [], {}, {"command": "Explode"}, {"command": "Stop", "when": "soon"}]
)
def test_what_is_no_command_is_refused_with_what_was_expected(plain: object) -> None:
    with pytest.raises(InputError, match="expected"):
        from_plain(Command, plain)
