"""Draw the screens as pictures from recorded runs: `python docs/screens.py RUNS_DIR RUN...`.

The runs are played into the real app as a queue: all but the last whole, the last one up to the
middle of its last epoch. RUNS_DIR is what the results screen shows; its two best runs are compared.
Without options it draws the pictures of the documents: at 120x40, and some on other terminals.
`--to DIR` draws every screen, to be looked at, in one size and one theme.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Container, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from textual.pilot import Pilot

from engine.config.spec import RunSpec
from engine.protocol.commands import Command, SetTrainable
from engine.protocol.events import BatchEnded, EpochEnded, Event
from engine.runs.listing import RunRecord, load_run, read_events
from engine.sessions.handle import SessionHandle
from engine.state.layer_choice import count_blocks, last_blocks
from tui.app import CifarApp
from tui.screens.training.screen import TrainingScreen
from tui.session.source import Source
from tui.settings.run_pages import RUN_PAGES
from tui.settings.themes import DARK, LIGHT

THEMES = {"dark": DARK, "light": LIGHT}
PICTURES = Path(__file__).parent / "pictures"
DRAWN_SECONDS = 5.0
"""Until a page that reads predictions and images in a thread of its own is complete."""
MEASURED_SECONDS = 20.0
"""Until the launcher has measured the machine, TensorFlow's start included."""
IN_DOCUMENTS = ("launcher", "training", "results", "confusion", "mistakes", "compare", "answers")
OTHER_TERMINALS = (("80x24", "light"), ("120x40", "light"), ("200x60", "dark"))
ON_THESE = ("launcher", "training", "results")
"""The screens that the documents show on other terminals too."""
MORE = ("keys", "predict", *(page.name for page in RUN_PAGES))


class Recording(SessionHandle):
    """Recorded runs in the place of a session."""

    def __init__(self, runs: list[RunRecord]) -> None:
        super().__init__("recording")
        self._runs = runs
        self.has_played = False

    @property
    def specs(self) -> tuple[RunSpec, ...]:
        return tuple(run.file.spec for run in self._runs)

    @property
    def is_alive(self) -> bool:
        return True

    def start(self) -> None:
        self._work()

    def _work(self) -> None:
        for index, run in enumerate(self._runs):
            events = list(read_events(run.directory))
            if run is self._runs[-1]:
                events = list(until_mid_epoch(events, run.file.spec.epochs))
            # As if it were training now: what has elapsed is counted from the clock.
            since = time.time() - events[-1].time
            for event in events:
                self._tell(index, run.run_id, replace(event, time=event.time + since))
        self.has_played = True

    def send(self, command: Command) -> None:
        """A recording obeys nobody."""

    def join(self, timeout: float | None = None) -> bool:
        return True


def until_mid_epoch(events: list[Event], epochs: int) -> Iterator[Event]:
    """The events of a run up to the middle of its last epoch."""
    last = [event.step for event in events if isinstance(event, BatchEnded)][-1]
    ended = 0
    for event in events:
        yield event
        ended += isinstance(event, EpochEnded)
        if ended == epochs - 1 and isinstance(event, BatchEnded) and event.step > 0.6 * last:
            return


class Camera(NamedTuple):
    """How and where the screens are drawn."""

    runs_dir: Path
    size: tuple[int, int]
    theme: str
    target: Path
    names: Container[str]
    """The pictures to keep."""

    def app(self, session: Recording | None = None) -> CifarApp:
        app = CifarApp(Source(session, _no_session), runs_dir=self.runs_dir)
        app.theme = self.theme
        return app

    def save(self, app: CifarApp, name: str) -> None:
        """Write what the app shows as a picture."""
        if name not in self.names:
            return
        self.target.mkdir(parents=True, exist_ok=True)
        (self.target / f"{name}.svg").write_text(app.export_screenshot(title="cifar-tui"))


async def draw_launcher(camera: Camera) -> None:
    """The launcher, once it knows how fast this machine is, and the keys."""
    app = camera.app()
    async with app.run_test(size=camera.size) as pilot:
        await pilot.pause(MEASURED_SECONDS)
        await pilot.press("down")
        await pilot.pause(1.0)
        camera.save(app, "launcher")
        await pilot.press("question_mark")
        await pilot.pause(1.0)
        camera.save(app, "keys")


async def draw(camera: Camera, runs: list[RunRecord]) -> None:
    """Write the pictures."""
    await draw_launcher(camera)
    recording = Recording(runs)
    app = camera.app(recording)
    async with app.run_test(size=camera.size) as pilot:
        while not recording.has_played:
            await pilot.pause(0.1)
        await pilot.pause(1.0)
        ask_for_one_block_more(app)
        for _ in range(3):  # charts are drawn at most once a second
            await pilot.pause(1.0)
        camera.save(app, "training")
        await pilot.press("r")
        await pilot.pause(DRAWN_SECONDS)
        camera.save(app, "results")
        await draw_what_results_open(camera, app, pilot)


async def draw_what_results_open(camera: Camera, app: CifarApp, pilot: Pilot[Any]) -> None:
    """The highlighted run in full, a prediction, the comparison of two runs, the answers."""
    await pilot.press("enter")
    for number, page in enumerate(RUN_PAGES, 1):
        if page.name in camera.names:
            await pilot.press(str(number))
            await pilot.pause(DRAWN_SECONDS)
            camera.save(app, page.name)
    await pilot.press("escape", "p")
    await pilot.pause(DRAWN_SECONDS)
    camera.save(app, "predict")
    await pilot.press("escape", "home", "space", "down", "space", "c")
    await pilot.pause(DRAWN_SECONDS)
    camera.save(app, "compare")
    await pilot.press("escape", "w")
    await pilot.pause(DRAWN_SECONDS)
    camera.save(app, "answers")


def ask_for_one_block_more(app: CifarApp) -> None:
    """Let the tree show a change that waits: the last block that is frozen shall train."""
    assert isinstance(app.screen, TrainingScreen)
    assert app.screen.view is not None
    run = app.screen.view.run
    assert run.layers is not None
    for number in range(1, count_blocks(run.layers) + 1):
        layers = [name for name in last_blocks(run.layers, number) if name not in run.selected]
        if layers:
            app.request(SetTrainable(layers=tuple(layers), value=True))
            return


def _no_session(specs: list[RunSpec]) -> Recording:
    raise NotImplementedError("a picture starts no training")


def main() -> None:
    """Read the arguments and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs_dir", type=Path, metavar="RUNS_DIR")
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--to", type=Path, metavar="DIR")
    parser.add_argument("--size", default="120x40", metavar="COLUMNSxROWS", help="with --to")
    parser.add_argument("--theme", choices=THEMES, default="dark", help="with --to")
    given = parser.parse_args()

    def camera(size: str, theme: str, target: Path, names: Container[str]) -> Camera:
        columns, _, rows = size.partition("x")
        drawn = (int(columns), int(rows))
        return Camera(given.runs_dir, drawn, THEMES[theme].name, target, names)

    if given.to is not None:
        cameras = [camera(given.size, given.theme, given.to, (*IN_DOCUMENTS, *MORE))]
    else:
        cameras = [camera("120x40", "dark", PICTURES, IN_DOCUMENTS)]
        for size, theme in OTHER_TERMINALS:
            cameras.append(camera(size, theme, PICTURES / f"{size}-{theme}", ON_THESE))
    runs = [load_run(given.runs_dir / name) for name in given.runs]
    for each in cameras:
        asyncio.run(draw(each, runs))


if __name__ == "__main__":
    main()
