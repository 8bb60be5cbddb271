"""What to begin with where there are no runs yet: each choice a key, a name and what follows."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import events, work
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from engine.common.text import about_duration
from engine.errors import InputError
from engine.runs.directory import holds_runs
from tui.panels.line_fitting import longest
from tui.settings import keys

if TYPE_CHECKING:
    from engine.tools.speed_probe import Speed

Choice = Literal["demo", "cifar10", "folder", "results"]
NAMES: dict[Choice, str] = {
    "demo": "demo",
    "cifar10": "CIFAR-10",
    "folder": "my own images…",
    "results": "results",
}
"""In the order in which they are offered."""
BEGINNINGS: tuple[Choice, ...] = ("demo", "cifar10", "folder")
"""Those that lead to a training."""
CIFAR10 = {"dataset": "cifar10", "data_path": ""}
"""The launcher's options for that choice."""
LEAVING_KEY = "escape"
_NAME_WIDTH = max(map(len, NAMES.values())) + 2
SEPARATE_LINES_FROM = 20
"""Rows of the terminal from which what follows has a line of its own, below the name."""
_FORMS: dict[Choice, tuple[str, ...]] = {
    "demo": (
        "1,000 photographs (and 500 to test): a minute, no download",
        "a minute, nothing to download",
        "1 min, no download",
    ),
    "folder": (
        "a folder of yours that holds a folder for each class",
        "a folder for each class",
        "a folder a class",
    ),
    "results": ("all runs so far, ranked", "all runs so far"),
}
"""What follows, where it does not depend on the machine, in words that are fewer and fewer."""


@dataclass(frozen=True, slots=True)
class Known:
    """What was found out about this machine; empty or None while it is not."""

    data: str = ""
    """Of CIFAR-10: `already here`, or what is to be downloaded, such as `170 MB`."""
    seconds: float | None = None
    """Of the launcher's usual training on it."""
    is_measuring: bool = False
    runs: str = ""
    """Where there are no runs yet: in which folder; empty where there are."""


def consequences(choice: Choice, known: Known) -> tuple[str, ...]:
    """Return what a choice leads to, in words that are fewer and fewer."""
    if choice == "cifar10":
        return _cost(known)
    if choice == "results" and known.runs:
        return f"no runs yet in the folder {known.runs}", "no runs yet"
    return _FORMS[choice]


def _cost(known: Known) -> tuple[str, ...]:
    """Return what training on CIFAR-10 takes here."""
    time = "measuring…" if known.is_measuring else ""
    if known.seconds is not None:
        time = about_duration(known.seconds)
    parts = [part for part in (known.data, time) if part]
    here = f"{', '.join(parts)} here" if known.seconds is not None else ", ".join(parts)
    photos = "60,000 photographs of ten classes"
    return (
        f"{photos}: {here}" if here else photos,
        here,
        ", ".join(parts).removeprefix("already "),
    )


def prompt(choice: Choice, known: Known, width: int, *, separate: bool) -> Content:
    """Return a choice as the list shows it.

    Args:
        choice: which one.
        known: of this machine.
        width: cells of a line.
        separate: whether what follows has a line of its own.
    """
    key = keys.written_for("first", f"choose('{choice}')")
    start = Content.styled(f" {key} ", "$primary bold")
    forms = consequences(choice, known)
    if separate:
        says = longest(forms, width - 4)
        return start + Content.assemble(f" {NAMES[choice]}", (f"\n    {says}", "$muted"))
    says = longest(forms, width - 4 - _NAME_WIDTH)
    return start + Content.assemble(f" {NAMES[choice]:<{_NAME_WIDTH}}", (says, "$muted"))


