"""The question for one line, as it asks for numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.app import App
from textual.widgets import Input, Static

from engine.config.kinds import Whole
from engine.config.settings import LEARNING_RATE
from tui.screens.prompt import Prompt, number_prompt


class Asking(App[float | None]):
    """Asks at once and ends with the answer."""

    def __init__(self, prompt: Prompt[float]) -> None:
        super().__init__()
        self.prompt = prompt

    def on_mount(self) -> None:
        self.push_screen(self.prompt, self.exit)

    @property
    def note(self) -> str:
        """What the line below the field says."""
        return str(self.screen.query_one(".dialog-note", Static).render())


def rate() -> Prompt[float]:
    return number_prompt("Rate?", LEARNING_RATE, "0.001")


def layers() -> Prompt[float]:
    return number_prompt("How many?", Whole(1, 155))


@pytest.mark.parametrize(
    ("text", "number"), [("3e-4", 3e-4), (" 10 ", 10.0), (".5", 0.5), ("1", 1.0)]
)
async def test_numbers_that_will_do(text: str, number: float) -> None:
    app = Asking(rate())
    async with app.run_test() as pilot:
        await pilot.pause()
        app.screen.query_one(Input).value = text
        await pilot.press("enter")
    assert app.return_value == number


@pytest.mark.parametrize(
    ("prompt", "text", "says"),
    [
        (rate, "0", "expected a number in (0, 10], found 0"),
        (rate, "-1", "expected a number in (0, 10], found -1"),
        (rate, "10.1", "expected a number in (0, 10], found 10.1"),
        (rate, "nan", "expected a number in (0, 10], found nan"),
        (rate, "inf", "expected a number in (0, 10], found inf"),
        (rate, "fast", "expected a number, found 'fast'"),
        (layers, "0", "expected 1 to 155, found 0"),
        (layers, "156", "expected 1 to 155, found 156"),
        (layers, "1.5", "expected a whole number, found '1.5'"),
        (layers, "1e2", "expected a whole number, found '1e2'"),
    ],
)
async def test_numbers_that_will_not(
    prompt: Callable[[], Prompt[float]], text: str, says: str
) -> None:
    app = Asking(prompt())
    async with app.run_test() as pilot:
        await pilot.pause()
        app.screen.query_one(Input).value = text
        await pilot.pause()
        assert app.note == says
        await pilot.press("enter")
        assert isinstance(app.screen, Prompt)
        assert app.note == says


async def test_typing_replaces_what_stands_there_and_enter_takes_it() -> None:
    app = Asking(rate())
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.screen.query_one(Input).value == "0.001"
        assert app.note == "expected a number in (0, 10]"
        await pilot.press("5", "e", "-", "5", "enter")
    assert app.return_value == 5e-5


async def test_it_says_at_once_what_is_wrong_and_takes_nothing_wrong() -> None:
    app = Asking(layers())
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.note == "expected 1 to 155"
        await pilot.press("enter")
        assert app.note == "expected a whole number, found ''"
        await pilot.press("9", "9", "9")
        assert app.note == "expected 1 to 155, found 999"
        assert app.screen.query_one(".dialog-note").has_class("-wrong")
        await pilot.press("enter")
        assert isinstance(app.screen, Prompt)
        await pilot.press("backspace")
        assert app.note == "expected 1 to 155"
        assert not app.screen.query_one(".dialog-note").has_class("-wrong")
        await pilot.press("enter")
    assert app.return_value == 99


async def test_escape_gives_no_number() -> None:
    app = Asking(rate())
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.press("7", "escape")
    assert app.return_value is None
