"""The program that `test_long_run.py` runs: `python tests/soak/long_run.py EPOCHS RUNS FIGURES`.

The real screen over a real queue of one tiny model, as the program itself puts them together, with
two things noted beside: by how much short sleeps of the screen's event loop overrun, and the
memory of the process at every epoch's end. It leaves by itself when the training has ended.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
import time
from pathlib import Path

import psutil
from rich.console import Console

from engine.backbones.catalogue import find_backbone
from engine.config.planning import plan_runs
from engine.config.settings import Options
from engine.machine.output_capture import OutputCapture
from engine.protocol.events import EpochEnded, Event
from engine.sessions.local import Session
from tui.app import CifarApp
from tui.session.source import Source

NAP = 0.01


class NotingApp(CifarApp):
    """Notes how late its event loop is, and leaves after the training's end."""

    CSS_PATH = inspect.getfile(CifarApp).replace(".py", ".tcss")

    def on_ready(self) -> None:
        self.lags: list[tuple[float, float, float]] = []
        """Unix second, seconds late, CPU seconds of the loop's own thread meanwhile."""
        self._noting = asyncio.create_task(self._note_lag())

    async def _note_lag(self) -> None:
        while True:
            began, worked = time.perf_counter(), time.thread_time()
            await asyncio.sleep(NAP)
            late = time.perf_counter() - began - NAP
            self.lags.append((time.time(), late, time.thread_time() - worked))

    def _settle_leaving(self) -> None:
        self._leave()


class Memory:
    """A sink that notes the process's resident memory at every epoch's end."""

    def __init__(self) -> None:
        self.process = psutil.Process()
        self.readings: list[tuple[float, int, int]] = []
        """Unix second, epoch, bytes."""

    def __call__(self, index: int, run_id: str, event: Event) -> None:
        """Take an event on the trainer's thread."""
        if isinstance(event, EpochEnded):
            self.readings.append((event.time, event.epoch, self.process.memory_info().rss))


def main() -> None:
    """Train, then write the figures."""
    epochs, runs, figures = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    options = Options(recipe="notebook", dataset="digits", train_limit=300, epochs=(epochs,))
    specs = plan_runs([find_backbone("CustomCNN")], options)
    memory, session = Memory(), Session(specs, runs)
    session.add_sink(memory)
    with OutputCapture(session.log):
        app = NotingApp(Source(session, lambda specs: Session(specs, runs)), runs_dir=runs)
        app.error_console = Console(file=sys.__stderr__, markup=False, highlight=False)
        app.run()
    session.join()
    figures.write_text(json.dumps({"lags": app.lags, "memory": memory.readings}))


if __name__ == "__main__":
    main()