class FirstChoices(OptionList):
    """The choices as a list: chosen by key, by arrows and Enter, or with the mouse.

    Args:
        runs_dir: the folder of runs.
        choices: those to offer.
        measures: whether to measure this machine's speed where it is not known yet.
    """

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("first", (LEAVING_KEY,))

    class Chosen(Message):
        """The user made a choice."""

        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

    def __init__(
        self,
        runs_dir: Path,
        choices: tuple[Choice, ...] = tuple(NAMES),
        *,
        measures: bool = False,
    ) -> None:
        super().__init__(*(Option("", id=choice) for choice in choices), id="first-choices")
        self._choices, self._runs_dir, self._measures = choices, runs_dir, measures
        self._known = Known()

    def on_mount(self) -> None:
        self.highlighted = 0
        # What it takes needs imports that would delay the first frame.
        self.call_after_refresh(self._look)

    def on_resize(self, event: events.Resize) -> None:
        self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Allow only the choices that are offered."""
        return action != "choose" or parameters[0] in self._choices

    def action_choose(self, choice: Choice) -> None:
        """Make a choice."""
        self.post_message(self.Chosen(choice))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_choose(self._choices[event.option_index])

    def learn(self, known: Known) -> None:
        """Show what is known now."""
        self._known = known
        self._draw()

    @work(exclusive=True)
    async def _look(self) -> None:
        """Find out what CIFAR-10 would cost here."""
        from tui.settings import machine_speed

        known = await asyncio.to_thread(look, self._runs_dir)
        self.learn(known)
        speed = await asyncio.to_thread(machine_speed.remembered_speed)
        if speed is not None:
            await self._forecast(speed)
        elif self._measures:
            self.learn(replace(known, is_measuring=True))
            self.set_timer(machine_speed.MEASURE_AFTER_SECONDS, self._measure)

    @work(exclusive=True)
    async def _measure(self) -> None:
        from tui.settings import machine_speed

        speed = await machine_speed.measure_speed()
        if speed is not None:
            await self._forecast(speed)
        else:
            self.learn(replace(self._known, is_measuring=False))

    async def _forecast(self, speed: Speed) -> None:
        seconds = await asyncio.to_thread(usual_seconds, speed)
        self.learn(replace(self._known, seconds=seconds, is_measuring=False))

    def _draw(self) -> None:
        width = self.content_size.width
        if not width:
            return
        separate = self.app.size.height >= SEPARATE_LINES_FROM
        for index, choice in enumerate(self._choices):
            shown = prompt(choice, self._known, width, separate=separate)
            if self.get_option_at_index(index).prompt != shown:
                self.replace_option_prompt_at_index(index, shown)


def look(runs_dir: Path) -> Known:
    """Look for runs, and for CIFAR-10, by names alone."""
    from engine.config.settings import Options
    from engine.datasets.loading import check_dataset, find_source

    name = CIFAR10["dataset"]
    try:
        check_dataset(Options(dataset=name))
    except InputError:
        data = ""  # the launcher says what is wrong
    else:
        missing = find_source(name)[0].missing_bytes
        data = f"{missing / 1e6:.0f} MB" if missing is not None else "already here"
    return Known(data, runs="" if holds_runs(runs_dir) else _short_path(runs_dir))


def usual_seconds(speed: Speed) -> float | None:
    """Return how long the launcher's first choice of models would train on CIFAR-10."""
    from engine.backbones.catalogue import find_backbone
    from engine.config.planning import plan_runs
    from engine.config.settings import Options
    from tui.screens.launcher.inputs import count_images
    from tui.screens.launcher.screen import MARKED_AT_FIRST
    from tui.screens.launcher.texts import seconds_in_all

    options = Options(dataset=CIFAR10["dataset"])
    images = count_images(options)
    specs = plan_runs([find_backbone(name) for name in MARKED_AT_FIRST], options)
    return None if images is None else seconds_in_all(specs, speed, images)


def _short_path(path: Path) -> str:
    home, text = os.path.expanduser("~"), str(path)
    return f"~{text[len(home) :]}" if text.startswith(home + os.sep) else text
