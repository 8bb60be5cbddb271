"""Draw the pictures of the documents from recorded runs: `python docs/screens.py RUNS_DIR RUN...`.

The runs are played into the real app as a queue: all but the last whole, the last one up to the
middle of its last epoch. RUNS_DIR is what the results screen shows; its two best runs are compared.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

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

SIZE = (120, 40)
PICTURES = Path(__file__).parent / "pictures"
DRAWN_SECONDS = 5.0
"""Until a page that reads predictions and images in a thread of its own is complete."""
MEASURED_SECONDS = 20.0
"""Until the launcher has measured the machine, TensorFlow's start included."""
DETAILS = {"confusion": "3", "mistakes": "5"}
"""Pages of a run in full, and the keys that open them."""


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


async def draw_launcher(runs_dir: Path) -> None:
    """The launcher, once it knows how fast this machine is."""
    app = CifarApp(Source(None, _no_session), runs_dir=runs_dir)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(MEASURED_SECONDS)
        await pilot.press("down")
        await pilot.pause(1.0)
        save(app, "launcher")


async def draw(runs_dir: Path, runs: list[RunRecord]) -> None:
    """Write the pictures."""
    await draw_launcher(runs_dir)
    recording = Recording(runs)
    app = CifarApp(Source(recording, _no_session), runs_dir=runs_dir)
    async with app.run_test(size=SIZE) as pilot:
        while not recording.has_played:
            await pilot.pause(0.1)
        await pilot.pause(1.0)
        ask_for_one_block_more(app)
        for _ in range(3):  # charts are drawn at most once a second
            await pilot.pause(1.0)
        save(app, "training")
        await pilot.press("r")
        await pilot.pause(DRAWN_SECONDS)
        save(app, "results")
        await draw_what_results_open(app, pilot)


async def draw_what_results_open(app: CifarApp, pilot: Pilot[Any]) -> None:
    """The highlighted run in full, the comparison of the first two runs, the answers."""
    await pilot.press("enter")
    for name, key in DETAILS.items():
        await pilot.press(key)
        await pilot.pause(DRAWN_SECONDS)
        save(app, name)
    await pilot.press("escape", "home", "space", "down", "space", "c")
    await pilot.pause(DRAWN_SECONDS)
    save(app, "compare")
    await pilot.press("escape", "w")
    await pilot.pause(DRAWN_SECONDS)
    save(app, "answers")


def save(app: CifarApp, name: str) -> None:
    """Write what the app shows as a picture."""
    (PICTURES / f"{name}.svg").write_text(app.export_screenshot(title="cifar-tui"))


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
    runs_dir = Path(sys.argv[1])
    asyncio.run(draw(runs_dir, [load_run(runs_dir / name) for name in sys.argv[2:]]))


if __name__ == "__main__":
    main()
