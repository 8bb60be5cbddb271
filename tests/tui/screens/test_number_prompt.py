"""The question for one number."""

from __future__ import annotations

import pytest
from textual.app import App
from textual.widgets import Input, Static

from engine.errors import InputError
from tui.screens.number_prompt import NumberPrompt, NumberWanted

RATE = NumberWanted("Rate?", 0, 10, above_low=True, initial="0.001")
LAYERS = NumberWanted("How many?", 1, 155, is_whole=True)


class Asking(App[float | None]):
    """Asks at once and ends with the answer."""

    def __init__(self, wanted: NumberWanted) -> None:
        super().__init__()
        self.wanted = wanted

    def on_mount(self) -> None:
        self.push_screen(NumberPrompt(self.wanted), self.exit)

    @property
    def note(self) -> str:
        """What the line below the field says."""
        return str(self.screen.query_one(".dialog-note", Static).render())


@pytest.mark.parametrize(
    ("wanted", "text", "number"),
    [
        (RATE, "3e-4", 3e-4),
        (RATE, " 10 ", 10.0),
        (RATE, ".5", 0.5),
        (LAYERS, "1", 1.0),
        (LAYERS, "155", 155.0),
    ],
)
def test_numbers_that_will_do(wanted: NumberWanted, text: str, number: float) -> None:
    assert wanted.read(text) == number


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (RATE, "0"),
        (RATE, "-1"),
        (RATE, "10.1"),
        (RATE, "nan"),
        (RATE, "inf"),
        (RATE, "fast"),
        (RATE, ""),
        (LAYERS, "0"),
        (LAYERS, "156"),
        (LAYERS, "1.5"),
        (LAYERS, "1e2"),
    ],
)
def test_numbers_that_will_not(wanted: NumberWanted, text: str) -> None:
    with pytest.raises(InputError) as refusal:
        wanted.read(text)
    assert str(refusal.value) == f"expected {wanted.expected}, found {text or 'nothing'}"


def test_the_text_of_what_is_expected() -> None:
    assert RATE.expected == "a number in (0, 10]"
    assert LAYERS.expected == "a whole number from 1 to 155"


async def test_typing_replaces_what_stands_there_and_enter_takes_it() -> None:
    app = Asking(RATE)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.screen.query_one(Input).value == "0.001"
        assert app.note == "expected a number in (0, 10]"
        await pilot.press("5", "e", "-", "5", "enter")
    assert app.return_value == 5e-5


async def test_it_says_at_once_what_is_wrong_and_takes_nothing_wrong() -> None:
    app = Asking(LAYERS)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.note == "expected a whole number from 1 to 155"
        await pilot.press("enter")
        assert app.note == "expected a whole number from 1 to 155, found nothing"
        await pilot.press("9", "9", "9")
        assert app.note == "expected a whole number from 1 to 155, found 999"
        assert app.screen.query_one(".dialog-note").has_class("-wrong")
        await pilot.press("enter")
        assert isinstance(app.screen, NumberPrompt)
        await pilot.press("backspace")
        assert app.note == "expected a whole number from 1 to 155"
        assert not app.screen.query_one(".dialog-note").has_class("-wrong")
        await pilot.press("enter")
    assert app.return_value == 99


async def test_escape_gives_no_number() -> None:
    app = Asking(RATE)
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.press("7", "escape")
    assert app.return_value is None
